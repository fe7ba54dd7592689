import { randomUUID } from 'node:crypto';
import test from 'ava';
import { vitalHourOf, vitalsOf } from '../../src/admin/metrics/vitals.ts';
import type { AdminServices } from '../../src/admin/services.ts';
import type { NodeFigures, WorkerFigures } from '../../src/metrics/figures.ts';
import { emptyDistribution, observe } from '../../src/metrics/latency.ts';
import { NodeMetrics } from '../../src/metrics/node-metrics.ts';
import { GatheredMetrics } from '../../src/metrics/series/gathered-metrics.ts';
import { addVitals, emptyVitals, readVitals, type VitalCell } from '../../src/metrics/series/vital-cell.ts';
import { VitalSeries } from '../../src/metrics/series/vital-series.ts';
import { VitalSigns, type VitalFacts } from '../../src/metrics/series/vital-signs.ts';
import type { Store } from '../../src/store/store.ts';
import { silentLog } from '../../testing/aws-settings.ts';
import { newStore } from '../../testing/stores.ts';

/* How nodes find themselves, over time: a clock that the test sets, and a real store. */

const minute = 60_000;
const day = 1_440 * minute;
const start = Date.parse('2031-06-01T10:00:00.000Z');

function waits(...milliseconds: number[]) {
  const all = emptyDistribution();
  for (const one of milliseconds) observe(all, one);
  return all;
}

/** What a worker tells that was asked this since, and is so now. */
function worker(told: {
  waits?: number[];
  operations?: number[];
  waiting?: number;
  sick?: number;
  left?: number;
}): WorkerFigures {
  return {
    requests: [],
    tokens: [
      {
        ...{ token: 'token', faults: {} },
        ...{ operations: waits(...(told.operations ?? [])), waits: waits(...(told.waits ?? [])) },
      },
    ],
    pools: [
      {
        ...{ token: 'token', waiting: told.waiting ?? 0, underWay: 0, hosts: [], wait: null },
        members: [{ member: 'token', sick: told.sick ?? 0 }],
      },
    ],
    loop: { active: 0, idle: 0, heapUsed: 0 },
    lease:
      told.left === undefined
        ? null
        : {
            ...{ length: 1_500, remaining: told.left, renewals: 0, failures: 0, lost: 0, revision: 0 },
            asks: { 'no-lease': 0, refusal: 0 },
          },
    wentBack: 0,
  };
}

const facts: VitalFacts = {
  tokens: [{ name: 'token', hosts: 4, up: 4 }],
  certificates: [
    { listeners: ['management'], expiresAt: new Date(start + day).toISOString() },
    { listeners: ['xks'], expiresAt: new Date(start + 30 * day).toISOString() },
    { listeners: ['xks', 'management'], expiresAt: new Date(start + 20 * day).toISOString() },
  ],
};

/** The looks of one node at what its workers tell, one after another. */
function signs(store: Pick<Store, 'db'>, told: VitalFacts | null = facts) {
  const next: { workers: WorkerFigures[] } = { workers: [] };
  const metrics = new NodeMetrics({
    ...{ now: () => new Date(start), monotonic: () => 0, onRequests: async () => undefined },
    ask: async () =>
      ({ workers: next.workers.map((figures, index) => ({ worker: index, figures })) }) as NodeFigures,
  });
  const vitals = new VitalSigns({ store, metrics, facts: async () => told ?? undefined });
  return async (...workers: WorkerFigures[]) => {
    next.workers = workers;
    await metrics.count();
    return vitals.look();
  };
}

