import test from 'ava';
import { tellNode } from '../../src/admin/metrics/scrape-node.ts';
import { leaseFindings, leasesOf } from '../../src/admin/status/lease-findings.ts';
import { ClockWatch } from '../../src/metrics/clock-watch.ts';
import { workerFigures } from '../../src/metrics/figure-checks.ts';
import type { WorkerFigures } from '../../src/metrics/figures.ts';
import { countOf, emptyDistribution, latencyBounds, observe, quantile } from '../../src/metrics/latency.ts';
import {
  loopFigures,
  otherKeySets,
  RequestCounts,
  type CountedRequest,
} from '../../src/metrics/request-counts.ts';
import { Scrape } from '../../src/metrics/exposition/scrape.ts';
import { NodeMetrics } from '../../src/metrics/node-metrics.ts';
import { RequestTotals } from '../../src/metrics/request-totals.ts';
import { TokenMinutes } from '../../src/metrics/token-minutes.ts';
import { MisfitError, parseMessage } from '../../src/message-check.ts';
import { FigureRounds } from '../../src/node/figure-rounds.ts';
import { processFigures } from '../../src/node/process-figures.ts';
import { silentLog } from '../../testing/aws-settings.ts';
import { readScrape } from '../../testing/exposition.ts';
import fc from '../../testing/properties.ts';

/* What is counted, told and added up, without a node. */

function request(more: Partial<CountedRequest> = {}): CountedRequest {
  return {
    ...{ keySet: 'set-1', operation: 'Encrypt', duration: 3, error: undefined, throttledBy: undefined },
    token: { name: 'token', times: { queue: 0.4, token: 1.2 }, fault: undefined },
    ...more,
  };
}

const writes = { durations: emptyDistribution(), failed: 0, waiting: 0 };

function figures(told: ReturnType<RequestCounts['take']>): WorkerFigures {
  return { ...told, pools: [], loop: loopFigures(), lease: null, wentBack: 0 };
}

test('a duration is in the bucket whose bound it does not exceed, 240 and 250 ms among the bounds', (t) => {
  t.true(latencyBounds.includes(240) && latencyBounds.includes(250));
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 5_000, noNaN: true }), { maxLength: 50 }), (durations) => {
      const all = emptyDistribution();
      for (const duration of durations) observe(all, duration);
      let below = 0;
      for (const [at, bound] of latencyBounds.entries()) {
        below += all.buckets[at] ?? 0;
        if (below !== durations.filter((duration) => duration <= bound).length) return false;
      }
      return countOf(all) === durations.length;
    }),
  );
  t.pass();
});

test('a quantile lies in the bucket that has it, and null is that of nothing', (t) => {
  const of = (...durations: number[]) => {
    const all = emptyDistribution();
    for (const duration of durations) observe(all, duration);
    return all.buckets;
  };
  t.is(quantile(of(), 0.5), null);
  t.is(quantile(of(...Array<number>(100).fill(4)), 0.5), 3.75, 'half way from 2.5 to 5');
  t.is(quantile(of(...Array<number>(99).fill(1), 245), 1), 250);
  t.is(quantile(of(9_999), 0.99), 2_500, 'beyond the last bound nobody knows more');
  const ninety = quantile(of(...Array<number>(90).fill(1), ...Array<number>(10).fill(245)), 0.99) ?? 0;
  t.true(ninety > 240 && ninety <= 250);
});

test('requests are counted by key set, operation and error; what was told is not told again', (t) => {
  const counts = new RequestCounts();
  counts.add(request());
  counts.add(request({ duration: 260, error: 'DependencyTimeoutException', token: undefined }));
  counts.add(
    request({ operation: 'Decrypt', error: 'ThrottlingException', throttledBy: 'key-set', token: undefined }),
  );
  counts.add(request({ keySet: '', operation: '', error: 'InvalidUriPathException', token: undefined }));
  counts.add(
    request({ error: 'InternalException', token: { name: 'token', times: undefined, fault: 'device' } }),
  );
  const { requests, tokens } = counts.take();
  t.deepEqual(
    requests.map((one) => [one.keySet, one.operation, countOf(one), one.errors, one.throttled]),
    [
      ['set-1', 'Encrypt', 3, { DependencyTimeoutException: 1, InternalException: 1 }, {}],
      ['set-1', 'Decrypt', 1, { ThrottlingException: 1 }, { 'key-set': 1 }],
      ['', '', 1, { InvalidUriPathException: 1 }, {}],
    ],
  );
  t.is(requests[0]?.sum, 266);
  t.is(tokens.length, 1);
  t.deepEqual(tokens[0]?.faults, { device: 1 });
  t.is(countOf(tokens[0]?.operations ?? emptyDistribution()), 1);
  t.deepEqual(counts.take(), { requests: [], tokens: [] });
});

const lease: NonNullable<WorkerFigures['lease']> = {
  ...{ length: 15_000, remaining: 9_000, renewals: 4, failures: 1, lost: 2, revision: 7 },
  asks: { 'no-lease': 5, refusal: 6 },
};

