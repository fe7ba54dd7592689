import { randomUUID } from 'node:crypto';
import anyTest, { type TestFn } from 'ava';
import { trafficOf } from '../../src/admin/metrics/traffic.ts';
import type { AdminServices } from '../../src/admin/services.ts';
import type { RequestFigures } from '../../src/metrics/figures.ts';
import { emptyDistribution, observe } from '../../src/metrics/latency.ts';
import { TrafficSeries } from '../../src/metrics/series/traffic-series.ts';
import type { Store } from '../../src/store/store.ts';
import { newStore } from '../../testing/stores.ts';
import { insertVault } from '../../testing/vault.ts';

/* What AWS asked, over time: a clock that the test sets, and a real store. */

interface Context {
  store: Store;
  vaultId: string;
  /** Of one admin group each. */
  keySets: [string, string];
  groups: [string, string];
}

const test = anyTest as TestFn<Context>;
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

test.before(async (t) => {
  const store = await newStore();
  const { id } = await insertVault(store, 'pay');
  const [keySets, groups] = [
    [randomUUID(), randomUUID()],
    [randomUUID(), randomUUID()],
  ] as const;
  await store.bookkeep('by hand', async (trx) => {
    for (const [index, keySet] of keySets.entries()) {
      const group = groups[index] ?? '';
      const made = { created_at: '', updated_at: '' };
      await trx
        .insertInto('admin_groups')
        .values({ id: group, vault_id: id, name: group, description: '', ...made })
        .execute();
      await trx
        .insertInto('key_sets')
        .values({
          ...{ id: keySet, vault_id: id, admin_group_id: group, csp_account_id: null, name: keySet, ...made },
          ...{ description: '', token: 'token', path_prefix: keySet, rotation_days: null, frozen_at: null },
          ...{ quota_rate: null, quota_burst: null },
        })
        .execute();
    }
  });
  t.context = { store, vaultId: id, keySets: [...keySets], groups: [...groups] };
});
test.after.always(async (t) => t.context.store?.close());

let nodes = 0;

/** The series of a node of its own, and what is answered of it, at a time that the test sets. */
function node({ store }: Context, now: number) {
  const clock = { now };
  const options = { store, nodeId: `node-${++nodes}`, now: () => new Date(clock.now) };
  const open = (series: TrafficSeries) =>
    ({ gathered: { metrics: { look: async () => undefined }, series }, now: options.now }) as unknown as Pick<
      AdminServices,
      'gathered' | 'now' | 'nodeFacts'
    >;
  const series = new TrafficSeries(options);
  return { clock, series, services: open(series), restarted: () => open(new TrafficSeries(options)) };
}

function requests(keySet: string, durations: number[], errors: Record<string, number> = {}): RequestFigures {
  const all = { keySet, operation: 'Encrypt', errors, throttled: {}, ...emptyDistribution() };
  for (const duration of durations) observe(all, duration);
  return all;
}

/** Before what another test has put there: each has a year of its own. */
let year = 2030;
const start = () => Date.parse(`${++year}-06-01T10:00:00.000Z`);

test.serial('the last hour is told in steps of 15 seconds, and what is older is not in it', async (t) => {
  const { clock, series, services } = node(t.context, start());
  const [first] = t.context.keySets;
  await series.add([requests(first, [3, 3, 260], { ThrottlingException: 1 })]);
  clock.now += 20_000;
  await series.add([requests(first, [3])]);
  const told = await trafficOf(services, 'appliance', '1h');
  t.like(told, { stepSeconds: 15, nodes: 'ONE', requests: 4, failed: 1, retryable: 1, late: 1 });
  t.is(told.reliabilityPercent, 75);
  t.is(told.points.length, 240);
  t.deepEqual(
    told.points.slice(-2).map(({ at, requests: n, errors }) => [at.slice(11, 19), n, errors]),
    [
      ['10:00:00', 3, { ThrottlingException: 1 }],
      ['10:00:15', 1, {}],
    ],
  );
  t.is(told.requestsPerSecond, 3 / 60, 'the step that is not over is not in it');
  clock.now += hour - 20_000;
  t.is((await trafficOf(services, 'appliance', '1h')).requests, 1);
  clock.now += minute;
  const empty = await trafficOf(services, 'appliance', '1h');
  t.like(empty, { requests: 0, reliabilityPercent: null, p50Ms: null, p99Ms: null });
});

test.serial('a supervisor that is silent is waited for once', async (t) => {
  const { services } = node(t.context, start());
  const { gathered } = services;
  const both = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()] as const;
  /** Until the other was asked too. */
  const asked = async (which: 0 | 1) => {
    both[which].resolve(undefined);
    return both[1 - which]?.promise;
  };
  const silent = {
    ...services,
    gathered: { series: gathered?.series, metrics: { look: async () => asked(0) } },
    nodeFacts: async () => asked(1),
  } as unknown as typeof services;
  t.is((await trafficOf(silent, 'appliance', '1h')).certificateExpiresAt, null);
});

