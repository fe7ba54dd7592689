import test from 'ava';
import pkcs11js from 'pkcs11js';
import { CKR, endsHost, TokenError } from '../../src/token/faults.ts';
import { encodeKeyIdentity } from '../../src/token/key-identity.ts';
import { LoginGate } from '../../src/token/login-gate.ts';
import { verifyConnection } from '../../src/token/keeper/verification.ts';
import { Shim, type Rule } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { encryptOf, OpenPool, settingsFor, throwsFault } from './open-pool.ts';

/*
 * What real modules do × {start, run, verify}: right behaviour, and where that is a refusal, a message that names the thing.
 * What the other files of this folder have is not here again: slots of which nothing matches, and signals while a host waits
 * (strange-slots), return values (return-codes), logins that are lost while it serves (logins, gone-token), IVs (iv-modes), a host
 * that hangs or has no session left while it serves (sick-hosts, pool).
 */

const served = Buffer.from('served');
const state = {} as {
  fixture: TokenFixture;
  shim: Shim;
  ownProofs: Record<string, Record<string, string>>;
  /** Of the key that is served. */
  identity: Buffer;
};

test.before(async () => {
  [state.fixture, state.shim] = await Promise.all([createSoftHsmToken(), Shim.create()]);
  const first = new OpenPool(state.fixture);
  await first.startInTurn();
  const binding = Buffer.alloc(32);
  const { proof } = await first.call({
    ...{ kind: 'generateKey', key: served, binding, label: 'served' },
    ...{ encrypt: true, decrypt: true },
  } as const);
  state.identity = encodeKeyIdentity({ label: 'served', binding, proof });
  const [told] = first.events;
  await first.stop();
  if (told?.kind === 'ready') state.ownProofs = { [told.serial]: told.ownProofs };
});

test.afterEach.always(() => state.shim.clear());

test.after.always(async () => {
  await state.shim.dispose();
  await state.fixture.dispose();
});

const setUp = () => ({
  shim: state.shim,
  prepare: false,
  fetchAhead: false,
  ownProofs: state.ownProofs,
  limits: { healthInterval: 600_000 },
});

const verify = async () => verifyConnection(settingsFor(state.fixture, setUp(), false), new LoginGate());

const both = (calls: readonly Rule['call'][], what: Omit<Rule, 'call'>): Rule[] =>
  calls.map((call) => ({ call, ...what }));

/** Faults with which no token is served: what a start and a verification both say. */
const refused: [name: string, rules: Rule[], problem: RegExp, remediation: RegExp][] = [
  [
    'ids of 16 bytes',
    [{ call: 'C_GenerateKey', maxId: 16 }],
    /an id \(CKA_ID\) of 20 bytes: C_GenerateKey failed \(CKR_ATTRIBUTE_VALUE_INVALID\)$/,
    /what keys are found by/,
  ],
  [
    'labels of 64 bytes',
    [{ call: 'C_GenerateKey', maxLabel: 64 }],
    /a label \(CKA_LABEL\) of 189 bytes: C_GenerateKey failed \(CKR_ATTRIBUTE_VALUE_INVALID\)$/,
    /whose key it is/,
  ],
  [
    'labels that are cut silently',
    [{ call: 'C_GenerateKey', cutLabel: 64 }],
    /a label \(CKA_LABEL\) of 189 bytes: it is cut silently to 64 bytes$/,
    /whose key it is/,
  ],
  [
    'AAD of 4,096 bytes',
    both(['C_EncryptInit', 'C_DecryptInit'], { maxAad: 4096 }),
    /additional authenticated data of 8215 bytes: C_EncryptInit failed \(CKR_MECHANISM_PARAM_INVALID\)$/,
    /aad\.form = "sha256"/,
  ],
  [
    'AAD that is cut silently',
    both(['C_EncryptInit', 'C_DecryptInit'], { cutAad: 4096 }),
    /does not authenticate all of additional authenticated data of 8215 bytes$/,
    /aad\.form = "sha256"/,
  ],
  [
    'data of 4,096 bytes',
    both(['C_Encrypt', 'C_Decrypt'], { maxData: 4096 }),
    /a plaintext of \d+ bytes: C_Encrypt failed \(CKR_DATA_LEN_RANGE\)$/,
    /limits\.plaintext_bytes/,
  ],
  [
    'one session',
    [{ call: 'C_OpenSession', sessions: 1 }],
    /^C_OpenSession failed \(CKR_SESSION_COUNT\)$/,
    /no session left|module’s own log/,
  ],
];