test('a look finds hosts that are fit, what waits, leases, the database, used encryptions and the first certificate', async (t) => {
  const store = await newStore();
  t.teardown(async () => store.close());
  const look = signs(store);
  const first = await look(
    worker({ waits: [1, 90], operations: [4, 4], left: 1_200 }),
    worker({ waiting: 6, sick: 1, left: 0 }),
  );
  t.like(first.tokens['token'], { hosts: 4, fit: 3, leastFit: 0.75, waiting: 6, estimated: 8 });
  t.deepEqual(first.tokens['token']?.waits, waits(1, 90));
  t.deepEqual(first.leases, { workers: 2, held: 1, least: 0 });
  t.like(first, { looks: 1, budget: 0, certificate: start + 20 * day });
  t.like(first.store, { away: 0, answers: 1 });
  t.true(first.store.slowest > 0);

  const second = await look(worker({ waits: [2] }), worker({}));
  t.deepEqual(second.tokens['token']?.waits, waits(2), 'what came since the last look');
  t.like(second, { leases: null, tokens: { token: { fit: 4, leastFit: 1, waiting: 0, estimated: 0 } } });

  const stuck = await look(worker({ waiting: 3, sick: 4 }));
  t.like(stuck.tokens['token'], { fit: 0, leastFit: 0, estimated: null }, 'nobody knows how long');
});

test('a database that does not answer, and a supervisor that does not, are what is found', async (t) => {
  const away = {
    get db(): never {
      throw new Error('the database cannot be reached');
    },
  };
  const found = await signs(away, null)(worker({ left: 1_500 }));
  t.like(found, { looks: 1, tokens: {}, budget: null, certificate: null });
  t.deepEqual(found.store, { away: 1, answers: 0, sum: 0, slowest: 0 });
  t.deepEqual(found.leases, { workers: 1, held: 1, least: 1 });
});

test('what a node gathers is in the store at its end, and no look of a store that is away is lost', async (t) => {
  const store = await newStore();
  t.teardown(async () => store.close());
  let isAway = false;
  const sometimes = {
    get db() {
      if (isAway) throw new Error('the database cannot be reached');
      return store.db;
    },
    bookkeep: (async (why: 'vitals', run: never) => {
      if (isAway) throw new Error('the database cannot be reached');
      return store.bookkeep(why, run);
    }) as Store['bookkeep'],
  };
  const gathered = new GatheredMetrics({
    ...{ store: sometimes, nodeId: randomUUID(), log: silentLog },
    ...{ ask: async () => Promise.resolve(undefined), facts: async () => Promise.resolve(facts) },
  });
  await Promise.all([gathered.look(), gathered.look()]);
  isAway = true;
  await gathered.look();
  await gathered.stop();
  isAway = false;
  await gathered.stop();
  const rows = await store.db.selectFrom('vitals').select('figures').where('step', '=', 3_600).execute();
  const told = emptyVitals();
  for (const { figures } of rows) addVitals(told, readVitals(figures));
  t.like(told, { looks: 2, tokens: { token: { hosts: 8, fit: 8 } } });
  t.like(told.store, { answers: 1, away: 1 });
});

test('of several looks the worst is told, and what a row of another release holds counts for nothing', (t) => {
  const looked = (fit: number, estimated: number | null, more: Partial<VitalCell> = {}): VitalCell => ({
    ...emptyVitals(),
    looks: 1,
    tokens: { token: { hosts: 2, fit, leastFit: fit / 2, waiting: fit, estimated, waits: waits(fit) } },
    ...more,
  });
  const sum = emptyVitals();
  addVitals(sum, looked(2, 5, { budget: 0.25, certificate: 2, leases: { workers: 1, held: 1, least: 0.9 } }));
  addVitals(sum, looked(1, 3, { budget: null, certificate: 1 }));
  addVitals(sum, looked(2, 0, { leases: { workers: 2, held: 1, least: 0 } }));
  t.like(sum, { looks: 3, budget: 0.25, certificate: 1, leases: { workers: 3, held: 2, least: 0 } });
  t.like(sum.tokens['token'], { hosts: 6, fit: 5, leastFit: 0.5, waiting: 2, estimated: 5 });
  addVitals(sum, looked(0, null));
  t.is(sum.tokens['token']?.estimated, null);
  t.deepEqual(readVitals(JSON.stringify(sum)), sum);
  t.deepEqual(readVitals('{"looks":"many"}'), emptyVitals());
  const many = {
    ...emptyVitals(),
    tokens: Object.fromEntries(
      Array.from({ length: 300 }, (_, n) => [`t${n}`, looked(1, 0).tokens['token']!]),
    ),
  };
  addVitals(sum, many);
  t.is(Object.keys(sum.tokens).length, 100, 'whatever is told, a row has its bounds');
});

