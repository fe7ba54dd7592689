import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import test, { type ExecutionContext } from 'ava';
import { freshDatabase, sharedCluster } from '../../testing/postgres.ts';
import { insertVault } from '../../testing/vault.ts';
import { InForce } from '../../src/fleet/in-force.ts';
import { Directory } from '../../src/serving/directory.ts';
import { SnapshotHolder } from '../../src/serving/snapshot-holder.ts';
import { Visit } from '../../src/serving/visit.ts';
import { PostgresStore } from '../../src/store/postgres/postgres.ts';
import { openHolderLine } from '../../src/store/opening/open.ts';
import { TokenPools } from '../../src/vault/tokens.ts';

/* The lease that an XKS worker serves from memory by, on a real PostgreSQL. */

/** Milliseconds; no renewal is due in it but those that something asks for. */
const long = 60_000;

interface Stage {
  store: PostgresStore;
  directory: Directory;
  holder: SnapshotHolder;
  inForce: InForce;
  /** Something that workers serve by is changed. */
  change: () => Promise<void>;
  holders: () => Promise<string[]>;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let left = 2000; !(await condition()); left--) {
    if (left === 0) throw new Error('it does not come about');
    await delay(5);
  }
}

async function openHolder(t: ExecutionContext, length = long): Promise<Stage> {
  const settings = await freshDatabase();
  const store = await PostgresStore.open(settings);
  const reader = await PostgresStore.openToRead(settings);
  const directory = new Directory(reader, new TokenPools([]));
  const holder = new SnapshotHolder({
    open: async (options) => openHolderLine({ kind: 'postgres', ...settings }, options),
    snapshot: directory,
    who: { nodeId: 'n', hostname: 'h' },
    length,
    log: pino({ level: 'silent' }),
  });
  t.teardown(async () => {
    await holder.stop();
    await reader.close();
    await store.close();
  });
  await insertVault(store, 'first');
  holder.start();
  await until(() => holder.isFresh);
  return {
    store,
    directory,
    holder,
    inForce: new InForce(store),
    change: async () => {
      await store.bookkeep('by hand', async (trx) =>
        trx.updateTable('vaults').set({ tokens: '[]' }).execute(),
      );
    },
    holders: async () => {
      const rows = await store.db.selectFrom('snapshot_holders').select('id').execute();
      return rows.map(({ id }) => id);
    },
  };
}

const states = async (inForce: InForce, patience: number) =>
  (await inForce.wait(patience)).nodes.map(({ state }) => state);

test.serial('a change is confirmed at once, and only when what began before has ended', async (t) => {
  const { holder, directory, inForce, change } = await openHolder(t);
  t.deepEqual(await states(inForce, 10_000), ['confirmed']);

  await change();
  t.deepEqual(await states(inForce, 10_000), ['confirmed'], 'long before a renewal is due');

  const started = holder.begin();
  const { revision } = directory;
  await change();
  await until(() => directory.revision > revision);
  // The snapshot is new, and a request goes by the old one still.
  t.deepEqual(await states(inForce, 100), ['waiting']);
  const waiting = states(inForce, 10_000);
  if (started !== undefined) holder.end(started);
  t.deepEqual(await waiting, ['confirmed']);

  // One that asked the store is waited for all the same.
  const asked = new Visit(directory, holder);
  await asked.begin();
  await asked.arrive(false);
  await change();
  t.deepEqual(await states(inForce, 100), ['waiting']);
  asked.end();
  t.deepEqual(await states(inForce, 10_000), ['confirmed']);
});

test.serial(
  'a request whose lease has ended when its answer is there asks the store, and is done again',
  async (t) => {
    const { holder, directory, change } = await openHolder(t);
    const visit = new Visit(directory, holder);
    await visit.begin();
    await visit.arrive(false);
    const seen: number[] = [];
    const work = async () => {
      seen.push(directory.revision);
      if (seen.length === 1) {
        // As if nothing had been heard of the database for the length of the lease.
        await holder.stop();
        await change();
      }
      return Promise.resolve(directory.revision);
    };
    const answer = await visit.run(work, { isRefusal: () => false, isRestricted: () => false });
    visit.end();
    t.is(seen.length, 2);
    t.true(answer > (seen[0] ?? Infinity));
  },
);

test.serial('what is remembered permits and does not refuse: the store is asked before', async (t) => {
  const { holder, directory, store } = await openHolder(t);
  const visit = new Visit(directory, holder);
  await visit.begin();
  t.false(await visit.find(async () => directory.hasPrefix('x')));
  await visit.arrive(false);
  // Given without a word to the holder, as where a hint is lost.
  const refusal = new Error('refused');
  let runs = 0;
  const work = async () => {
    runs++;
    if (runs > 1) return 'done';
    await store.db
      .updateTable('revision')
      .set((eb) => ({ revision: eb('revision', '+', 1) }))
      .execute();
    throw refusal;
  };
  t.is(await visit.run(work, { isRefusal: (error) => error === refusal, isRestricted: () => false }), 'done');
  visit.end();
  const again = new Visit(directory, holder);
  await again.begin();
  await again.arrive(false);
  await t.throwsAsync(
    again.run(async () => Promise.reject(refusal), {
      isRefusal: (error) => error === refusal,
      isRestricted: () => false,
    }),
    { is: refusal },
    'where nothing was changed it stays refused',
  );
  again.end();
});

test.serial(
  'a holder whose row is gone has no lease until it has joined anew, under another id',
  async (t) => {
    const { store, holders, change } = await openHolder(t);
    const [before] = await holders();
    await store.bookkeep('by hand', async (trx) => trx.deleteFrom('snapshot_holders').execute());
    await change();
    await until(async () => (await holders()).length === 1);
    t.not((await holders())[0], before);
  },
);

test.serial('nobody has a lease while a node is there that waits for nobody', async (t) => {
  const { store, holder, change } = await openHolder(t);
  const at = new Date().toISOString();
  await store.bookkeep('by hand', async (trx) =>
    trx
      .insertInto('nodes')
      .values({ id: 'old', hostname: 'h', version: '0', started_at: at, last_seen_at: at })
      .execute(),
  );
  await change();
  await until(() => !holder.isFresh);
  await store.bookkeep('by hand', async (trx) => trx.deleteFrom('nodes').execute());
  await change();
  await until(() => holder.isFresh);
  t.pass();
});

test.serial('a lease outlives an outage that is shorter, and ends in one that is longer', async (t) => {
  const { holder, holders } = await openHolder(t, 1_500);
  const cluster = await sharedCluster();
  await cluster.stop('crash');
  const started = holder.begin();
  t.true(started !== undefined && holder.mayAnswer(started));
  await until(() => !holder.isFresh);
  t.is(holder.begin(), undefined);
  if (started !== undefined) {
    await until(() => !holder.mayAnswer(started));
    holder.end(started);
  }
  await cluster.start();
  await until(() => holder.isFresh);
  t.is((await holders()).length, 1, 'the row is the same');
});
