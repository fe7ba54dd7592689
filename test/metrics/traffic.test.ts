import { randomUUID } from 'node:crypto';
import anyTest, { type TestFn } from 'ava';
import { trafficOf, type SeriesServices } from '../../src/admin/metrics/traffic.ts';
import { showNode } from '../../src/fleet/nodes.ts';
import type { RequestFigures } from '../../src/metrics/figures.ts';
import { emptyDistribution, observe } from '../../src/metrics/latency.ts';
import { TrafficSeries } from '../../src/metrics/series/traffic-series.ts';
import { emptyVitals } from '../../src/metrics/series/vital-cell.ts';
import { VitalSeries } from '../../src/metrics/series/vital-series.ts';
import type { Store } from '../../src/store/store.ts';
import { chosenDatabase, newStore } from '../../testing/stores.ts';
import { insertVault } from '../../testing/vault.ts';

/* What AWS asked, over time: a clock that the test sets, and a real store. */

interface Furnished {
  store: Store;
  vaultId: string;
  /** Of one admin group each. */
  keySets: [string, string];
  groups: [string, string];
}

interface Context extends Furnished {
  /** For what nodes tell each other. */
  databases: Record<'SQLite' | 'PostgreSQL', Furnished>;
}

const test = anyTest as TestFn<Context>;
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

async function furnish(kind: 'SQLite' | 'PostgreSQL'): Promise<Furnished> {
  const store = await newStore(kind);
  const { id: vaultId } = await insertVault(store, 'pay');
  const first = await insertKeySet(store, vaultId);
  const second = await insertKeySet(store, vaultId);
  return { store, vaultId, keySets: [first.keySet, second.keySet], groups: [first.group, second.group] };
}

/** A key set of an admin group of its own. */
async function insertKeySet(store: Store, vaultId: string): Promise<{ keySet: string; group: string }> {
  const [keySet, group] = [randomUUID(), randomUUID()];
  const made = { created_at: '', updated_at: '' };
  await store.bookkeep('by hand', async (trx) => {
    await trx
      .insertInto('admin_groups')
      .values({ id: group, vault_id: vaultId, name: group, description: '', ...made })
      .execute();
    await trx
      .insertInto('key_sets')
      .values({
        ...{
          id: keySet,
          vault_id: vaultId,
          admin_group_id: group,
          csp_account_id: null,
          name: keySet,
          ...made,
        },
        ...{ description: '', token: 'token', path_prefix: keySet, rotation_days: null, frozen_at: null },
        ...{ quota_rate: null, quota_burst: null },
      })
      .execute();
  });
  return { keySet, group };
}

test.before(async (t) => {
  const [SQLite, PostgreSQL] = await Promise.all([furnish('SQLite'), furnish('PostgreSQL')]);
  t.context = { ...{ SQLite, PostgreSQL }[chosenDatabase], databases: { SQLite, PostgreSQL } };
});
test.after.always(async (t) => {
  for (const { store } of Object.values(t.context.databases ?? {})) await store.close();
});

let nodes = 0;

/** What answers of these series. */
function open(
  store: Store,
  series: TrafficSeries,
  vitals: VitalSeries,
  now: () => Date,
  nodeId: string,
): SeriesServices {
  const gathered = { metrics: { look: async () => undefined }, series, vitals, nodeId };
  return { gathered, now, store, instance: `${nodeId}/1` } as unknown as SeriesServices;
}

/** A node with series of its own, and what is answered of them, at a time that the test sets. */
function node({ store }: Pick<Furnished, 'store'>, now: number) {
  const clock = { now };
  const options = { store, nodeId: `node-${++nodes}`, now: () => new Date(clock.now) };
  const [series, vitals] = [new TrafficSeries(options), new VitalSeries(options)];
  return {
    ...{
      id: options.nodeId,
      clock,
      series,
      vitals,
      services: open(store, series, vitals, options.now, options.nodeId),
    },
    restarted: () =>
      open(store, new TrafficSeries(options), new VitalSeries(options), options.now, options.nodeId),
    /** As its supervisor does. */
    show: async (facts: { ends?: boolean; manages?: boolean } = {}) =>
      showNode(
        store,
        {
          ...{
            id: options.nodeId,
            hostname: `host-${options.nodeId}`,
            version: '1',
            start: '1',
            startedAt: '',
          },
          ...{ again: true, ends: false, tokens: [], serves: true, manages: true, boot: null, idle: false },
          ...facts,
        },
        { kind: 'sqlite', durability: null, problems: [] },
        options.now,
      ),
    /** As its management process does every 15 seconds. */
    look: async (told: readonly RequestFigures[] = []) => {
      await series.add(told);
      await vitals.add({ ...emptyVitals(), looks: 1, certificate: clock.now + 90 * day });
    },
  };
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
  t.like(told, { stepSeconds: 15, requests: 4, failed: 1, retryable: 1, late: 1 });
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
    gathered: {
      ...{ series: gathered?.series, vitals: gathered?.vitals },
      metrics: { look: async () => asked(0) },
    },
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
    t.like(dayLong, { stepSeconds: 300, requests: 7, failed: 2 });
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
  const now = () => new Date(clock.now);
  const series = new TrafficSeries({ store: away, nodeId: 'away', now });
  await series.add([requests(first, [1])]);
  clock.now += 2 * minute;
  isAway = true;
  await t.throwsAsync(async () => series.add([requests(first, [240], { InternalException: 1 })]), {
    message: 'the database cannot be reached',
  });
  isAway = false;
  const services = open(store, series, new VitalSeries({ store, nodeId: 'away', now }), now, 'away');
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
    [15, 15, 300, 300, 3_600],
  );
  clock.now += 26 * hour;
  await series.add([requests(first, [1])]);
  await series.write();
  t.deepEqual(
    (await rows()).map(({ step }) => step).toSorted((a, b) => a - b),
    [15, 300, 3_600, 3_600],
    'an hour of the one, a day of the other',
  );
  clock.now += 40 * day;
  await series.add([requests(first, [1])]);
  await series.write();
  t.is((await rows()).length, 3, 'a month of the last');
});

