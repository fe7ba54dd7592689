import test from 'ava';
import { TokenError } from '../../src/token/faults.ts';
import { monotonicNow } from '../../src/clock.ts';
import { Shim, type Rule } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { throwsFault } from './open-pool.ts';
import { begin, plaintext } from './work.ts';

const state = {} as { fixture: TokenFixture; shim: Shim };

test.before(async () => {
  [state.fixture, state.shim] = await Promise.all([createSoftHsmToken(), Shim.create()]);
});

test.afterEach.always(() => state.shim.clear());

test.after.always(async () => {
  await state.shim.dispose();
  await state.fixture.dispose();
});

async function oneOf(rule: Rule): Promise<Rule> {
  return { ...rule, claim: await state.shim.claimToken() };
}

test.serial('making a key is never repeated, though its host crashes', async (t) => {
  const { open } = await begin(t, state);
  const before = (await state.shim.counts())['C_GenerateKey'] ?? 0;
  await state.shim.set([{ call: 'C_GenerateKey', crash: 'kill' }]);
  const key = Buffer.from('crashed over');
  const made = open.call({
    kind: 'generateKey',
    key,
    binding: Buffer.alloc(0),
    label: 'crashed over',
    encrypt: true,
    decrypt: true,
  });
  await throwsFault(t, 'device', made);
  t.is((await state.shim.counts())['C_GenerateKey'], before + 1);
});

test.serial('making a key is not tried elsewhere while its host hangs', async (t) => {
  const { open } = await begin(t, state, { limits: { killAfter: 60_000 } });
  const before = (await state.shim.counts())['C_GenerateKey'] ?? 0;
  await state.shim.set([{ call: 'C_GenerateKey', hang: true }]);
  const request = {
    kind: 'generateKey',
    key: Buffer.from('hung'),
    binding: Buffer.alloc(0),
    label: 'hung',
  } as const;
  // Long enough for a busy machine to bring it to the token before its deadline.
  await throwsFault(t, 'timeout', open.call({ ...request, encrypt: true, decrypt: true }, 2_000));
  t.is((await state.shim.counts())['C_GenerateKey'], before + 1);
});

test.serial('every time that an encryption is handed to a host is told before it is', async (t) => {
  const { open, encrypt } = await begin(t, state, { limits: { sickAfter: 1_000, killAfter: 60_000 } });
  const call = async (onAttempt: () => void) =>
    open.pool.call(encrypt, { deadline: monotonicNow() + 10_000, onAttempt });
  let attempts = 0;
  // One that gets no core for a second is not waited for: that does not come three times in a row.
  for (let left = 3; left > 0 && attempts !== 1; left--) {
    attempts = 0;
    await call(() => attempts++);
  }
  t.is(attempts, 1);

  await state.shim.set([await oneOf({ call: 'C_Encrypt', hang: true })]);
  attempts = 0;
  // Both hosts are asked sooner or later, and one of them hangs.
  while (attempts < 2) {
    attempts = 0;
    await call(() => attempts++);
  }
  t.is(attempts, 2);
});

test.serial('an attempt that is not allowed is not made', async (t) => {
  const { open, encrypt } = await begin(t, state, { hosts: 1 });
  const before = (await state.shim.counts())['C_Encrypt'];
  const refuse = () => {
    throw new TokenError('unavailable', 'encryption count');
  };
  const refused = open.pool.call(encrypt, { deadline: monotonicNow() + 5000, onAttempt: refuse });
  t.is((await throwsFault(t, 'unavailable', refused)).call, 'encryption count');
  t.is((await state.shim.counts())['C_Encrypt'], before);
});

test.serial(
  'an answer that comes after its deadline is dropped, and the next one is the right one',
  async (t) => {
    const { open, encrypt, decrypt } = await begin(t, state, { hosts: 1 });
    await state.shim.set([{ call: 'C_Decrypt', delayMicroseconds: 150_000, times: 1 }]);
    await throwsFault(t, 'timeout', open.call(decrypt, 60));
    t.deepEqual(Buffer.from((await open.call(decrypt)).plaintext), plaintext);
    t.is((await open.call(encrypt)).ciphertext.length, plaintext.length);
    t.is(open.events.length, 1, 'and the host lives on');
  },
);

test.serial('what is due already when its turn comes is not done any more', async (t) => {
  const { open, decrypt } = await begin(t, state, { hosts: 1, limits: { sickAfter: 5000, killAfter: 9000 } });
  // Until the pool has learned that an operation is short, and hands out several at once.
  for (let i = 0; i < 100; i++) await open.call(decrypt);
  await state.shim.set([{ call: 'C_Decrypt', delayMicroseconds: 100_000, times: 1 }]);
  const before = (await state.shim.counts())['C_Decrypt'] ?? 0;
  // The host is given both; it is busy with the first one beyond the deadline of the second.
  const slow = open.call(decrypt, 5000);
  const late = throwsFault(t, 'timeout', open.call(decrypt, 40));
  await Promise.all([slow, late]);
  await open.call(decrypt);
  t.is((await state.shim.counts())['C_Decrypt'], before + 2);
});

test.serial('a message that fits into no frame is refused, and no host harmed', async (t) => {
  const { open, encrypt } = await begin(t, state, { hosts: 1 });
  await throwsFault(t, 'data-refused', open.call({ ...encrypt, plaintext: Buffer.alloc(300_000) }));
  await throwsFault(t, 'internal', open.call({ ...encrypt, aad: Buffer.alloc(65_536) }));
  await open.call(encrypt);
  t.is(open.events.length, 1);
});