const pool: WorkerFigures['pools'][number] = {
  ...{ token: 'token', members: [{ member: 'token', sick: 0 }], waiting: 3, underWay: 2, wait: 1.5 },
  hosts: [{ pid: 7, member: 'token', state: 'busy', check: { ago: 2_000, took: 0.4, ok: true } }],
};

test('the lease of a worker runs out as time goes, also where it tells nothing more, and is then a finding', async (t) => {
  let now = 1_000;
  const told = { ...figures(new RequestCounts().take()), lease };
  const answers = [
    { worker: 0, figures: told },
    { worker: 1, figures: { ...told, lease: null } },
  ];
  const metrics = new NodeMetrics({
    ask: async () => Promise.resolve({ workers: answers, processes: [], starts: [], writes }),
    now: () => new Date(0),
    monotonic: () => now,
    onRequests: async () => Promise.resolve(),
  });
  const scraped = async () => {
    const scrape = new Scrape();
    tellNode(scrape, metrics, new Map());
    return readScrape((await scrape.expose('')).text);
  };
  t.deepEqual(
    [leasesOf(metrics.leases), leaseFindings(metrics.leases, 'appliance')],
    [{}, []],
    'nothing is known yet',
  );
  metrics.management.waited(90, true);
  metrics.management.waited(5_000, false);
  await metrics.look();
  now += 2_000;
  const { value, samples } = await scraped();
  t.is(value('holdfast_worker_lease_remaining_seconds', { worker: '0' }), 7);
  t.is(samples.filter(({ name }) => name === 'holdfast_worker_lease_length_seconds').length, 1);
  t.is(value('holdfast_worker_lease_renewals_total', { outcome: 'failed' }), 1);
  t.is(value('holdfast_worker_lease_lost_total'), 2);
  t.is(value('holdfast_worker_asks_total', { why: 'refusal' }), 6);
  t.is(value('holdfast_worker_revision'), 7);
  t.is(value('holdfast_in_force_wait_duration_seconds_sum'), 5.09);
  t.is(value('holdfast_in_force_unconfirmed_total'), 1);
  t.deepEqual(leaseFindings(metrics.leases, 'appliance'), []);
  t.deepEqual(leasesOf(metrics.leases), { workerLeases: { workers: 1, held: 1, seconds: 15 } });
  answers.length = 0;
  await metrics.look();
  now += 8_000;
  t.is((await scraped()).value('holdfast_worker_lease_remaining_seconds'), 0);
  const on = [{ kind: 'node', id: 'a', name: 'host-a' }] as const;
  t.like(leaseFindings(metrics.leases, on), [{ trouble: 'LEASE_ENDED', on }]);
  t.is(leasesOf(metrics.leases).workerLeases?.held, 0);
});

test('what was counted is there however long the store takes to write it, which is told of all that came meanwhile at once', async (t) => {
  const told: number[] = [];
  const waiting = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const metrics = new NodeMetrics({
    ask: async () => {
      const counts = new RequestCounts();
      counts.add(request());
      return Promise.resolve({
        ...{ workers: [{ worker: 0, figures: figures(counts.take()) }], processes: [], starts: [], writes },
      });
    },
    now: () => new Date(0),
    monotonic: () => 0,
    onRequests: async (requests) => {
      told.push(requests.length);
      await waiting.shift()?.promise;
    },
  });
  const [first, second] = waiting;
  for (let n = 0; n < 3; n++) await metrics.count();
  t.is(countOf(metrics.requests.requests[0] ?? emptyDistribution()), 3);
  t.deepEqual(told, [1]);
  first?.resolve();
  second?.resolve();
  await metrics.look();
  t.deepEqual(told, [1, 2, 1]);
});

test('so many key sets are told apart and no more, in a worker and in the sums', (t) => {
  const counts = new RequestCounts();
  for (let n = 0; n < 1_200; n++) counts.add(request({ keySet: `set-${n}` }));
  const { requests } = counts.take();
  t.is(requests.length, 1_001);
  t.is(countOf(requests.find(({ keySet }) => keySet === otherKeySets) ?? emptyDistribution()), 200);
  const totals = new RequestTotals();
  for (let turn = 0; turn < 3; turn++) {
    for (let n = 0; n < 900; n++) counts.add(request({ keySet: `set-${turn}-${n}` }));
    totals.add(counts.take());
  }
  t.true(totals.requests.length <= 1_001);
  t.is(
    totals.requests.reduce((sum, one) => sum + countOf(one), 0),
    2_700,
    'and none is left out',
  );
  const { keySets } = totals;
  t.is(keySets.length, 1_000);
  totals.forget(new Set(keySets.filter((keySet) => keySet !== 'set-0-1')));
  t.deepEqual(totals.requests.map(({ keySet }) => keySet).toSorted(), [otherKeySets, 'set-0-1'].toSorted());
});

