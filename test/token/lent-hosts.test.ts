import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { monotonicNow } from '../../src/clock.ts';
import { socketPair } from '../../src/node/socket-pair.ts';
import { TokenError } from '../../src/token/faults.ts';
import { writeRequest } from '../../src/token/request-frames.ts';
import { lendHosts } from '../../src/token/pool/lent-hosts.ts';
import { defaultPoolLimits } from '../../src/token/pool/pool-limits.ts';
import { TokenPool } from '../../src/token/pool/token-pool.ts';
import { keyObjectAfter } from '../../src/keys/interrupted.ts';
import { Shim } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { throwsFault } from './open-pool.ts';
import { begin, plaintext, type Work } from './work.ts';

/* Two pools of one token as two workers have them, with real hosts and the socket between. */

const state = {} as { fixture: TokenFixture; shim: Shim };

test.before(async () => {
  [state.fixture, state.shim] = await Promise.all([createSoftHsmToken(), Shim.create()]);
});

test.afterEach.always(() => state.shim.clear());

test.after.always(async () => {
  await state.shim.dispose();
  await state.fixture.dispose();
});

const soon = () => ({ deadline: monotonicNow() + 20_000 });

/** A pool of `expected` hosts, that has none. */
function without(t: ExecutionContext, expected = 1, lost: (id: number) => void = () => undefined): TokenPool {
  const pool = new TokenPool('token', expected, () => undefined, defaultPoolLimits, {
    onBorrowedLost: lost,
  });
  t.teardown(() => pool.close());
  return pool;
}

let lastId = 0;
async function lend(lender: TokenPool, borrower: TokenPool): Promise<number> {
  const [ours, theirs] = await socketPair();
  lendHosts(lender, theirs);
  borrower.borrow(--lastId, process.pid, ours, { hosts: 1, prepared: true });
  return lastId;
}

test.serial('a pool without a host encrypts and decrypts with those of another', async (t) => {
  const { open, encrypt } = await begin(t, state, { hosts: 1 });
  const pool = without(t);
  t.false(pool.usable);
  const id = await lend(open.pool, pool);
  t.true(pool.usable);
  t.is(pool.health, 'DEGRADED');
  let counted = 0;
  const made = await pool.call(encrypt, { ...soon(), onAttempt: () => counted++ });
  t.is(counted, 2, 'the other may try it twice and does not tell: no nonce goes uncounted');
  const { iv, ciphertext, tag } = made.value;
  const { key, identity, aadForm, aad, metadata } = encrypt;
  const back = await pool.call(
    { kind: 'decrypt', key, identity, aadForm, aad, metadata, iv, ciphertext, tag },
    soon(),
  );
  t.deepEqual(Buffer.from(back.value.plaintext), plaintext);
  pool.removeHost(id);
  t.false(pool.usable);
});

test.serial('what bad ciphertext is, is told by borrowed hosts too, and costs none of them', async (t) => {
  const { open, decrypt } = await begin(t, state, { hosts: 1 });
  const pool = without(t);
  await lend(open.pool, pool);
  const bad = { ...decrypt, tag: Buffer.alloc(16) };
  await throwsFault(t, 'bad-ciphertext', pool.call(bad, soon()));
  t.deepEqual(Buffer.from((await pool.call(decrypt, soon())).value.plaintext), plaintext);
});

test.serial('where its own host hangs, a neighbour’s answers in time, and else its own', async (t) => {
  // Its own is sick no sooner than that: one that gets no core for a moment is asked alone.
  const limits = { sickAfter: 2_000, killAfter: 60_000 };
  const { open, encrypt } = await begin(t, state, { hosts: 1, limits });
  const other = await begin(t, state, { hosts: 1, limits });
  await lend(other.open.pool, open.pool);
  let counted = 0;
  const onAttempt = () => counted++;
  const [own = 0] = open.pids;
  t.is((await open.pool.call(encrypt, { ...soon(), onAttempt })).host, own);
  t.is(counted, 1);
  await state.shim.set([{ call: 'C_EncryptInit', pid: own, hang: true }]);
  counted = 0;
  const { host } = await open.pool.call(encrypt, { ...soon(), onAttempt });
  t.not(host, own);
  t.is(counted, 3);
});

test.serial('whose hosts all hang, says so to who borrows them, and when they are well again', async (t) => {
  const limits = { sickAfter: 500, killAfter: 1_000 };
  const { open, encrypt } = await begin(t, state, { hosts: 1, limits });
  const pool = without(t);
  await lend(open.pool, pool);
  await pool.call(encrypt, soon());
  t.true(pool.usable);
  await state.shim.set([{ call: 'C_EncryptInit', hang: true }]);
  const late = throwsFault(t, 'timeout', open.pool.call(encrypt, { deadline: monotonicNow() + 100 }));
  while (pool.usable) await delay(5);
  t.is(pool.health, 'UNAVAILABLE');
  await late;
  await state.shim.clear();
  while (!pool.usable) await delay(5);
  t.is(pool.health, 'DEGRADED');
});