for (const kind of ['SQLite', 'PostgreSQL'] as const) {
  test.serial(`${kind}: the last hour is of all nodes, in detail, and over a restart`, async (t) => {
    const of = t.context.databases[kind];
    const now = start();
    const [one, other] = [node(of, now), node(of, now)];
    const [first] = of.keySets;
    const told = async (services = one.services) => trafficOf(services, 'appliance', '1h');
    await one.look([requests(first, [3])]);
    await other.look([requests(first, [3, 260], { InternalException: 1 })]);
    t.is((await told()).requests, 1, 'what is not written is in the memory of its node');
    for (const { clock, look } of [one, other]) {
      clock.now += 15_000;
      await look();
    }
    const both = await told();
    t.like(both, { requests: 3, late: 1, retryable: 1 });
    t.deepEqual(
      both.points.slice(-2).map((point) => point.requests),
      [3, 0],
    );
    t.is(both.requestsPerSecond, 3 / 60);
    t.is((await told(other.services)).requests, 3, 'whichever answers');
    t.is((await told(one.restarted())).requests, 3);
    // More to a step that is written already.
    await other.look([requests(first, [3])]);
    await other.series.write();
    t.is((await told()).requests, 4);
    await other.look([requests(first, [3])]);
    await other.series.write();
    t.is((await told()).requests, 5);
    one.clock.now += hour;
    t.is((await told()).requests, 0, 'it goes by');
  });

  test.serial(`${kind}: what a node could write only late is told all the same`, async (t) => {
    const of = t.context.databases[kind];
    const now = start();
    const [one, other] = [node(of, now), node(of, now)];
    const [first] = of.keySets;
    await other.series.add([requests(first, [3])]);
    const times: number[] = [];
    for (let seconds = 0; seconds <= 600; seconds += 30) {
      one.clock.now = now + seconds * 1_000;
      if (seconds === 240) await other.series.write();
      if ((await trafficOf(one.services, 'appliance', '1h')).requests === 1) times.push(seconds);
    }
    t.is(times[0], 300, 'with the next look at all of the hour');
    t.is(times.length, 11);
  });

  test.serial(`${kind}: it is said of which nodes it is, and which are missing`, async (t) => {
    const of = t.context.databases[kind];
    const now = start();
    const [one, other, silent, unmanaged] = [node(of, now), node(of, now), node(of, now), node(of, now)];
    const all = [one, other, silent, unmanaged];
    for (const { show } of all) await show();
    await unmanaged.show({ manages: false });
    await other.look();
    for (const { clock } of all) clock.now += 15_000;
    await other.look();
    const nodesOf = async (range: '1h' | '1d', scope: Parameters<typeof trafficOf>[1] = 'appliance') =>
      (await trafficOf(one.services, scope, range)).nodes;
    const hosts = [silent, unmanaged].map(({ id }) => `host-${id}`).toSorted();
    t.deepEqual(await nodesOf('1h'), { included: 2, missing: 2, missingHosts: hosts });
    t.deepEqual(
      await nodesOf('1d'),
      { included: 3, missing: 1, missingHosts: [`host-${unmanaged.id}`] },
      'an older version has those',
    );
    t.deepEqual(await nodesOf('1h', { vaultId: of.vaultId, sight: 'all' }), { included: 2, missing: 2 });
    await silent.show({ ends: true });
    await unmanaged.show({ ends: true });
    t.deepEqual(
      await nodesOf('1h'),
      { included: 2, missing: 0, missingHosts: [] },
      'who is down misses nothing',
    );
    for (const { clock, show } of [one, other]) {
      clock.now += 2 * minute;
      await show();
    }
    t.like(await nodesOf('1h'), { included: 1, missing: 1 }, 'it has told nothing for two minutes');
    const { points } = await trafficOf(one.services, { vaultId: of.vaultId, sight: [] }, '1h');
    t.deepEqual(
      points.flatMap(({ certificateDays }) => (certificateDays === null ? [] : [certificateDays])),
      [90, 90],
      'a chart of how long the certificate holds',
    );
  });
}

test.serial(
  'owners beyond those that are told apart count for nobody in detail, and for themselves in what is kept longer',
  async (t) => {
    const { store } = t.context;
    const { id: vaultId } = await insertVault(store, 'many');
    const many = [];
    for (let n = 0; n < 203; n++) many.push((await insertKeySet(store, vaultId)).keySet);
    const { series, services, id } = node(t.context, start());
    await series.add(many.map((keySet) => requests(keySet, [1])));
    await series.write();
    const of = async (scope: Parameters<typeof trafficOf>[1], range: '1h' | '1d') =>
      (await trafficOf(services, scope, range)).requests;
    t.is(await of('appliance', '1h'), 203);
    t.is(await of({ vaultId, sight: 'all' }, '1h'), 200);
    t.is(await of({ vaultId, sight: 'all' }, '1d'), 203);
    const { rows } = await store.db
      .selectFrom('traffic')
      .select((eb) => eb.fn.countAll<number>().as('rows'))
      .where('node_id', '=', id)
      .where('step', '=', 15)
      .executeTakeFirstOrThrow();
    t.is(rows, 201);
  },
);