for (const [name, rules, problem, remediation] of refused)
  test.serial(`${name}: neither start nor verification is content, and both say what it is`, async (t) => {
    await state.shim.set(rules);
    const open = new OpenPool(state.fixture, setUp());
    t.teardown(async () => open.stop());
    open.startAll();
    const failure = await open.failure();
    t.regex(failure.problem, problem);
    t.regex(failure.remediation, remediation);
    const verification = await verify();
    t.false(verification.ok);
    t.regex(verification.steps.at(-1)?.detail ?? '', problem);
    t.regex(verification.remediation ?? '', remediation);
  });

/** Faults with which everything goes on as if there were none. */
const borne: [name: string, rules: Rule[]][] = [
  [
    'descriptors made non-blocking, and a timer’s signals',
    [{ call: 'C_Initialize', nonblocking: true, timerMicroseconds: 2_000 }],
  ],
  [
    'a slot that is not formatted',
    [{ call: 'C_GetTokenInfo', rv: CKR.TOKEN_NOT_RECOGNIZED, uninitialised: true }],
  ],
  ['slots whose numbers nobody knows', [{ call: 'C_GetSlotList', ghosts: 2 }]],
  [
    'a slot that says nothing of itself',
    [{ call: 'C_GetSlotInfo', rv: CKR.DEVICE_ERROR, uninitialised: true }],
  ],
  ...[2, 3, 4, 5, 6, 7, 8].map((sessions): [string, Rule[]] => [
    `${sessions} sessions a process`,
    [{ call: 'C_OpenSession', sessions }],
  ]),
  [
    'a module that is late each time',
    both(['C_FindObjectsInit', 'C_EncryptInit'], { delayMicroseconds: 20_000 }),
  ],
];

for (const [name, rules] of borne)
  test.serial(`${name}: start, run and verification go on as ever`, async (t) => {
    await state.shim.set(rules);
    const open = await OpenPool.start(t, state.fixture, setUp());
    const { pids } = open;
    for (let count = 0; count < 2; count++)
      await open.call(encryptOf(served, Buffer.from('data'), { verify: true }));
    await open.call({ kind: 'health' });
    t.deepEqual(open.pids, pids);
    t.deepEqual(
      open.events.map(({ kind }) => kind),
      ['ready'],
    );
    t.like(await verify(), { ok: true });
  });

/** What a host that serves is asked for once the fault has come, and what it says of it. */
const whileServing: [
  name: string,
  rules: Rule[],
  asked: (open: OpenPool) => Promise<unknown>,
  told: RegExp,
][] = [
  [
    'ids of 16 bytes',
    [{ call: 'C_GenerateKey', maxId: 16 }],
    async (open) => open.makeKey('x'.repeat(20)),
    /C_GenerateKey \(CKR_ATTRIBUTE_VALUE_INVALID\)/,
  ],
  [
    'labels of 64 bytes',
    [{ call: 'C_GenerateKey', maxLabel: 64 }],
    async (open) => open.makeKey('y'.repeat(65)),
    /C_GenerateKey \(CKR_ATTRIBUTE_VALUE_INVALID\)/,
  ],
  [
    'labels that are cut silently',
    [{ call: 'C_GenerateKey', cutLabel: 64 }],
    async (open) => open.makeKey('z'.repeat(65)),
    /the key came out with other attributes: CKA_LABEL$/,
  ],
  [
    'attributes that are hidden',
    [{ call: 'C_GetAttributeValue', attributes: { [pkcs11js.CKA_SENSITIVE]: 'unavailable' } }],
    async (open) => open.makeKey('hidden'),
    /the key came out with other attributes: CKA_SENSITIVE$/,
  ],
  [
    'AAD of 4,096 bytes',
    both(['C_EncryptInit', 'C_DecryptInit'], { maxAad: 4096 }),
    async (open) => open.call(encryptOf(served, Buffer.from('data'), { aad: Buffer.alloc(8192) })),
    /C_EncryptInit \(CKR_MECHANISM_PARAM_INVALID\)/,
  ],
  [
    'data of 4,096 bytes',
    both(['C_Encrypt', 'C_Decrypt'], { maxData: 4096 }),
    async (open) => open.call(encryptOf(served, Buffer.alloc(4300))),
    /C_Encrypt \(CKR_DATA_LEN_RANGE\)/,
  ],
];

