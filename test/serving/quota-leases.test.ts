import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { QuotaLedger } from '../../src/serving/quota-ledger.ts';
import type { Quota, QuotaAsk } from '../../src/serving/quota.ts';
import { QuotaLeases } from '../../src/serving/quota-leases.ts';

/* A worker's part in the quotas, with the real ledger behind it. Their clock stands still but where a test moves it: a bucket that fills while a machine is busy would grant more than a test can know. */

interface Node {
  /** The clock of ledger and workers, milliseconds. */
  clock: { now: number };
  /** Another worker. */
  worker: () => { leases: QuotaLeases; asks: QuotaAsk[] };
  /** While false the supervisor hears nothing. */
  supervisor: { answers: boolean };
}

function startNode(): Node {
  const clock = { now: 0 };
  const now = () => clock.now;
  const ledger = new QuotaLedger({ part: 1, now });
  const supervisor = { answers: true };
  let workers = 0;
  return {
    clock,
    supervisor,
    worker: () => {
      const number = ++workers;
      const asks: QuotaAsk[] = [];
      const leases: QuotaLeases = new QuotaLeases({
        now,
        send: (sent) => {
          asks.push(...sent);
          // There and back, as over the channel between two processes.
          if (supervisor.answers) setImmediate(() => leases.receive(ledger.answer(number, sent)));
        },
      });
      return { leases, asks };
    },
  };
}

function quotaOf(rate: number, burst: number, changes: Partial<Quota> = {}): Quota {
  return { bucket: 'key-set:1', vaultId: 'v1', rate, burst, revision: 1, ...changes };
}

async function takeMany(leases: QuotaLeases, quota: Quota, many: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = { granted: 0, spent: 0, unanswered: 0 };
  const admissions = await Promise.all(Array.from({ length: many }, async () => leases.take(quota)));
  for (const admission of admissions) counts[admission] = (counts[admission] ?? 0) + 1;
  return counts;
}

/** What a promise comes to, while time passes for ledger and workers. */
async function inTime<Value>({ clock }: Node, promise: Value | Promise<Value>): Promise<Value> {
  const passing = setInterval(() => (clock.now += 10), 5);
  try {
    return await promise;
  } finally {
    clearInterval(passing);
  }
}

test('one worker gets the whole burst, and what is beyond is spent', async (t) => {
  const { leases } = startNode().worker();
  t.deepEqual(await takeMany(leases, quotaOf(1, 50), 80), { granted: 50, spent: 30, unanswered: 0 });
});

test('two workers together get no more than the burst', async (t) => {
  const node = startNode();
  const [a, b] = [node.worker(), node.worker()];
  const quota = quotaOf(1, 50);
  const counts = await Promise.all([takeMany(a.leases, quota, 40), takeMany(b.leases, quota, 40)]);
  t.is((counts[0]['granted'] ?? 0) + (counts[1]['granted'] ?? 0), 50);
});

test('most requests ask nobody: some are leased ahead of need', async (t) => {
  const { leases, asks } = startNode().worker();
  const quota = quotaOf(2000, 4000);
  let waited = 0;
  for (let i = 0; i < 1000; i++) {
    const admission = leases.take(quota);
    if (admission instanceof Promise) waited++;
    t.is(await admission, 'granted');
    if (i % 10 === 0) await delay(1);
  }
  t.true(waited <= 20, `${waited} waited`);
  t.true(asks.length <= 60, `${asks.length} asks`);
});

test('what a worker does not use it gives back, and another has the whole', async (t) => {
  const node = startNode();
  const [idle, busy] = [node.worker(), node.worker()];
  const quota = quotaOf(200, 400);
  t.is(await idle.leases.take(quota), 'granted');
  await delay(5);
  t.true(idle.asks.length >= 1);
  node.clock.now += 300;
  // By the next turn of its clock.
  while (idle.asks.every(({ unused }) => unused === 0)) await delay(5);
  await delay(5);
  const { granted } = await takeMany(busy.leases, quota, 800);
  t.true(Number(granted) >= 399, `${granted} of 400, ten of which the other had held`);
});

