import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { TokenError } from '../../src/token/faults.ts';
import { monotonicNow } from '../../src/clock.ts';
import { TokenPool } from '../../src/token/pool/token-pool.ts';
import { starvation } from '../support/core-waits.ts';
import { Shim, type Rule } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { decryptOf, throwsFault } from './open-pool.ts';
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

/** For what nothing tells: looks every few milliseconds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(5);
}

test.serial('where every host hangs, each caller is told at its own deadline', async (t) => {
  const { open, encrypt } = await begin(t, state, { limits: { killAfter: 60_000 } });
  await state.shim.set([{ call: 'C_Encrypt', hang: true }]);
  const starved = starvation([process.pid]);
  const offBy = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const deadline = monotonicNow() + 100 + 5 * index;
      // What this very process makes of a plain timer, however busy the machine is.
      const timer = delay(deadline - monotonicNow()).then(monotonicNow);
      const call = throwsFault(t, 'timeout', open.pool.call(encrypt, { deadline }));
      const told = call.then(monotonicNow);
      t.true((await told) >= deadline);
      return (await told) - Math.max(deadline, await timer);
    }),
  );
  const latest = Math.max(...offBy);
  t.true(latest < 20 + starved([]), `${latest} ms later than a timer`);
});

test.serial(
  'where one host hangs, the other answers within the deadline, and the first is replaced',
  async (t) => {
    const work = await begin(t, state, { limits: { killAfter: 2_000 } });
    const { open, decrypt } = work;
    const before = open.pids;
    const already = open.events.length;
    await state.shim.set([await oneOf({ call: 'C_Decrypt', hang: true })]);
    while (!open.pool.hosts.some(({ state }) => state === 'sick')) {
      const results = Array.from({ length: 50 }, async () => open.callAt(decrypt, 5000));
      for (const { value } of await Promise.all(results))
        t.deepEqual(Buffer.from(value.plaintext), plaintext);
    }
    t.is(open.pool.health, 'DEGRADED');
    t.true(open.pool.usable);
    const gone = await open.event((event) => event.kind === 'gone', already);
    t.like(gone, { why: 'SIGKILL' });
    t.true(gone.kind === 'gone' && before.includes(gone.pid));
    await open.allReady();
    t.is(open.pool.health, 'ACTIVE');
    t.is(open.pids.filter((pid) => before.includes(pid)).length, 1);
  },
);

test.serial(
  'what the token says of the request counts, though another host still hangs over it',
  async (t) => {
    const { open, decrypt } = await begin(t, state, { limits: { killAfter: 60_000 } });
    await state.shim.set([await oneOf({ call: 'C_Decrypt', hang: true })]);
    const bad = { ...decrypt, tag: randomBytes(16) };
    for (let i = 0; i < 3; i++) await throwsFault(t, 'bad-ciphertext', open.call(bad, 30_000));
  },
);

test.serial(
  'where all hosts hang, health is UNAVAILABLE, and ACTIVE again when others have come',
  async (t) => {
    const { open, decrypt } = await begin(t, state, { limits: { healthInterval: 40, killAfter: 2_000 } });
    // With limits so tight a busy machine alone makes a host sick now and then.
    await until(() => open.pool.health === 'ACTIVE');
    await state.shim.set([{ call: 'C_Decrypt', hang: true }]);
    await until(() => open.pool.health === 'UNAVAILABLE');
    t.false(open.pool.usable);
    await state.shim.clear();
    await until(() => open.pool.health === 'ACTIVE');
    t.deepEqual(Buffer.from((await open.call(decrypt)).plaintext), plaintext);
  },
);

test.serial('a host that hangs while nobody asks for anything is found by the health check', async (t) => {
  const { open } = await begin(t, state, { limits: { healthInterval: 40, killAfter: 1_500 } });
  // With limits so tight a busy machine alone has a host replaced now and then: where one is away it has no pid.
  await open.allThere();
  const already = open.events.length;
  const [first = 0] = open.pids;
  await state.shim.set([{ call: 'C_EncryptInit', hang: true, pid: first }]);
  t.like(await open.event((event) => event.kind === 'gone' && event.pid === first, already), {
    why: 'SIGKILL',
  });
});

test.serial('a host that is killed under load costs nobody an answer', async (t) => {
  const { open, encrypt } = await begin(t, state);
  const already = open.events.length;
  const [first = 0] = open.pids;
  let answered = 0;
  const callers = Array.from({ length: 16 }, async () => {
    for (let i = 0; i < 60; i++) {
      const sealed = await open.call(encrypt);
      t.deepEqual(Buffer.from((await open.call(decryptOf(encrypt, sealed))).plaintext), plaintext);
      if (++answered === 200) process.kill(first, 'SIGKILL');
    }
  });
  await Promise.all(callers);
  await open.event((event) => event.kind === 'ready', already);
  t.false(open.pids.includes(first));
});

test.serial('a token’s only host is back as soon as a host can start', async (t) => {
  const beforeStart = performance.now();
  const { open, decrypt } = await begin(t, state, { hosts: 1 });
  const oneStart = performance.now() - beforeStart;
  const awayOnce = async () => {
    const already = open.events.length;
    process.kill(open.pids[0] ?? Number.NaN, 'SIGKILL');
    await open.event(({ kind }) => kind === 'gone', already);
    const killed = performance.now();
    const starved = starvation([process.pid]);
    const waiting = open.call(decrypt, 30_000).catch(async (error: unknown) => {
      // Without a host for a second, waiting is given up; the next one tries again.
      t.is((error as TokenError).fault, 'unavailable');
      await open.allReady();
      return open.call(decrypt);
    });
    t.deepEqual(Buffer.from((await waiting).plaintext), plaintext);
    const away = performance.now() - killed;
    return { away, isSoon: away - starved(open.pids) < 2000 || away < 2 * oneStart };
  };
  let found = await awayOnce();
  // The machine may have much else to do just then: not three times in a row.
  for (let left = 2; left > 0 && !found.isSoon; left--) found = await awayOnce();
  t.true(found.isSoon, `${found.away} ms; a start takes ${oneStart} ms`);
});

test.serial('requests beyond the queue’s length are refused at once', async (t) => {
  const { open, encrypt } = await begin(t, state, { limits: { queueLength: 10, killAfter: 60_000 } });
  await state.shim.set([{ call: 'C_Encrypt', hang: true }]);
  const order: string[] = [];
  const calls = Array.from({ length: 100 }, async () => {
    const error = await t.throwsAsync(open.call(encrypt, 300), { instanceOf: TokenError });
    order.push(error.fault);
  });
  await Promise.all(calls);
  const refused = order.filter((fault) => fault === 'overloaded').length;
  const held = order.length - refused;
  t.true(held >= 10 && held <= 10 + 2 * 24, `${held} were held`);
  t.deepEqual(
    order.slice(0, refused),
    Array.from({ length: refused }, () => 'overloaded'),
  );
  t.true(order.slice(refused).every((fault) => fault === 'timeout'));
});

test.serial(
  'more than can be done in time is refused before anything is done, and another lane has its share',
  async (t) => {
    const { open, decrypt } = await begin(t, state, {
      hosts: 1,
      limits: { killAfter: 60_000, sickAfter: 60_000 },
    });
    await state.shim.set([{ call: 'C_Decrypt', delayMicroseconds: 40_000 }]);
    // What an operation takes it learns by doing.
    for (let done = 0; done < 24; done++) await open.call(decrypt, 60_000);
    const round = async () => {
      // No host does half of them by then.
      const deadline = monotonicNow() + 2_400;
      const told: string[] = [];
      const ask = async (lane: string) =>
        open.pool.call(decrypt, { deadline, lane }).then(
          () => told.push(lane),
          (error: unknown) => told.push((error as TokenError).fault),
        );
      await Promise.all([...Array.from({ length: 200 }, async () => ask('flood')), ask('quiet')]);
      const refused = told.indexOf('flood');
      return { told, refused, before: told.indexOf('quiet') - refused };
    };
    // Two are with the host already, and one may have its turn at the same time.
    const isFair = (before: number) => before >= 0 && before <= 4;
    let { told, refused, before } = await round();
    // The host, or this very process, may stand still meanwhile: that does not come three times in a row.
    for (let left = 2; left > 0 && (refused < 100 || !isFair(before)); left--)
      ({ told, refused, before } = await round());
    t.true(refused >= 100, `${refused} of 200 were refused at once`);
    t.deepEqual(new Set(told.slice(0, refused)), new Set(['overloaded']));
    t.true(isFair(before), `after ${before} others`);
  },
);

test('without a host for a second, callers are told at once', async (t) => {
  const pool = new TokenPool('token', 1, () => undefined);
  t.teardown(() => pool.close());
  const call = () => pool.call({ kind: 'health' }, { deadline: monotonicNow() + 60_000 });
  t.is(pool.health, 'UNAVAILABLE');
  await throwsFault(t, 'timeout', pool.call({ kind: 'health' }, { deadline: monotonicNow() + 50 }));
  await throwsFault(t, 'unavailable', call());
  const before = monotonicNow();
  await throwsFault(t, 'unavailable', call());
  t.true(monotonicNow() - before < 500);
});

test('a pool that is closed answers everything and takes nothing', async (t) => {
  const pool = new TokenPool('token', 1, () => undefined);
  const waiting = pool.call({ kind: 'health' }, { deadline: monotonicNow() + 60_000 });
  pool.close();
  await throwsFault(t, 'unavailable', waiting);
  await throwsFault(t, 'unavailable', pool.call({ kind: 'health' }, { deadline: monotonicNow() + 60_000 }));
});

/** `HOLDFAST_BAD_CIPHERTEXTS` for another number. */
const badCiphertexts = Number(process.env['HOLDFAST_BAD_CIPHERTEXTS'] ?? 4_000);