test.serial(
  'a day is told by five minutes and a month by the hour, over a restart and of all nodes',
  async (t) => {
    const now = start();
    const [one, other] = [node(t.context, now), node(t.context, now)];
    const [first] = t.context.keySets;
    for (const { clock, series } of [one, other]) {
      await series.add([requests(first, [3], { InternalException: 1 })]);
      clock.now += 5 * minute;
      await series.add([requests(first, [3, 3])]);
      await series.write();
      await series.add([requests(first, [3])]);
    }
    await one.series.write();
    const [dayLong, monthLong] = [
      await trafficOf(one.restarted(), 'appliance', '1d'),
      await trafficOf(one.restarted(), 'appliance', '30d'),
    ];
    t.like(dayLong, { stepSeconds: 300, nodes: 'ALL', requests: 7, failed: 2 });
    t.deepEqual(
      dayLong.points.slice(-2).map((point) => point.requests),
      [2, 5],
    );
    t.is(dayLong.points.length, 288);
    t.like(monthLong, { stepSeconds: 3_600, requests: 7 });
    t.is(monthLong.points.length, 720);
    t.is(monthLong.points.at(-1)?.requests, 7);
    t.is(
      (await trafficOf(other.services, 'appliance', '1d')).requests,
      8,
      'what is not written yet is told too',
    );
  },
);

test.serial(
  'somebody sees the requests to key sets of their admin groups, and nothing of another vault',
  async (t) => {
    const { vaultId, keySets, groups } = t.context;
    const { series, services } = node(t.context, start());
    const [mine, theirs] = keySets;
    await series.add([requests(mine, [1]), requests(theirs, [1, 1]), requests('', [1, 1, 1, 1])]);
    await series.write();
    for (const range of ['1h', '1d', '30d'] as const) {
      const of = async (scope: Parameters<typeof trafficOf>[1]) =>
        (await trafficOf(services, scope, range)).requests;
      t.is(await of('appliance'), 7, range);
      t.is(await of({ vaultId, sight: 'all' }), 3, range);
      t.is(await of({ vaultId, sight: groups.slice(0, 1) }), 1, range);
      t.is(await of({ vaultId, sight: [] }), 0, range);
      t.is(await of({ vaultId: randomUUID(), sight: 'all' }), 0, range);
    }
  },
);

test.serial('what nobody could be answered while the store was away is told all the same', async (t) => {
  const { store, keySets } = t.context;
  const [first] = keySets;
  let isAway = false;
  const away = {
    get db() {
      if (isAway) throw new Error('the database cannot be reached');
      return store.db;
    },
    bookkeep: store.bookkeep.bind(store),
  };
  const clock = { now: start() };
  const series = new TrafficSeries({ store: away, nodeId: 'away', now: () => new Date(clock.now) });
  await series.add([requests(first, [1])]);
  clock.now += 2 * minute;
  isAway = true;
  await t.throwsAsync(async () => series.add([requests(first, [240], { InternalException: 1 })]), {
    message: 'the database cannot be reached',
  });
  isAway = false;
  const gathered = { metrics: { look: async () => undefined }, series };
  const services = { gathered, now: () => new Date(clock.now) } as unknown as Pick<
    AdminServices,
    'gathered' | 'now'
  >;
  t.like(await trafficOf(services, 'appliance', '1h'), { requests: 2, retryable: 1 });
});

test.serial('what the store does not take is kept and written later; old rows go', async (t) => {
  const now = start();
  const { store, keySets } = t.context;
  const [first] = keySets;
  let refuses = true;
  const refusing = {
    db: store.db,
    bookkeep: (async (why: 'traffic', run: never) => {
      if (refuses) throw new Error('the disk is full');
      return store.bookkeep(why, run);
    }) as Store['bookkeep'],
  };
  const clock = { now };
  const series = new TrafficSeries({ store: refusing, nodeId: 'refused', now: () => new Date(clock.now) });
  await series.add([requests(first, [1])]);
  clock.now += 5 * minute;
  await t.throwsAsync(async () => series.add([requests(first, [1])]), { message: 'the disk is full' });
  await t.throwsAsync(async () => series.write(), { message: 'the disk is full' });
  refuses = false;
  await series.write();
  const rows = async () =>
    store.db
      .selectFrom('traffic')
      .select(['step', 'at'])
      .where('node_id', '=', 'refused')
      .orderBy('at')
      .execute();
  t.deepEqual(
    (await rows()).map(({ step }) => step).toSorted((a, b) => a - b),
    [300, 300, 3_600],
  );
  clock.now += 26 * hour;
  await series.add([requests(first, [1])]);
  await series.write();
  t.deepEqual(
    (await rows()).map(({ step }) => step).toSorted((a, b) => a - b),
    [300, 3_600, 3_600],
    'a day of the one',
  );
  clock.now += 40 * day;
  await series.add([requests(first, [1])]);
  await series.write();
  t.is((await rows()).length, 2, 'a month of the other');
});
