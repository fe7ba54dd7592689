import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import fc from '../../testing/properties.ts';
import type { ToSupervisor } from '../../src/node/messages.ts';
import { managementMessage, xksWorkerMessage } from '../../src/node/worker-messages.ts';
import { MisfitError, parseMessage } from '../../src/message-check.ts';
import { parseHostReport } from '../../src/token/keeper/host-report.ts';

/* What workers and token hosts say is believed only where it is what they may say; nothing of it ends the supervisor. */

const version = { cloudKeyId: 'f3a9', version: 3 };
const use = {
  kind: 'encrypt',
  id: 'f3a9',
  count: 2,
  last_at: '2026-01-01T00:00:00.000Z',
  last_address: '::1',
} as const;
const ask = {
  ...{ bucket: 'key-set:0b51a1a2-6c6c-4d7b-9b3c-0a2f1d9a7e11', rate: 100, burst: 20, revision: 7 },
  vaultId: '5d1e0c0e-0f39-4f5a-8f0e-4b9b0f0f7c11',
  ...{ need: 1, ahead: true, lease: 0, used: 0, unused: 0, refused: 0 },
};
const write = (written: Extract<ToSupervisor, { kind: 'served-write' }>['write']): ToSupervisor => ({
  kind: 'served-write',
  id: 'a',
  write: written,
});

const common: ToSupervisor[] = [
  { kind: 'listening', port: 8443 },
  { kind: 'kill-host', id: 4 },
  { kind: 'host-prepared', id: 4, keys: 0 },
  { kind: 'pong' },
];
const ofXksWorkers: ToSupervisor[] = [
  { kind: 'borrowed-lost', id: -2 },
  { kind: 'quota', asks: [ask] },
  write({ kind: 'leases', asks: [version] }),
  write({ kind: 'uses', uses: [use] }),
  write({ kind: 'unfit', note: { ...version, unfit: { since: use.last_at, why: 'x' } } }),
  write({
    kind: 'failed-requests',
    requests: [
      {
        ...{ vault_id: 'v', key_set_id: 's', external_key_id: 'x', operation: 'Decrypt', count: 2 },
        ...{ error: 'InternalException', message: 'x', reason: 'device', principal: 'p', via_service: '' },
        ...{ kms_operation: 'Decrypt', kms_key_arn: 'a', kms_request_id: 'r', address: '::1' },
        ...{ first_at: use.last_at, last_at: use.last_at },
      },
    ],
  }),
  write({ kind: 'unfit', note: version }),
  write({ kind: 'begin-version', ask: { cloudKeyId: 'f3a9', current: 3 } }),
  write({ kind: 'activate-version', ask: { ...version, proof: null } }),
  write({ kind: 'activate-version', ask: { ...version, proof: 'YQ==' } }),
  write({ kind: 'take-back-version', ask: { ...version, keyObject: 'may-come' } }),
  {
    kind: 'figures',
    figures: {
      requests: [],
      tokens: [],
      pools: [],
      loop: { active: 1.5, idle: 0, heapUsed: 1 },
      lease: null,
      wentBack: 0,
    },
  },
];
const ofManagement: ToSupervisor[] = [
  { kind: 'verify-token', id: 1, token: 'primary', member: 'primary' },
  { kind: 'node-facts', id: 1 },
  { kind: 'node-figures', id: 1 },
];

test('each worker says what is its to say, and nothing that is the other’s', (t) => {
  for (const [check, own, others] of [
    [xksWorkerMessage, [...common, ...ofXksWorkers], ofManagement],
    [managementMessage, [...common, ...ofManagement], ofXksWorkers],
  ] as const) {
    for (const message of own)
      t.deepEqual(parseMessage<ToSupervisor>(check, structuredClone(message)), message);
    for (const message of others)
      t.throws(() => parseMessage<ToSupervisor>(check, message), { instanceOf: MisfitError });
  }
});

const deep = JSON.parse(`${'{"kind":'.repeat(5_000)}null${'}'.repeat(5_000)}`) as unknown;

