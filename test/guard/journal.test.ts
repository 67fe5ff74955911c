import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Admissions } from '../../src/guard/admissions.js';
import { createJournal, type Entry, type Journal } from '../../src/guard/journal.js';
import { createReleaser } from '../../src/guard/release.js';
import { NOTHING } from '../../src/model/amounts.js';
import { parsePolicy } from '../../src/policy/parse.js';
import { createTokensSeen } from '../../src/pricing/seen.js';
import type { Released } from '../../src/store/settlement.js';
import type { Store } from '../../src/store/store.js';
import { createLog, type Logger } from '../../src/telemetry/log.js';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.js';

describe('the journal', () => {
  const log = createLog('silent', 'json');
  let metrics: Metrics;
  let journal: Journal;
  before(() => {
    metrics = createMetrics();
  });
  beforeEach(() => {
    journal?.close();
    journal = createJournal(metrics, log);
  });
  after(() => journal.close());

  const entry = (id: string, told: string[], given: Partial<Entry> = {}): Entry => ({
    id,
    domain: 'd',
    weight: 1,
    async tell() {
      told.push(id);
      return undefined;
    },
    ...given,
  });

  test('tells withdrawals, then admissions, then settlements, each once', async () => {
    const told: string[] = [];
    journal.add('settlement', entry('settle', told));
    journal.add('admission', entry('admit', told));
    journal.add('withdrawal', entry('withdraw', told));
    journal.add('withdrawal', entry('withdraw', told));
    await journal.drain();
    await journal.drain();
    assert.deepEqual(told, ['withdraw', 'admit', 'settle']);
    assert.equal(journal.size(), 0);
  });

  test('leaves a domain whose Redis gives no answer for the next time, and tells the others', async () => {
    const told: string[] = [];
    let away = true;
    const failing = async () => (away ? ('timeout' as const) : undefined);
    journal.add('admission', entry('x', told, { domain: 'away', tell: failing }));
    journal.add('settlement', entry('of away', told, { domain: 'away' }));
    journal.add('settlement', entry('of d', told));
    await journal.drain();
    assert.deepEqual([told, journal.size()], [['of d'], 2]);
    away = false;
    await journal.drain();
    assert.deepEqual([told, journal.size()], [['of d', 'of away'], 0]);
  });

  test('an entry that Redis cannot take holds up no other', async () => {
    const told: string[] = [];
    journal.add('withdrawal', entry('bad', told, { tell: async () => 'error' }));
    journal.add('admission', entry('of a later version', told, { tell: async () => 'newer' }));
    journal.add('admission', entry('good', told));
    await journal.drain();
    assert.deepEqual([told, journal.size()], [['good'], 2]);
  });

  test('what only a later version could take is said once, until it is taken', async () => {
    const said: string[] = [];
    const error = (_fields: object, message: string) => said.push(message);
    const other = createJournal(metrics, { ...log, error, info() {} } as unknown as Logger);
    let newer = true;
    const tell = async () => (newer ? ('newer' as const) : undefined);
    other.add('settlement', entry('x', [], { tell }));
    for (let n = 0; n < 3; n += 1) await other.drain();
    assert.equal(said.length, 1);
    assert.match(String(said[0]), /a much later version.*update this sidecar/);
    newer = false;
    await other.drain();
    assert.equal(other.size(), 0);
    other.close();
  });

  test('turns away what is too much, by count and by weight', () => {
    const told: string[] = [];
    assert.ok(journal.add('settlement', entry('heavy', told, { weight: 20_000 })));
    assert.equal(journal.add('settlement', entry('more', told)), false);
    assert.ok(journal.add('settlement', entry('heavy', told)), 'what waits already does wait');
    for (let n = 0; n < 10_000; n += 1) journal.add('withdrawal', entry(`${n}`, told));
    assert.equal(journal.add('withdrawal', entry('one more', told)), false);
    journal.remove('settlement', 'heavy');
    assert.ok(journal.add('settlement', entry('more', told)));
  });

  test('a release is not told before the admission of its call', async () => {
    const policy = parsePolicy('rules: []');
    if ('errors' in policy) assert.fail();
    let admitted = false;
    let releases = 0;
    const released: Released = { state: 'released', repeat: false, released: NOTHING };
    const release = createReleaser(
      {
        policy: () => policy,
        store: {
          release: async () => {
            releases += 1;
            return released;
          },
        } as Partial<Store> as Store,
        journal,
        admissions: { has: () => !admitted } as Partial<Admissions> as Admissions,
        seen: createTokensSeen(),
      },
      { settled() {}, pending() {}, released() {} },
    );
    const identity = { agent: 'a', team: '', costCentre: '', instance: '' };
    const kept = await release({ callId: 'c', identity, why: '' }, performance.now() + 50);
    assert.ok('pending' in kept && kept.pending);
    await journal.drain();
    assert.deepEqual([releases, journal.size()], [0, 1]);
    admitted = true;
    await journal.drain();
    assert.deepEqual([releases, journal.size()], [1, 0]);
  });
});