for (const kind of ['SQLite', 'PostgreSQL'] as const)
  test(`${kind}: the hour, the day and the month are of all nodes, or of one, and old rows go`, async (t) => {
    const store = await newStore(kind);
    t.teardown(async () => store.close());
    const clock = { now: start };
    const now = () => new Date(clock.now);
    const nodes = [randomUUID(), randomUUID()].map((nodeId) => ({
      nodeId,
      vitals: new VitalSeries({ store, nodeId, now }),
    }));
    const [one, other] = nodes as [(typeof nodes)[number], (typeof nodes)[number]];
    const services = {
      ...{ gathered: { ...one, metrics: {} }, now, store, instance: `${one.nodeId}/1` },
    } as unknown as Pick<AdminServices, 'gathered' | 'now' | 'store' | 'instance'>;
    const at = (least: number, slowest: number): VitalCell => ({
      ...emptyVitals(),
      looks: 1,
      tokens: {
        token: { hosts: 2, fit: 2 * least, leastFit: least, waiting: 0, estimated: 0, waits: waits(1) },
      },
      leases: { workers: 1, held: 1, least },
      store: { away: 0, answers: 1, sum: slowest, slowest },
      budget: 0.125,
      certificate: start + 30 * day,
    });
    await one.vitals.add(at(1, 2));
    await other.vitals.add(at(0.5, 8));
    clock.now += 15_000;
    await one.vitals.add({ ...at(1, 4), certificate: start + 90 * day });
    await other.vitals.add({
      ...emptyVitals(),
      looks: 1,
      store: { away: 1, answers: 0, sum: 0, slowest: 0 },
    });

    const hour = await vitalsOf(services, '1h');
    t.like(hour, {
      stepSeconds: 15,
      looks: 4,
      leastLeasePercent: 50,
      storeSlowestMs: 8,
      budgetPercent: 12.5,
    });
    t.deepEqual(hour.tokens, [
      {
        ...{ name: 'token', fitPercent: 83.33, leastFitPercent: 50, waiting: 0 },
        ...{ estimatedWaitMs: 0, p99WaitMs: 0.99 },
      },
    ]);
    t.is(hour.certificateDays, 89.99, 'the one that was replaced is no more');
    t.deepEqual(
      hour.points
        .slice(-3)
        .map(({ looks, leastLeasePercent, storeUpPercent }) => [looks, leastLeasePercent, storeUpPercent]),
      [
        [0, null, null],
        [2, 50, 100],
        [2, 100, 50],
      ],
    );
    t.like(await vitalHourOf(services), { looks: 4, storeUpPercent: 75 });
    t.like(await vitalsOf(services, '1h', other.nodeId), {
      ...{ looks: 2, leastLeasePercent: 50, storeSlowestMs: 8, storeUpPercent: 50 },
    });
    await one.vitals.add({ ...at(1, 2), certificate: start + 90 * day });
    t.is((await vitalsOf(services, '1h')).looks, 5, 'what is not written yet is told too');
    t.is((await vitalsOf(services, '1h', other.nodeId)).looks, 2);

    await other.vitals.write();
    await one.vitals.write();
    for (const [range, points] of [
      ['1d', 288],
      ['30d', 720],
    ] as const) {
      const told = await vitalsOf(services, range);
      t.like(told, { looks: 5, leastLeasePercent: 50, storeAverageMs: 4, storeUpPercent: 80 });
      t.is(told.points.length, points);
      t.is(told.points.at(-1)?.looks, 5);
    }
    const steps = async () =>
      (await store.db.selectFrom('vitals').select('step').where('node_id', '=', one.nodeId).execute())
        .map(({ step }) => step)
        .toSorted((a, b) => a - b);
    t.deepEqual(await steps(), [15, 15, 300, 3_600]);
    clock.now += 26 * 60 * minute;
    await one.vitals.add(at(1, 2));
    await one.vitals.write();
    t.deepEqual(await steps(), [15, 300, 3_600, 3_600]);
  });
