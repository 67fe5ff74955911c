import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cut, exhaustionS, Paces } from '../../src/keeper/fleet/pace.js';
import type { WindowUse } from '../../src/store/packed-window.js';

const S = 1e6;
const HOUR = 3_600 * S;
const NOW = 1_790_000_000 * S;

/** What a window has at a moment that was charged `perS` each second from one moment on. */
function steady(cut: Cut, perS: number, fromUs: number, nowUs: number): WindowUse {
  const lengthUs = 'sliceUs' in cut ? cut.sliceUs : cut.endUs - cut.startUs;
  const current = 'sliceUs' in cut ? Math.floor(nowUs / lengthUs) * lengthUs : cut.startUs;
  const slices = [];
  for (let startUs = current - 60 * lengthUs; startUs <= current; startUs += lengthUs) {
    if (!('sliceUs' in cut) && startUs < cut.startUs) continue;
    const seconds = (Math.min(nowUs, startUs + lengthUs) - Math.max(fromUs, startUs)) / S;
    if (seconds > 0) slices.push({ startUs, amount: perS * seconds });
  }
  return { used: slices.reduce((sum, { amount }) => sum + amount, 0), slices };
}

/** Looks every 2 s for 12 minutes, as a keeper does, and tells what it says last. */
function watched(cut: Cut, limit: number, perS: number, forUs: number): number | undefined {
  const paces = new Paces();
  let said: number | undefined;
  for (let atUs = NOW - 720 * S; atUs <= NOW; atUs += 2 * S) {
    const use = steady(cut, perS, NOW - forUs, atUs);
    said = exhaustionS(use, limit, paces.look('w', use, cut, atUs), cut, atUs);
  }
  return said;
}

const minute = { sliceUs: 1 * S };
const hour = { sliceUs: 60 * S };
const day = { sliceUs: 1_440 * S };
const calendar = { startUs: NOW - 10 * HOUR, endUs: NOW + 14 * HOUR };

for (const [what, cut, limit, perS, forUs, expectedS, withinS] of [
  ['of a minute, for 30 s', minute, 60, 1.5, 30 * S, 10, 1],
  ['of an hour, for 20 minutes', hour, 3_600, 2, 1_200 * S, 600, 60],
  ['of an hour, for 5 minutes', hour, 3_600, 2, 300 * S, 1_500, 60],
  ['of a day, for 6 hours', day, 86_400, 2, 6 * HOUR, 21_600, 1_440],
  ['of a day, for 5 minutes', day, 86_400, 200, 300 * S, 132, 15],
  ['of the calendar, for 9 hours', calendar, 86_400, 2, 9 * HOUR, 10_800, 60],
  ['of the calendar, for 5 minutes', calendar, 86_400, 20, 300 * S, 4_020, 60],
  ['that is full', hour, 1_000, 2, 1_200 * S, 0, 0],
] as const) {
  test(`a window ${what} of steady use is full when it is said to be, within its slice`, () => {
    const said = watched(cut, limit, perS, forUs);
    assert.ok(said !== undefined);
    assert.ok(Math.abs(said - expectedS) <= withinS, `${said} s, not ${expectedS} s`);
  });
}

for (const [what, cut, limit, perS, forUs] of [
  ['empties as fast as it fills', minute, 60, 0.9, 600 * S],
  ['empties as fast as it fills, of an hour', hour, 3_600, 0.9, 2 * HOUR],
  ['empties before it is full, and is used for a while only', hour, 3_600, 0.9, 600 * S],
  ['begins anew before', calendar, 200_000, 2, 5 * HOUR],
  ['is not used', hour, 3_600, 0, 600 * S],
] as const) {
  test(`a window that ${what} is not said to be full`, () => {
    assert.equal(watched(cut, limit, perS, forUs), undefined);
  });
}

test('use that has ended has no pace', () => {
  const paces = new Paces();
  for (const [cut, name] of [
    [hour, 'fine'],
    [day, 'coarse'],
  ] as const) {
    const use = steady(cut, 2, NOW - 3_000 * S, NOW - 1_500 * S);
    let pace = -1;
    for (let atUs = NOW; atUs < NOW + 120 * S; atUs += 2 * S)
      pace = paces.look(name, use, cut, atUs);
    assert.equal(pace, 0, name);
  }
});
