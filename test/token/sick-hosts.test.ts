import test, { type ExecutionContext } from 'ava';
import { CKR, ckrName, TokenError } from '../../src/token/faults.ts';
import { Shim, type Rule } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { decryptOf, throwsFault } from './open-pool.ts';
import { begin, plaintext, type Work } from './work.ts';

const state = {} as { fixture: TokenFixture; shim: Shim };

test.before(async () => {
  [state.fixture, state.shim] = await Promise.all([createSoftHsmToken(), Shim.create()]);
});

test.afterEach.always(() => state.shim.clear());

test.after.always(async () => {
  await state.shim.dispose();
  await state.fixture.dispose();
});

/** The answer of `encrypt` opens, or `decrypt` gives the plaintext; on whatever host. */
async function isRight(t: ExecutionContext, { open, encrypt, decrypt }: Work, kind: string): Promise<void> {
  const opened = await open.call(kind === 'decrypt' ? decrypt : decryptOf(encrypt, await open.call(encrypt)));
  t.deepEqual(Buffer.from(opened.plaintext), plaintext);
}

const gone = [CKR.DEVICE_ERROR, CKR.DEVICE_REMOVED, CKR.TOKEN_NOT_PRESENT, CKR.CRYPTOKI_NOT_INITIALIZED];
for (const [rv, call] of [
  ...gone.map((rv) => [rv, 'C_Encrypt'] as const),
  [CKR.DEVICE_ERROR, 'C_EncryptInit'],
  [CKR.DEVICE_ERROR, 'C_Decrypt'],
  [CKR.SLOT_ID_INVALID, 'C_DecryptInit'],
  // The canary fails as well:
  [CKR.GENERAL_ERROR, 'C_EncryptInit'],
  [CKR.FUNCTION_FAILED, 'C_DecryptInit'],
  [CKR.GENERAL_ERROR, 'C_Decrypt'],
  [CKR.FUNCTION_FAILED, 'C_Decrypt'],
] as const)
  test.serial(
    `${ckrName(rv)} from ${call} on one host: the other answers, and the host is replaced`,
    async (t) => {
      const work = await begin(t, state);
      const before = work.open.pids;
      const kind = call.startsWith('C_Enc') ? 'encrypt' : 'decrypt';
      const rule: Rule = { call, rv, claim: await state.shim.claimToken() };
      await state.shim.set([rule]);
      const already = work.open.events.length;
      while (!work.open.events.slice(already).some((event) => event.kind === 'gone'))
        await isRight(t, work, kind);
      const gone = await work.open.event((event) => event.kind === 'gone', already);
      t.like(gone, { why: `device in ${call} (${ckrName(rv)})` });
      const ready = await work.open.event((event) => event.kind === 'ready', already);
      t.false(before.includes(ready.kind === 'ready' ? ready.pid : 0));
      t.is(work.open.pool.health, 'ACTIVE');
      await isRight(t, work, kind);
    },
  );

for (const [rv, call] of [
  [CKR.DEVICE_ERROR, 'C_Encrypt'],
  [CKR.GENERAL_ERROR, 'C_EncryptInit'],
  [CKR.GENERAL_ERROR, 'C_Decrypt'],
] as const)
  test.serial(
    `${ckrName(rv)} from ${call} on all hosts: device, never bad ciphertext; then well again`,
    async (t) => {
      const work = await begin(t, state);
      await state.shim.set([{ call, rv }]);
      const request = call.startsWith('C_Enc') ? work.encrypt : work.decrypt;
      for (let i = 0; i < 5; i++) {
        const error = await t.throwsAsync(work.open.call(request, 200), { instanceOf: TokenError });
        t.true(['device', 'timeout', 'unavailable'].includes(error.fault), error.message);
      }
      // A host that is started now fails its self-test.
      await work.open.failure();
      t.is(work.open.pool.health, 'UNAVAILABLE');
      await state.shim.clear();
      await work.open.allReady();
      await isRight(t, work, 'encrypt');
    },
  );

test.serial(
  'an encryption that one host corrupts is verified, discarded and made by the other',
  async (t) => {
    const work = await begin(t, state);
    const [first] = work.open.pids;
    await state.shim.set([{ call: 'C_Encrypt', corrupt: 'any', pid: first ?? 0 }]);
    for (let i = 0; i < 20; i++) {
      const sealed = await work.open.callAt(work.encrypt);
      t.not(sealed.host, first ?? 0);
      const { plaintext: opened } = await work.open.call(decryptOf(work.encrypt, sealed.value));
      t.deepEqual(Buffer.from(opened), plaintext);
    }
  },
);

for (const call of ['C_Encrypt', 'C_Decrypt'] as const)
  test.serial(`where every host’s ${call} corrupts, a verified encryption is never answered`, async (t) => {
    const work = await begin(t, state);
    await state.shim.set([{ call, corrupt: 'any' }]);
    await throwsFault(t, 'verify-failed', work.open.call(work.encrypt));
    // Those hosts are gone by then: a token that corrupts is trusted with nothing more, and its self-test says so too.
    for (let i = 0; i < 3; i++) await t.throwsAsync(work.open.call(work.encrypt), { instanceOf: TokenError });
  });

/*
 * What cannot be told: where C_Decrypt says CKR_OK and gives wrong bytes, nothing in the answer of one decryption
 * shows it, since the tag was checked inside the token. Only a ciphertext whose plaintext we know does.
 */
test.serial('a host whose C_Decrypt gives wrong bytes is found out by the next health check', async (t) => {
  const { open } = await begin(t, state, { limits: { healthInterval: 30 } });
  const [first] = open.pids;
  const already = open.events.length;
  await state.shim.set([{ call: 'C_Decrypt', corrupt: 'any', pid: first ?? 0 }]);
  t.like(await open.event((event) => event.kind === 'gone', already), {
    pid: first,
    why: 'device in canary',
  });
});

test.serial('a host that corrupts what it encrypts is found out by the next health check', async (t) => {
  const { open } = await begin(t, state, { limits: { healthInterval: 30 } });
  const [first] = open.pids;
  const already = open.events.length;
  await state.shim.set([{ call: 'C_Encrypt', corrupt: 'tag', pid: first ?? 0 }]);
  const event = await open.event((event) => event.kind === 'gone', already);
  t.like(event, { pid: first, why: 'device in C_Decrypt (CKR_GENERAL_ERROR)' });
});

test.serial('where no session can be opened any more, the host is replaced', async (t) => {
  const work = await begin(t, state, { hosts: 1 });
  const already = work.open.events.length;
  await state.shim.set([
    { call: 'C_Encrypt', rv: CKR.SESSION_CLOSED, times: 1 },
    { call: 'C_OpenSession', rv: CKR.SESSION_COUNT, times: 1 },
  ]);
  await throwsFault(t, 'device', work.open.call(work.encrypt));
  t.like(await work.open.event((event) => event.kind === 'gone', already), {
    why: 'device in C_OpenSession (CKR_SESSION_COUNT)',
  });
});

for (const crash of ['segv', 'kill', 'exit'] as const)
  test.serial(`a host that crashes (${crash}) in the middle of work costs nobody an answer`, async (t) => {
    const work = await begin(t, state);
    const already = work.open.events.length;
    await state.shim.set([{ call: 'C_Encrypt', after: 20, crash, claim: await state.shim.claimToken() }]);
    const all = Array.from({ length: 200 }, async () => isRight(t, work, 'encrypt'));
    await Promise.all(all);
    t.is((await work.open.event((event) => event.kind === 'gone', already)).kind, 'gone');
  });