test.serial(
  `${badCiphertexts} random ciphertexts cost no session, no host, and nobody else’s answer`,
  async (t) => {
    const { open, decrypt } = await begin(t, state);
    const pids = open.pids;
    const hosts = new Set<number>();
    while (hosts.size < 2) {
      const batch = Array.from({ length: 16 }, async () => open.callAt(decrypt));
      for (const { host } of await Promise.all(batch)) hosts.add(host);
    }
    const before = await state.shim.counts();
    let left = badCiphertexts;
    const attack = new AbortController();
    const faults = new Map<string, number>();
    const attackers = Array.from({ length: 48 }, async () => {
      while (left-- > 0) {
        const bad = { ...decrypt, iv: randomBytes(12), ciphertext: randomBytes(48), tag: randomBytes(16) };
        const error = await open.call(bad, 60_000).then(
          () => 'answered',
          (error: unknown) => (error as TokenError).fault,
        );
        faults.set(error, (faults.get(error) ?? 0) + 1);
      }
    });
    let good = 0;
    const others = Array.from({ length: 4 }, async () => {
      while (!attack.signal.aborted) {
        t.deepEqual(Buffer.from((await open.call(decrypt, 60_000)).plaintext), plaintext);
        good++;
      }
    });
    await Promise.all(attackers);
    attack.abort();
    await Promise.all(others);
    t.deepEqual([...faults], [['bad-ciphertext', badCiphertexts]]);
    t.true(good > 20, `${good} good answers meanwhile`);
    t.deepEqual(open.pids, pids);
    const after = await state.shim.counts();
    t.is(after['C_OpenSession'], before['C_OpenSession']);
    t.is(after['C_FindObjectsInit'], before['C_FindObjectsInit']);
    const decrypts = (after['C_Decrypt'] ?? 0) - (before['C_Decrypt'] ?? 0);
    // A first and a second opinion each, and the canary once a batch.
    t.true(decrypts <= 3 * 20_000 + good, `${decrypts} decrypts`);
    t.log(`${good} good answers meanwhile, ${decrypts - 40_000 - good} canaries`);
  },
);
