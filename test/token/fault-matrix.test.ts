import test from 'ava';
import { CKR } from '../../src/token/faults.ts';
import { LoginGate } from '../../src/token/login-gate.ts';
import { verifyConnection } from '../../src/token/keeper/verification.ts';
import { Shim, type Rule } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { encryptOf, OpenPool, settingsFor } from './open-pool.ts';

/*
 * What real modules do × {start, run, verify}: right behaviour, and where that is a refusal, a message that names the thing.
 * What the other files of this folder have is not here again: slots (strange-slots), return values (return-codes), logins,
 * IVs (iv-modes), sick and hanging hosts.
 */

const state = {} as { fixture: TokenFixture; shim: Shim; ownProofs: Record<string, Record<string, string>> };

test.before(async () => {
  [state.fixture, state.shim] = await Promise.all([createSoftHsmToken(), Shim.create()]);
  const first = new OpenPool(state.fixture);
  await first.startInTurn();
  await first.makeKey('served');
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
const refused: [name: string, rules: Rule[], problem: RegExp, wayOut: RegExp][] = [
  [
    'ids of 16 bytes',
    [{ call: 'C_GenerateKey', mostId: 16 }],
    /an id \(CKA_ID\) of 20 bytes: C_GenerateKey failed \(CKR_ATTRIBUTE_VALUE_INVALID\)$/,
    /what keys are found by/,
  ],
  [
    'labels of 64 bytes',
    [{ call: 'C_GenerateKey', mostLabel: 64 }],
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
    both(['C_EncryptInit', 'C_DecryptInit'], { mostAad: 4096 }),
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
    both(['C_Encrypt', 'C_Decrypt'], { mostData: 4096 }),
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

for (const [name, rules, problem, wayOut] of refused)
  test.serial(`${name}: neither start nor verification is content, and both say what it is`, async (t) => {
    await state.shim.set(rules);
    const open = new OpenPool(state.fixture, setUp());
    t.teardown(async () => open.stop());
    open.startAll();
    const failure = await open.failure();
    t.regex(failure.problem, problem);
    t.regex(failure.wayOut, wayOut);
    const verification = await verify();
    t.false(verification.ok);
    t.regex(verification.steps.at(-1)?.detail ?? '', problem);
    t.regex(verification.wayOut ?? '', wayOut);
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
  ['two sessions a process', [{ call: 'C_OpenSession', sessions: 2 }]],
  ['eight sessions a process', [{ call: 'C_OpenSession', sessions: 8 }]],
];

for (const [name, rules] of borne)
  test.serial(`${name}: start, run and verification go on as ever`, async (t) => {
    await state.shim.set(rules);
    const open = await OpenPool.start(t, state.fixture, setUp());
    const { pids } = open;
    for (let count = 0; count < 2; count++)
      await open.call(encryptOf(Buffer.from('served'), Buffer.from('data'), { verify: true }));
    await open.call({ kind: 'health' });
    t.deepEqual(open.pids, pids);
    t.deepEqual(
      open.events.map(({ kind }) => kind),
      ['ready'],
    );
    t.like(await verify(), { ok: true });
  });

for (const [name, rv] of [
  ['a token that has become read-only', 'TOKEN_WRITE_PROTECTED'],
  ['a token that makes no keys', 'FUNCTION_NOT_SUPPORTED'],
] as const)
  test.serial(`${name} is served, and what needs a new key says why there is none`, async (t) => {
    await state.shim.set(both(['C_GenerateKey', 'C_DestroyObject'], { rv: CKR[rv] }));
    const open = await OpenPool.start(t, state.fixture, setUp());
    await open.call(encryptOf(Buffer.from('served'), Buffer.from('data'), { verify: true }));
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
  const encryptions = async () => (await state.shim.counts())['C_Encrypt'] ?? 0;
  // Each host learns the key, and has it show that it is the right one.
  const request = () => open.call(encryptOf(Buffer.from('served'), Buffer.from('data')));
  await Promise.all([request(), request()]);
  const before = await encryptions();
  let seenSick = false;
  const look = setInterval(() => (seenSick ||= open.pool.hosts.some(({ state }) => state === 'sick')), 10);
  for (let count = 0; count < 2; count++) await request();
  await Promise.all([request(), request(), request(), request()]);
  clearInterval(look);
  t.is((await encryptions()) - before, 6);
  t.false(seenSick);
  t.false(open.events.some(({ kind }) => kind === 'gone'));
});