test.serial(
  'what a token does not take any more while it is served is refused by name, and nothing else',
  async (t) => {
    const open = await OpenPool.start(t, state.fixture, setUp());
    const { pids } = open;
    for (const [name, rules, asked, told] of whileServing) {
      await state.shim.set(rules);
      const error = await t.throwsAsync(asked(open), { instanceOf: TokenError }, name);
      t.regex(error?.message ?? '', told, name);
      t.false(endsHost(error?.fault ?? 'device'), name);
      await open.call(encryptOf(served, Buffer.from('data'), { verify: true }));
      await open.call({ kind: 'health' });
    }
    t.deepEqual(open.pids, pids);
  },
);

test.serial(
  'attributes that are hidden from the start: keys that are proven are served, others refused by name',
  async (t) => {
    await state.shim.set([
      { call: 'C_GetAttributeValue', attributes: { [pkcs11js.CKA_SENSITIVE]: 'unavailable' } },
    ]);
    const open = await OpenPool.start(t, state.fixture, setUp());
    t.like(open.events, [{ kind: 'ready', alarms: [] }]);
    const { identity } = state;
    await open.call(encryptOf(served, Buffer.from('data'), { identity, verify: true }));
    const unproven = encryptOf(served, Buffer.from('data'), { verify: true });
    const error = await throwsFault(t, 'key-unfit', open.call(unproven));
    t.regex(error.message, /it is not as it was made: CKA_SENSITIVE$/);
    const anew = new OpenPool(state.fixture, { ...setUp(), ownProofs: {} });
    t.teardown(async () => anew.stop());
    anew.startAll();
    t.regex((await anew.failure()).problem, /^key "holdfast:health:1" is not as made: CKA_SENSITIVE$/);
    const { ok, steps } = await verify();
    t.false(ok);
    t.like(steps.at(-1), { name: 'key-making', ok: false });
    t.regex(steps.at(-1)?.detail ?? '', /other attributes: CKA_SENSITIVE$/);
  },
);

test.serial(
  'logged out behind at the start: it is told what it was, and the next start is another login',
  async (t) => {
    const loggedOut = async (): Promise<Rule[]> => [
      { call: 'C_EncryptInit', rv: CKR.USER_NOT_LOGGED_IN, claim: await state.shim.claimToken() },
    ];
    await state.shim.set(await loggedOut());
    const open = new OpenPool(state.fixture, setUp());
    t.teardown(async () => open.stop());
    open.startAll();
    t.regex((await open.failure()).problem, /C_EncryptInit.*CKR_USER_NOT_LOGGED_IN/);
    await open.allReady();
    await open.call(encryptOf(served, Buffer.from('data'), { verify: true }));
    await state.shim.set(await loggedOut());
    const { ok, steps } = await verify();
    t.false(ok);
    t.like(steps.at(-1), { name: 'self-test', ok: false });
    t.regex(steps.at(-1)?.detail ?? '', /C_EncryptInit.*CKR_USER_NOT_LOGGED_IN/);
  },
);

