import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import type { Channel } from '../../src/client/channel.js';
import { type EmbeddedRedis, startEmbeddedRedis } from '../../src/redis/embedded.js';
import { loadScripts } from '../../src/redis/scripts.js';
import { loadApi } from '../../src/wire/definition.js';
import type { AuthorizeRequest } from '../../src/wire/generated/tollgate/v1/AuthorizeRequest.js';
import { formatListen } from '../../src/wire/listen.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { sidecarHere } from '../support/sidecar.js';

const TIMEOUT_MS = 5_000;
const AUTHORIZE = '/tollgate.v1.Tollgate/Authorize';

const POLICY = `
rules:
  - id: each
    action: block
    per: [agent, tool, model, labels.tier]
    rateLimit: { limit: 1000000, window: 24h }
`;

describe('what comes over the wire', () => {
  const folder = scratchFolder();
  let engine: EmbeddedRedis;
  let redis: Redis;
  let channel: Channel;
  let raw: Client;
  let address: string;
  let stop: () => Promise<void>;
  before(async () => {
    engine = await startEmbeddedRedis();
    redis = new Redis(engine.address.nodes[0]?.port ?? 0);
    const policy = writeScratch(folder, POLICY);
    const here = await sidecarHere(engine.address, policy, engine.adapt(loadScripts()));
    ({ channel, stop } = here);
    assert.ok(here.sidecar.address);
    address = formatListen(here.sidecar.address);
    raw = new Client(address, credentials.createInsecure());
  });
  after(async () => {
    raw.close();
    await stop();
    redis.disconnect();
    await engine.close();
  });

  const authorize = (request: AuthorizeRequest) => channel.authorize(request, TIMEOUT_MS);

  /** Sends any bytes as the message; gives the status code and details. */
  function send(bytes: Buffer, method = AUTHORIZE): Promise<{ code: status; details: string }> {
    return new Promise((resolve) => {
      raw.makeUnaryRequest(
        method,
        (message: Buffer) => message,
        (reply: Buffer) => reply,
        bytes,
        { deadline: Date.now() + TIMEOUT_MS },
        (error: ServiceError | null) =>
          resolve(
            error ? { code: error.code, details: error.details } : { code: status.OK, details: '' },
          ),
      );
    });
  }
  const encode = (request: AuthorizeRequest): Buffer =>
    loadApi().tollgate.v1.Tollgate.service.Authorize.requestSerialize(request);

  const good: AuthorizeRequest = { agent_id: 'a', tool: 't' };
  const long = 'x'.repeat(257);
  const malformed: [string, AuthorizeRequest, RegExp][] = [
    ['an empty agent', { agent_id: '' }, /^agent_id: is required$/],
    [
      'a negative token count',
      { ...good, tokens_in: -1 },
      /^tokens_in: must be from 0 to 1000000000$/,
    ],
    ['too many tokens out', { ...good, tokens_out: 1_000_000_001 }, /^tokens_out: must be from 0/],
    [
      'an absurd max_tokens_out',
      { ...good, max_tokens_out: '9223372036854775807' },
      /^max_tokens_out: must be/,
    ],
    [
      'a negative cost',
      { ...good, estimated_cost: -0.01 },
      /^estimated_cost: must be a finite number/,
    ],
    [
      'a cost that is no number',
      { ...good, estimated_cost: Number.NaN },
      /^estimated_cost: must be a finite/,
    ],
    [
      'an infinite cost',
      { ...good, estimated_cost: Number.POSITIVE_INFINITY },
      /^estimated_cost: must be/,
    ],
    [
      'a cost over $1 million',
      { ...good, estimated_cost: 1_000_000.01 },
      /^estimated_cost: must be/,
    ],
    ['a lineage token', { ...good, parent: 'abc' }, /^parent: is no lineage token/],
    [
      'a timestamp after 9999',
      { ...good, timestamp: { seconds: 253_402_300_800 } },
      /^timestamp: is outside/,
    ],
    ['negative nanos', { ...good, timestamp: { seconds: 1, nanos: -1 } }, /^timestamp: is outside/],
    [
      'too many labels',
      { ...good, labels: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`n${n}`, 'v'])) },
      /^labels: are more than 16$/,
    ],
    ['an empty label name', { ...good, labels: { '': 'v' } }, /^labels: a name is empty$/],
    [
      'a long label name',
      { ...good, labels: { ['n'.repeat(65)]: 'v' } },
      /^labels: a name is over 64 bytes$/,
    ],
    [
      'a control character in a label',
      { ...good, labels: { n: 'a\nb' } },
      /^labels\.n: has a control character$/,
    ],
    ...(
      [
        'call_id',
        'agent_id',
        'team_id',
        'cost_centre',
        'instance',
        'tool',
        'model',
        'provider',
        'operation',
        'run_id',
        'parent_call_id',
        'fingerprint',
      ] as const
    ).flatMap((field): [string, AuthorizeRequest, RegExp][] => [
      [
        `${field} over 256 bytes`,
        { ...good, [field]: long },
        new RegExp(`^${field}: is over 256 bytes$`),
      ],
      [
        `${field} of 86 characters and 258 bytes`,
        { ...good, [field]: '€'.repeat(86) },
        new RegExp(`^${field}: is over 256 bytes$`),
      ],
      [
        `${field} with a control character`,
        { ...good, [field]: 'a\u0000b' },
        new RegExp(`^${field}: has a control character$`),
      ],
    ]),
  ];

  test('each malformed field is refused by name, and nothing is written', async () => {
    for (const [name, request, message] of malformed) {
      await assert.rejects(
        authorize(request),
        { code: status.INVALID_ARGUMENT, details: message },
        name,
      );
    }
    assert.deepEqual(await redis.keys('tg:*:[cw]*'), []);
  });

  test('every violated field is named at once', async () => {
    const request = {
      agent_id: '',
      tool: long,
      tokens_in: -1,
      estimated_cost: Number.NaN,
      parent: 'x\n',
    };
    await assert.rejects(authorize(request), (error: ServiceError) => {
      const fields = error.details.split('\n').map((line) => line.split(':')[0]);
      assert.deepEqual(fields.sort(), [
        'agent_id',
        'estimated_cost',
        'parent',
        'tokens_in',
        'tool',
      ]);
      return true;
    });
  });

  test('the greatest values that are allowed are allowed', async () => {
    const most = '€'.repeat(85);
    const decision = await authorize({
      ...good,
      tool: most,
      tokens_in: 1_000_000_000,
      tokens_out: 1_000_000_000,
      max_tokens_out: 1_000_000_000,
      estimated_cost: 1_000_000,
      labels: Object.fromEntries(
        Array.from({ length: 16 }, (_, n) => [`${n}`.padEnd(64, 'x'), most]),
      ),
      timestamp: { seconds: 253_402_300_799, nanos: 999_999_999 },
    });
    assert.equal(decision.verdict, 'VERDICT_ALLOW');
    assert.equal(decision.amounts?.cost_usd, 1_000_000);
  });

  test('invalid UTF-8 is refused by the field that has it', async () => {
    // Field 2 (agent_id), three bytes of which one is no UTF-8; field 6 (tool) likewise.
    const bytes = Buffer.from([0x12, 3, 0x61, 0xff, 0x62, 0x32, 2, 0xc3, 0x28]);
    const { code, details } = await send(bytes);
    assert.equal(code, status.INVALID_ARGUMENT);
    assert.equal(details, 'agent_id: is not valid UTF-8\ntool: is not valid UTF-8');
  });

  test('a message that is no protobuf is INVALID_ARGUMENT, one over 64 KiB RESOURCE_EXHAUSTED', async () => {
    const cut = await send(Buffer.from([0x17]));
    assert.equal(cut.code, status.INVALID_ARGUMENT);
    assert.match(cut.details, /^the message: /);
    const huge = await send(encode({ agent_id: 'x'.repeat(70_000) }));
    assert.equal(huge.code, status.RESOURCE_EXHAUSTED);
    const large = await send(encode({ agent_id: 'x'.repeat(60_000) }));
    assert.equal(large.code, status.INVALID_ARGUMENT);
    const noCall = await send(Buffer.alloc(0), '/tollgate.v1.Tollgate/Inspect');
    assert.deepEqual(noCall, { code: status.INVALID_ARGUMENT, details: 'call: is required' });
  });

  test('unknown fields and enum values of a newer client are ignored', async () => {
    // Field 99, a varint and field 100, a text.
    const newer = Buffer.from([0x98, 0x06, 0x7f, 0xa2, 0x06, 1, 0x78]);
    const { code } = await send(Buffer.concat([encode(good), newer]));
    assert.equal(code, status.OK);
  });

  test('odd values are different partitions, and forge no key', async () => {
    const values = [
      'ft:gpt-4o:org::x',
      'ft:gpt-4o:org::',
      '{}',
      '{',
      '}',
      '}:w:each',
      '{default}',
      ' ',
      '  ',
      '🤖',
      '🤖🤖',
      'none',
      '%6Eone',
      'None',
      'a,tool=b',
      'a%2Ctool=b',
      'a',
      'a=b',
      '%',
      '%25',
      '*',
      '../..',
      "'; DROP",
      '\u00fc',
      'u\u0308',
    ];
    const before = new Set(await redis.keys('tg:*'));
    for (const agent of values) {
      const first = await authorize({ agent_id: `odd ${agent}`, tool: agent });
      assert.equal(first.rules[0]?.used, 1, `agent and tool ${agent}`);
      const model = await authorize({ agent_id: 'odd', model: agent, labels: { tier: agent } });
      assert.equal(model.rules[0]?.used, 1, `model and label ${agent}`);
    }
    const left = await authorize({ agent_id: 'odd' });
    assert.equal(left.rules[0]?.used, 1, 'an absent value is not the value "none"');
    assert.equal(left.rules[0]?.partition, 'agent=odd,tool=none,model=none,labels.tier=none');
    const made = (await redis.keys('tg:*')).filter((key) => !before.has(key));
    assert.ok(made.length > values.length * 2);
    // Beside those of calls, what a gate and a keeper write of themselves, now or then.
    const own =
      /^tg:(domains|gates|formats)$|^tg:\{default\}:(born|ledger|fold|open|attributes|spend|events|policies|windows|alerts)\b/;
    for (const key of made.filter((one) => !own.test(one)))
      assert.match(key, /^tg:\{default\}:(w:each:[0-9a-f]{8}:agent=odd|call:odd)/);
  });

  describe('a fuzz of messages finds no crash and no defect', () => {
    const allowed = new Set([status.OK, status.INVALID_ARGUMENT, status.ALREADY_EXISTS]);
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constant(''),
      fc.constantFrom('a', 'b'),
    );
    const number = fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger());
    const count = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.nat(9));
    const identity = { call_id: text, agent_id: text, team_id: text };
    const call = {
      ...identity,
      tool: text,
      model: text,
      run_id: text,
      parent: text,
      tokens_in: fc.maxSafeInteger(),
      tokens_out: fc.integer(),
      max_tokens_out: fc.integer(),
      estimated_cost: number,
      final: fc.boolean(),
      timestamp: fc.record({ seconds: fc.maxSafeInteger(), nanos: fc.integer() }),
      labels: fc.dictionary(text, text, { maxKeys: 20 }),
    };
    const settlement = {
      ...identity,
      model: text,
      provider: fc.oneof(text, fc.constantFrom('openai', 'anthropic', 'aws')),
      tokens_in: count,
      tokens_out: count,
      cached_tokens_in: count,
      cost: number,
      usage_json: fc.oneof(
        text,
        fc.json(),
        fc.json().map((json) => `{"usage":${json}}`),
      ),
      outcome: fc.nat(5),
      call: fc.record(call, { requiredKeys: [] }),
    };
    const { service } = loadApi().tollgate.v1.Tollgate;
    const methods = [
      { method: service.Authorize, fields: call },
      { method: service.Settle, fields: settlement },
      { method: service.Release, fields: { ...identity, why: text } },
    ];
    for (const { method, fields } of methods) {
      test(method.path, async () => {
        const serialize = method.requestSerialize as (request: unknown) => Buffer;
        const request = fc
          .record(fields as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: [] })
          .map(serialize);
        await fc.assert(
          fc.asyncProperty(
            fc.oneof(
              fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
              request,
              fc.tuple(request, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
                if (bytes.length > 0) bytes[at % bytes.length] = byte;
                return bytes;
              }),
            ),
            async (bytes) => {
              const { code, details } = await send(bytes, method.path);
              assert.ok(allowed.has(code), `${status[code]}: ${details}`);
            },
          ),
          { numRuns: 800 * Number(process.env['TEST_RUNS'] ?? 1) },
        );
      });
    }
  });

  test('junk on the port harms nobody', async () => {
    const { port } = new URL(`http://${address}`);
    for (const junk of [
      'GET / HTTP/1.1\r\n\r\n',
      '\u0000'.repeat(1000),
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u00ff\u00ff\u00ff',
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () => socket.end(junk));
        socket.on('error', () => {});
        socket.on('close', () => resolve());
        socket.resume();
      });
    }
    assert.equal((await authorize(good)).verdict, 'VERDICT_ALLOW');
  });
});