test('what a worker tells of its counts is what it may tell, or nothing of it is taken', (t) => {
  const counts = new RequestCounts();
  counts.add(request({ error: 'ThrottlingException', throttledBy: 'node' }));
  const told = { ...figures(counts.take()), pools: [pool] };
  const sent = JSON.parse(JSON.stringify(told)) as WorkerFigures;
  t.deepEqual(parseMessage(workerFigures, sent), told);
  const [first] = sent.requests;
  for (const wrong of [
    { ...sent, requests: [{ ...first, keySet: 'a"} evil' }] },
    { ...sent, requests: [{ ...first, buckets: [-1] }] },
    { ...sent, requests: [{ ...first, buckets: Array<number>(99).fill(0) }] },
    { ...sent, requests: [{ ...first, sum: Number.NaN }] },
    { ...sent, requests: [{ ...first, errors: { a: 'b' } }] },
    { ...sent, requests: Array(10_001).fill(first) },
    { ...sent, loop: null },
    { ...sent, wentBack: -1 },
    { ...sent, pools: [{ ...pool, hosts: [{ ...pool.hosts[0], state: 'well' }] }] },
    { ...sent, pools: [{ ...pool, hosts: Array(1_001).fill(pool.hosts[0]) }] },
    { ...sent, pools: [{ ...pool, wait: 'long' }] },
    { ...sent, lease: { ...lease, remaining: -1 } },
    { ...sent, lease: { ...lease, asks: { 'no-lease': 1 } } },
  ])
    t.throws(() => parseMessage(workerFigures, wrong), { instanceOf: MisfitError });
});

test('the tokens of the last five minutes are told, and nothing of before', (t) => {
  let now = 0;
  const minutes = new TokenMinutes(() => now);
  const told = (took: number, fault?: string) => {
    const counts = new RequestCounts();
    counts.add(request({ token: { name: 'token', times: { queue: 0.4, token: took }, fault } }));
    minutes.add(counts.take().tokens);
  };
  told(900, 'device');
  now = 4 * 60_000 + 59_999;
  told(1.2);
  t.is(countOf(minutes.of('token').operations), 2);
  t.deepEqual(minutes.of('token').faults, { device: 1 });
  t.true((quantile(minutes.of('token').operations.buckets, 0.99) ?? 0) > 500);
  now = 5 * 60_000;
  t.is(countOf(minutes.of('token').operations), 1, 'that of the first minute is gone');
  t.deepEqual(minutes.of('token').faults, {});
  t.true((quantile(minutes.of('token').operations.buckets, 0.99) ?? 999) <= 2.5);
  t.is(countOf(minutes.of('another').waits), 0);
  now = 60 * 60_000;
  t.is(countOf(minutes.of('token').operations), 0, 'whether anything came since or not');
});

test('a round has what every worker told; one that is late tells it in the next, and one that is gone is not waited for', async (t) => {
  const asked: number[] = [];
  const worker = (index: number) => ({ index, listens: true, tell: () => void asked.push(index) });
  const writer = { figures: writes };
  const open = (workers: ReturnType<typeof worker>[], timeout: number) =>
    new FigureRounds([...workers, { ...worker(99), listens: false }], [], writer, silentLog, timeout);
  const rounds = open([worker(0), worker(1)], 60_000);
  const nothing = figures({ requests: [], tokens: [] });
  const first = rounds.round();
  rounds.answered(0, nothing);
  rounds.gone(1);
  t.deepEqual(
    (await first).map((one) => one.worker),
    [0],
  );
  rounds.answered(1, nothing);
  const hasty = open([worker(7)], 1);
  t.deepEqual(await hasty.round(), [], 'nobody is waited for forever');
  t.deepEqual(await hasty.round(), []);
  hasty.answered(7, nothing);
  hasty.answered(7, nothing);
  t.deepEqual(
    (await hasty.round()).map((one) => one.worker),
    [7],
    'once, and what nobody asked for not at all',
  );
  t.deepEqual(asked, [0, 1, 7, 7], 'one that still owes an answer is not asked again');
});

test('a step of the clock is told from its slewing, either way', (t) => {
  const clock = new ClockWatch();
  clock.look(1_000_000, 0);
  clock.look(1_015_100, 15_000);
  t.deepEqual([clock.forward, clock.backward, clock.last], [0, 0, 0]);
  clock.look(1_090_100, 30_000);
  t.deepEqual([clock.forward, clock.backward, clock.last], [1, 0, 60_000]);
  clock.look(1_075_100, 45_000);
  t.deepEqual([clock.forward, clock.backward, clock.last], [1, 1, -30_000]);
});

test('a process is told as the kernel sees it, and one that is gone is not', (t) => {
  const own = processFigures(process.pid, { process: 'management' });
  t.like(own, { process: 'management', worker: '', token: '', host: '' });
  for (const number of ['cpu', 'resident', 'threads', 'openFiles'] as const)
    t.true((own?.[number] ?? 0) > 0, number);
  t.is(processFigures(2 ** 22 + 1, { process: 'management' }), undefined);
});