test.serial(
  'a module that does not come back: start and verification end in their time and say so',
  async (t) => {
    await state.shim.set([{ call: 'C_EncryptInit', hang: true }]);
    const late = { ...setUp(), startTimeout: 1_000 };
    const open = new OpenPool(state.fixture, late);
    t.teardown(async () => open.stop());
    open.startAll();
    const told = /^the token host did not become ready within 1000 ms$/;
    t.regex((await open.failure()).problem, told);
    await open.stop();
    const { ok, steps } = await verifyConnection(settingsFor(state.fixture, late, false), new LoginGate());
    t.false(ok);
    t.regex(steps.at(-1)?.detail ?? '', told);
  },
);

test.serial(
  'so many sessions for all processes: who serves is served on, and a verification has the rest',
  async (t) => {
    await state.shim.set([{ call: 'C_OpenSession', allSessions: 2 }]);
    const open = await OpenPool.start(t, state.fixture, setUp());
    for (const allSessions of [2, 3, 4, 8]) {
      await state.shim.set([{ call: 'C_OpenSession', allSessions }]);
      const { ok, steps } = await verify();
      t.is(ok, allSessions >= 4, `${allSessions}`);
      if (!ok) t.regex(steps.at(-1)?.detail ?? '', /C_OpenSession.*CKR_SESSION_COUNT/);
      await open.call(encryptOf(served, Buffer.from('data'), { verify: true }));
    }
    t.deepEqual(
      open.events.map(({ kind }) => kind),
      ['ready'],
    );
  },
);

for (const [name, rv] of [
  ['a token that has become read-only', 'TOKEN_WRITE_PROTECTED'],
  ['a token that makes no keys', 'FUNCTION_NOT_SUPPORTED'],
] as const)
  test.serial(`${name} is served, and what needs a new key says why there is none`, async (t) => {
    await state.shim.set(both(['C_GenerateKey', 'C_DestroyObject'], { rv: CKR[rv] }));
    const open = await OpenPool.start(t, state.fixture, setUp());
    await open.call(encryptOf(served, Buffer.from('data'), { verify: true }));
    const told = new RegExp(`C_GenerateKey.*CKR_${rv}`);
    const error = await t.throwsAsync(open.makeKey('new'));
    t.regex(error.message, told);
    const { ok, steps } = await verify();
    t.false(ok);
    t.like(steps.at(-1), { name: 'key-making', ok: false });
    t.regex(steps.at(-1)?.detail ?? '', told);
  });

test.serial('a healthy token of 100 ms a call is not sick, and no work of it is done twice', async (t) => {
  await state.shim.set(both(['C_EncryptInit', 'C_Encrypt'], { delayMicroseconds: 100_000 }));
  const open = await OpenPool.start(t, state.fixture, { ...setUp(), hosts: 2 });
  const verification = await verify();
  t.true(verification.ok, JSON.stringify(verification));
  const encryptions = async () => (await state.shim.counts())['C_Encrypt'] ?? 0;
  // Each host learns the key, and has it show that it is the right one.
  const request = () => open.call(encryptOf(served, Buffer.from('data')));
  await Promise.all([request(), request()]);
  const round = async () => {
    const before = await encryptions();
    let seenSick = false;
    const look = setInterval(() => (seenSick ||= open.pool.hosts.some(({ state }) => state === 'sick')), 10);
    for (let count = 0; count < 2; count++) await request();
    await Promise.all([request(), request(), request(), request()]);
    clearInterval(look);
    return { done: (await encryptions()) - before, seenSick };
  };
  let found = await round();
  // A host that gets no core for a while is sick, as it should be: that does not come four times in a row.
  for (let left = 3; left > 0 && (found.seenSick || found.done !== 6); left--) found = await round();
  t.deepEqual(found, { done: 6, seenSick: false });
  t.false(open.events.some(({ kind }) => kind === 'gone'));
});