test.serial('a key that was being made by hosts that are lent no more may be there yet', async (t) => {
  const [lender, pool] = [without(t), without(t)];
  const asked = Promise.withResolvers<void>();
  lender.call = async () => {
    asked.resolve();
    // Its host makes the key while the loan ends.
    return Promise.race([]);
  };
  const id = await lend(lender, pool);
  const key = Buffer.alloc(16, 7);
  const made = pool.call(
    { kind: 'generateKey', key, label: 'label', binding: Buffer.alloc(0), encrypt: true, decrypt: true },
    soon(),
  );
  const failed = t.throwsAsync(made, { instanceOf: TokenError });
  await asked.promise;
  pool.removeHost(id);
  const error = await failed;
  t.is(keyObjectAfter(error), 'may-come', String(error));
});

test.serial('two pools that have nothing but each other do not hand a request round', async (t) => {
  const [one, other] = [without(t), without(t)];
  await lend(one, other);
  await lend(other, one);
  const work: Work['encrypt'] = {
    kind: 'encrypt',
    key: Buffer.from('key'),
    identity: Buffer.alloc(0),
    aadForm: 'full',
    aad: Buffer.alloc(0),
    metadata: Buffer.alloc(0),
    plaintext,
    verify: false,
  };
  let calls = 0;
  for (const pool of [one, other]) {
    const call = pool.call.bind(pool) as (...args: Parameters<TokenPool['call']>) => Promise<never>;
    pool.call = async (...args) => {
      calls++;
      return call(...args);
    };
  }
  const deadline = monotonicNow() + 300;
  await Promise.all(
    [one, other].map(async (pool) => throwsFault(t, 'timeout', pool.call(work, { deadline }))),
  );
  t.is(calls, 4, 'each was asked once, and once by the other');
});

test.serial('who borrows gets done what a worker’s host does, and nothing else', async (t) => {
  // These hosts would do it: the hosts of these tests take whatever is asked.
  const { open, encrypt } = await begin(t, state, { hosts: 1 });
  const pool = without(t);
  await lend(open.pool, pool);
  const { key, identity } = encrypt;
  const refused = [
    { kind: 'listKeys', after: Buffer.alloc(0), limit: 10 },
    { kind: 'destroyKey', key, identity },
    { kind: 'inspectKey', key },
    { kind: 'seal', context: Buffer.from('c'), secret: Buffer.from('s') },
    { kind: 'learn', milliseconds: 1 },
  ] as const;
  for (const request of refused) await throwsFault(t, 'internal', pool.call(request, soon()));
  t.is((await pool.call(encrypt, soon())).value.encryptions, 1);
});

test.serial('what is no message ends the loan, which is told, and no host', async (t) => {
  const { open, encrypt } = await begin(t, state, { hosts: 1 });
  for (const nonsense of [
    Buffer.alloc(64, 0xff),
    Buffer.concat([
      writeRequest({ id: 1, deadline: 0, request: encrypt }).subarray(0, -1),
      Buffer.alloc(200),
    ]),
  ]) {
    const [ours, theirs] = await socketPair();
    lendHosts(open.pool, theirs);
    ours.on('error', () => undefined);
    ours.resume();
    ours.write(nonsense);
    await once(ours, 'close');
  }
  const lost = Promise.withResolvers<number>();
  const pool = without(t, 1, lost.resolve);
  const [ours, theirs] = await socketPair();
  pool.borrow(-77, process.pid, ours, { hosts: 1, prepared: true });
  theirs.write(Buffer.alloc(64, 0xff));
  t.is(await lost.promise, -77);
  t.false(pool.usable);
  await open.pool.call(encrypt, soon());
});

test.serial('who borrows after another has left hears of each change, too', async (t) => {
  const limits = { sickAfter: 500, killAfter: 1_000 };
  const { open, encrypt } = await begin(t, state, { hosts: 1, limits });
  const { pool } = open;
  const before: boolean[] = [];
  const leave = pool.watchHosts((healthy) => before.push(healthy));
  await pool.call(encrypt, soon());
  t.deepEqual(before, [true], 'told at once, and once');
  leave();
  await state.shim.set([{ call: 'C_EncryptInit', hang: true }]);
  await throwsFault(t, 'timeout', pool.call(encrypt, { deadline: monotonicNow() + 100 }));
  while (pool.hasHealthyHost) await delay(5);
  const told: boolean[] = [];
  t.teardown(pool.watchHosts((healthy) => told.push(healthy)));
  await state.shim.clear();
  while (!told.includes(true)) await delay(5);
  t.deepEqual(told, [false, true]);
  t.deepEqual(before, [true], 'who has left is told no more');
});