test('nonsense is refused in words that repeat nothing of it', (t) => {
  const nonsense: unknown[] = [
    ...[null, undefined, 0, 'pong', [], {}, deep, { kind: 'toString' }, { kind: '__proto__' }],
    ...[{ kind: 'listening', port: -1 }, { kind: 'kill-host' }, { kind: 'kill-host', id: '4' }],
    ...[{ kind: 'quota' }, { kind: 'quota', asks: [null] }, { kind: 'served-write', id: 'a', write: null }],
    ...[
      { bucket: 'x'.repeat(1e6) },
      { bucket: 'other:1' },
      { revision: Number.MAX_VALUE },
      { rate: 1e-9 },
    ].map((wrong) => ({ kind: 'quota', asks: [{ ...ask, ...wrong }] })),
    ...[{ ahead: 1 }, { used: -1 }, { need: Number.NaN }, { revision: 'secret'.repeat(1e5) }].map(
      (wrong) => ({
        kind: 'quota',
        asks: [{ ...ask, ...wrong }],
      }),
    ),
  ];
  for (const said of nonsense) {
    const error = t.throws(() => parseMessage(xksWorkerMessage, said), { instanceOf: MisfitError });
    t.regex(error?.message ?? '', /^message[.\w[\]]* (?:is|has) [a-z ]+$/);
  }
});

test('anything at all is parsed or refused, and what is parsed is a message', (t) => {
  const kinds = [...common, ...ofXksWorkers, ...ofManagement].map(({ kind }) => kind);
  const anything = fc.oneof(
    fc.jsonValue({ maxDepth: 4 }),
    fc.record({
      kind: fc.constantFrom(...kinds),
      id: fc.jsonValue(),
      write: fc.jsonValue(),
      asks: fc.jsonValue(),
    }),
  );
  fc.assert(
    fc.property(anything, (said) => {
      for (const check of [xksWorkerMessage, managementMessage])
        try {
          const { kind } = parseMessage<ToSupervisor>(check, said);
          t.true(kinds.includes(kind));
        } catch (error) {
          t.true(error instanceof MisfitError);
        }
    }),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (line) => {
      const told = parseHostReport(line);
      t.true(told === undefined || typeof told.state === 'string');
    }),
    { numRuns: 300 },
  );
});

test('what a token host tells is a report, or nothing', (t) => {
  const token = {
    label: 'a',
    serial: 'b',
    manufacturer: 'c',
    model: 'd',
    firmware: '1.0',
    loginRequired: true,
    slot: 7,
  };
  const ready = {
    ...{ state: 'ready', token, made: [], ownProofs: { 'holdfast:seal:1': 'YQ==' }, alarms: [] },
    ...{ noKeys: { problem: 'a', remediation: 'b' }, operationTime: 0.4 },
  };
  const reports = [
    ready,
    { state: 'failed', pinRefused: true, problem: 'a', remediation: 'b', rv: 0xa0, call: 'C_Login' },
    { state: 'step', step: 'token', milliseconds: 1.5, detail: 'a', info: token },
    { state: 'mechanisms', names: ['CKM_AES_GCM'] },
    { state: 'login-wanted' },
    { state: 'logged-in' },
    { state: 'dead', pinRefused: false, problem: 'a' },
  ];
  for (const report of reports) t.deepEqual(parseHostReport(JSON.stringify(report)) as unknown, report);
  const slotless = { ...ready, token: { ...token, slot: null } };
  t.deepEqual(parseHostReport(JSON.stringify(slotless)) as unknown, slotless, 'a slot that no number holds');
  const wrong = [null, { ...token, slot: '7' }, { ...token, slot: -1 }];
  const lines = wrong.map((of) => JSON.stringify({ ...ready, token: of }));
  for (const line of ['', 'null', '1', '{', '{"state":"ready"}', ...lines])
    t.is(parseHostReport(line), undefined, line);
});

for (const [name, script, problem] of [
  ['a line that is no JSON', "require('node:fs').writeSync(3, '{nonsense\\n')", /JSON/],
  [
    'a handle',
    "const s = require('node:net').createServer().listen(0, '127.0.0.1', () => process.send('x', s))",
    /handle/,
  ],
] as const)
  test(`${name} in a worker’s channel is that worker’s end, and nobody else’s`, async (t) => {
    // In a process of its own: AVA ends one with an exception that nobody caught, whoever sees to it.
    const reader = path.join(import.meta.dirname, 'nonsense-reader.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [reader, script]);
    const { heard, nonsense } = JSON.parse(stdout) as { heard: unknown[]; nonsense: string[] };
    t.regex(nonsense.join('\n'), problem);
    t.deepEqual(heard, ['well', null]);
  });
