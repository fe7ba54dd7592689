import { rename } from 'node:fs/promises';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CKR, TokenError } from '../../src/token/faults.ts';
import { Shim } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { inToken } from '../../testing/in-token.ts';
import { encryptOf, OpenPool, throwsFault, type KeeperEvent } from './open-pool.ts';
import { ownKeys } from '../../src/token/own-keys.ts';

/* A token that goes away under its hosts, or becomes another, is told, acted on, and decides /ready (`TokenPool.usable`). */

const data = Buffer.from('data');

/** Asked for a health that nobody asks for, the pool looks only when a test says so. */
const quiet = { healthInterval: 600_000 };
const lively = { healthInterval: 20 };

async function start(t: ExecutionContext, limits: { healthInterval: number }) {
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  const first = new OpenPool(fixture);
  await first.startInTurn();
  const key = await first.makeKey('served');
  const [told] = first.events;
  await first.stop();
  if (told?.kind !== 'ready') throw new Error('no host');
  const ownProofs = { [told.serial]: told.ownProofs };
  const open = await OpenPool.start(t, fixture, { hosts: 2, prepare: false, limits, ownProofs });
  await open.call(encryptOf(key, data));
  const tokens = path.join(fixture.directory, 'tokens');
  return { fixture, open, key, tokens, away: `${tokens}.away` };
}

/** Until no host is left. */
async function bothGone(open: OpenPool, before: readonly number[]): Promise<string[]> {
  const why: string[] = [];
  for (const pid of before) {
    const gone = await open.event((event) => event.kind === 'gone' && event.pid === pid);
    if (gone.kind === 'gone') why.push(gone.why);
  }
  return why;
}

const isTold =
  /^device in C_(GetTokenInfo|FindObjects).*(another token now|can no longer be read|no longer has any of its keys)/;

test('a token that is taken away is found out by health, told, and served again when it is back', async (t) => {
  const { open, key, tokens, away } = await start(t, lively);
  const before = open.pids;
  await rename(tokens, away);
  for (const why of await bothGone(open, before)) t.regex(why, isTold);
  const { problem } = await open.failure();
  t.regex(problem, /no token with label|C_Initialize failed/);
  t.false(open.pool.usable);
  t.is(open.pool.health, 'UNAVAILABLE');
  await rename(away, tokens);
  await open.allReady();
  await open.call(encryptOf(key, data));
  t.true(open.pool.usable);
});

test('a request that misses its key finds out at once that the whole token is gone', async (t) => {
  const { open, key, tokens, away } = await start(t, quiet);
  const before = open.pids;
  await rename(tokens, away);
  const error = await t.throwsAsync(open.call(encryptOf(key, data)), { instanceOf: TokenError });
  t.not(error.fault, 'key-missing');
  for (const why of await bothGone(open, before)) t.regex(why, isTold);
  await rename(away, tokens);
  await open.allReady();
  await open.call(encryptOf(key, data));
});

test('another token in its place, of the same label and PIN, is not served', async (t) => {
  const { fixture, open, tokens, away } = await start(t, lively);
  const { label, pin } = fixture;
  const other = await createSoftHsmToken({ label, pin });
  t.teardown(async () => other.dispose());
  const before = open.pids;
  await rename(tokens, away);
  await rename(path.join(other.directory, 'tokens'), tokens);
  for (const why of await bothGone(open, before)) t.regex(why, isTold);
  const { remediation } = (await open.event(
    (event) => event.kind === 'failed' && event.problem.startsWith('key "holdfast:health:1" is not in token'),
  )) as Extract<KeeperEvent, { kind: 'failed' }>;
  t.is(remediation, 'run: holdfast init');
  t.false(open.pool.usable);
});

test('a token that was emptied is told as that, and a start of it too', async (t) => {
  const { fixture, open, key } = await start(t, lively);
  const before = open.pids;
  const ids = [key, ...Object.values(ownKeys).map(({ id }) => id)];
  await inToken(
    fixture,
    ids.map((id) => ({ do: 'destroy', id: id.toString('hex') }) as const),
  );
  for (const why of await bothGone(open, before)) t.regex(why, isTold);
  const { problem, remediation } = await open.failure();
  t.regex(problem, /it was removed, emptied or reinitialized$/);
  t.regex(remediation, /restore it from the HSM’s backup/);
});

/* Sessions behind the shim. */

const state = {} as { fixture: TokenFixture; shim: Shim; open: OpenPool; key: Buffer };

test.before(async () => {
  [state.fixture, state.shim] = await Promise.all([createSoftHsmToken(), Shim.create()]);
  state.open = new OpenPool(state.fixture, { hosts: 2, shim: state.shim, limits: quiet });
  await state.open.startInTurn();
  state.key = await state.open.makeKey('served');
});

test.afterEach.always(() => state.shim.clear());

test.after.always(async () => {
  await state.open.stop();
  await state.shim.dispose();
  await state.fixture.dispose();
});

test.serial('hosts whose sessions stay invalid are replaced at the second failure', async (t) => {
  const { open, shim, key } = state;
  const before = open.pids;
  const dead = (['C_EncryptInit', 'C_DecryptInit'] as const).flatMap((call) =>
    before.map((pid) => ({ call, pid, rv: CKR.SESSION_HANDLE_INVALID })),
  );
  await shim.set(dead);
  await throwsFault(t, 'session-lost', open.call(encryptOf(key, data)), 'asked of both');
  await t.throwsAsync(open.call(encryptOf(key, data)), { instanceOf: TokenError });
  for (const why of await bothGone(open, before))
    t.regex(why, /^device in C_(En|De)cryptInit \(CKR_SESSION_HANDLE_INVALID\)/);
  await open.allReady();
  await open.call(encryptOf(key, data));
});

test.serial('what only fails for some requests again and again ends no host', async (t) => {
  const { open, shim, key } = state;
  await open.allReady();
  const before = open.pids;
  // Of each two, one repair and one more try; the canary comes after.
  await shim.set([{ call: 'C_Encrypt', rv: CKR.BUFFER_TOO_SMALL, times: 4 }]);
  for (let count = 0; count < 2; count++)
    await throwsFault(t, 'session-lost', open.call(encryptOf(key, data)));
  await open.call(encryptOf(key, data));
  t.deepEqual(open.pids, before);
});