test('a lease that has ended is used no more', async (t) => {
  const node = startNode();
  const { leases } = node.worker();
  const quota = quotaOf(1000, 400);
  t.is(await leases.take(quota), 'granted');
  await delay(5);
  t.is(leases.take(quota), 'granted', 'at once, from what is held');
  node.supervisor.answers = false;
  node.clock.now += 1_100;
  t.true(leases.take(quota) instanceof Promise);
});

test('no answer of the supervisor is no permission: after a short wait, and then at once', async (t) => {
  const node = startNode();
  node.supervisor.answers = false;
  const { leases } = node.worker();
  t.deepEqual(await inTime(node, takeMany(leases, quotaOf(100, 100), 20)), {
    granted: 0,
    spent: 0,
    unanswered: 20,
  });
  // No sooner than the patience that is promised.
  t.true(node.clock.now >= 80, `${node.clock.now} ms`);
  node.clock.now += 50;
  t.is(leases.take(quotaOf(100, 100)), 'unanswered');
});

test('once the supervisor answers again requests go on', async (t) => {
  const node = startNode();
  node.supervisor.answers = false;
  const { leases } = node.worker();
  const quota = quotaOf(100, 100);
  t.is(await inTime(node, leases.take(quota)), 'unanswered');
  node.supervisor.answers = true;
  // The ask that was lost is given up.
  node.clock.now += 1_100;
  await delay(50);
  t.is(await leases.take(quota), 'granted');
});

test('a bounded number of requests waits at one bucket', async (t) => {
  const node = startNode();
  node.supervisor.answers = false;
  const counts = await inTime(node, takeMany(node.worker().leases, quotaOf(1e6, 1e6), 3000));
  t.is(counts['spent'], 3000 - 1024);
});

test('a request that the second quota holds up gives back what it took of the first', async (t) => {
  const { leases } = startNode().worker();
  const [key, keySet] = [quotaOf(1, 20, { bucket: 'cloud-key:1' }), quotaOf(1, 5)];
  // At once, so that all take of the first before the second has answered; then one after the other.
  const both = await Promise.all(Array.from({ length: 20 }, async () => leases.takeBoth(key, keySet)));
  t.is(both.filter(({ admission }) => admission === 'granted').length, 5);
  t.is(both.filter(({ admission, by }) => admission === 'spent' && by === 'second').length, 15);
  for (let i = 0; i < 50; i++)
    t.deepEqual(await leases.takeBoth(key, keySet), { admission: 'spent', by: 'second' });
  t.is((await takeMany(leases, key, 20))['granted'], 15, 'five were used');
  t.deepEqual(await leases.takeBoth(key, keySet), { admission: 'spent', by: 'first' });
});

test('a quota that was changed counts from the next request on', async (t) => {
  const node = startNode();
  const { leases } = node.worker();
  t.is(await leases.take(quotaOf(1000, 1000)), 'granted');
  await delay(5);
  const low = quotaOf(1, 3, { revision: 2 });
  t.is((await takeMany(leases, low, 20))['granted'], 2, 'one of three is used already');
  const high = quotaOf(1000, 1000, { revision: 3 });
  t.is(await leases.take(high), 'spent');
  node.clock.now += 50;
  t.is(await leases.take(high), 'granted');
});

test('what was refused is told to the supervisor, with what is asked and else after a second', async (t) => {
  const node = startNode();
  const { leases, asks } = node.worker();
  const refused = () => asks.reduce((sum, ask) => sum + ask.refused, 0);
  t.like(await takeMany(leases, quotaOf(1, 5), 9), { granted: 5, spent: 4 });
  t.is(leases.take(quotaOf(1, 5)), 'spent', 'nobody is asked');
  node.clock.now += 1_000;
  while (refused() < 5) await delay(5);
  t.is(refused(), 5);
});
