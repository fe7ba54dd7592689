import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import test, { type ExecutionContext } from 'ava';
import { freshDatabase, sharedCluster } from '../../testing/postgres.ts';
import { insertVault } from '../../testing/vault.ts';
import { InForce } from '../../src/fleet/in-force.ts';
import { Directory } from '../../src/serving/directory.ts';
import { SnapshotHolder } from '../../src/serving/snapshot-holder.ts';
import type { WentBack } from '../../src/serving/went-back.ts';
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
  /** What the holder has said that it found, each time that the store had gone back. */
  wentBack: WentBack[];
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let left = 2000; !(await condition()); left--) {
    if (left === 0) throw new Error('it does not come about');
    await delay(5);
  }
}

async function openHolder(t: ExecutionContext, length = long): Promise<Stage> {
  const wentBack: WentBack[] = [];
  const settings = await freshDatabase();
  const store = await PostgresStore.open(settings);
  const reader = await PostgresStore.openToRead(settings);
  const directory = new Directory(reader, new TokenPools([]));
  const holder = new SnapshotHolder({
    open: async (options) => openHolderLine({ kind: 'postgres', ...settings }, options),
    snapshot: directory,
    who: { nodeId: 'n', hostname: 'h' },
    instance: 'xks-worker/n',
    length,
    log: pino(
      { level: 'error' },
      { write: (line: string) => void wentBack.push(JSON.parse(line) as WentBack) },
    ),
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
    wentBack,
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
  const { at } = directory;
  await change();
  await until(() => directory.at.revision > at.revision);
  // The snapshot is new, and a request goes by the old one still.
  t.deepEqual(await states(inForce, 100), ['waiting']);
  const waiting = states(inForce, 10_000);
  if (started !== undefined) holder.end(started);
  t.deepEqual(await waiting, ['confirmed']);

  // One that asked the store is waited for all the same.
  const asked = new Visit(directory, holder);
  await asked.begin(Infinity);
  await asked.arrive(false, Infinity);
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
    await visit.begin(Infinity);
    await visit.arrive(false, Infinity);
    const seen: number[] = [];
    const work = async () => {
      seen.push(directory.at.revision);
      if (seen.length === 1) {
        // As if nothing had been heard of the database for the length of the lease.
        await holder.stop();
        await change();
      }
      return Promise.resolve(directory.at.revision);
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
  await visit.begin(Infinity);
  t.false(await visit.find(async () => directory.hasPrefix('x')));
  await visit.arrive(false, Infinity);
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
  await again.begin(Infinity);
  await again.arrive(false, Infinity);
  await t.throwsAsync(
    again.run(async () => Promise.reject(refusal), {
      isRefusal: (error) => error === refusal,
      isRestricted: () => false,
    }),
    { is: refusal },
    'where nothing was changed it stays refused',
  );
  again.end();
  t.like(holder.signs, { lost: 0, asks: { 'no-lease': 0, refusal: 3 }, revision: directory.at.revision });
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
  const { store, holder, inForce, change } = await openHolder(t);
  const at = new Date().toISOString();
  await store.bookkeep('by hand', async (trx) =>
    trx
      .insertInto('nodes')
      .values({ id: 'old', hostname: 'h', version: '0', started_at: at, last_seen_at: at })
      .execute(),
  );
  await change();
  await until(() => !holder.isFresh);
  await change();
  t.deepEqual(await states(inForce, 5_000), ['confirmed'], 'nobody waits for who is idle meanwhile');
  t.false(holder.isFresh);
  await store.bookkeep('by hand', async (trx) => trx.deleteFrom('nodes').execute());
  await change();
  await until(() => holder.isFresh);
  t.pass();
});

test.serial('a lease outlives an outage that is shorter, and ends in one that is longer', async (t) => {
  const { holder, holders, directory } = await openHolder(t, 4_000);
  const cluster = await sharedCluster();
  const { remaining, renewals, length } = holder.signs;
  t.true(remaining > 0 && remaining <= length && renewals > 0);
  await cluster.stop('crash');
  const started = holder.begin();
  t.true(started !== undefined && holder.mayAnswer(started));
  await until(() => !holder.isFresh);
  t.is(holder.begin(), undefined);
  const away = new Visit(directory, holder);
  await t.throwsAsync(away.begin(Infinity));
  t.like(holder.signs, { remaining: 0, lost: 1, asks: { 'no-lease': 1, refusal: 0 } });
  await until(() => holder.signs.failures > 0);
  if (started !== undefined) {
    await until(() => !holder.mayAnswer(started));
    holder.end(started);
  }
  await cluster.start();
  await until(() => holder.isFresh);
  t.is((await holders()).length, 1, 'the row is the same');
  t.true(holder.signs.remaining > 0 && holder.signs.lost === 1);
});

test.serial(
  'a database that has gone back in time, and forward again to the same number, is noticed by who was idle meanwhile',
  async (t) => {
    const { store, directory, holder, inForce, holders, wentBack } = await openHolder(t);
    const serve = async (external_key_store: number) =>
      store.bookkeep('by hand', async (trx) =>
        trx.updateTable('key_sets').set({ external_key_store }).execute(),
      );
    const { id: vault_id } = await store.db.selectFrom('vaults').select('id').executeTakeFirstOrThrow();
    const times = { created_at: '', updated_at: '' };
    await store.bookkeep('by hand', async (trx) =>
      trx
        .insertInto('key_sets')
        .values({
          ...{ id: 's', vault_id, name: 's', description: '', token: 'token', path_prefix: 'p' },
          ...{ external_key_store: 1, ...times },
        })
        .execute(),
    );
    const row = await store.db.selectFrom('revision').selectAll().executeTakeFirstOrThrow();
    t.deepEqual(await states(inForce, 10_000), ['confirmed']);
    const [id = ''] = await holders();
    const { epoch } = await store.db.selectFrom('snapshot_holders').select('epoch').executeTakeFirstOrThrow();
    const putBack = async () =>
      store.bookkeep('by hand', async (trx) => {
        await trx.updateTable('revision').set(row).execute();
        await trx.updateTable('snapshot_holders').set({ epoch }).execute();
      });

    // A change that everybody has confirmed, and that the database then loses.
    await store.bookkeep('by hand', async (trx) =>
      trx.updateTable('vaults').set({ tokens: '["a"]' }).execute(),
    );
    t.deepEqual(await states(inForce, 10_000), ['confirmed']);
    const known = directory.at;
    t.true(await directory.hasPrefix('p'));
    const started = holder.begin();
    await putBack();

    // Another one takes its number, and takes something away.
    await serve(0);
    await until(async () => (await holders()).some((one) => one !== id));
    await until(() => holder.isFresh);
    t.is(directory.at.revision, known.revision);
    t.false(await directory.hasPrefix('p'));
    t.like(wentBack, [{ known, found: directory.at }]);
    t.is(wentBack.length, 1);
    t.false(started !== undefined && holder.mayAnswer(started), 'what began before is asked of the store');
    t.true((await holders()).includes(id), 'its row stands until that has ended');
    if (started !== undefined) holder.end(started);
    // Its old row stands for what began then, and no longer: whoever takes something away waits for no lease to end.
    await until(async () => !(await holders()).includes(id));
    t.deepEqual(await states(inForce, 10_000), ['confirmed']);

    // The same where a request asks the store: it is done again, although the number has not moved.
    const lost = directory.at;
    const before = await holders();
    const visit = new Visit(directory, holder);
    await visit.begin(Infinity);
    await visit.arrive(false, Infinity);
    let runs = 0;
    const work = async () => {
      const found = await directory.hasPrefix('p');
      if (runs++ === 0) {
        await putBack();
        await serve(1);
      }
      return found;
    };
    t.true(await visit.run(work, { isRefusal: () => false, isRestricted: () => true }));
    visit.end();
    await until(async () => (await holders()).some((one) => !before.includes(one)));
    await until(() => holder.isFresh);
    t.is(directory.at.revision, lost.revision);
    t.is(directory.timesBack, 2);
    t.like(wentBack, [{ known }, { known: lost, found: directory.at }]);
  },
);

test.serial('an epoch of a history that the database does not have is not confirmed', async (t) => {
  const settings = await freshDatabase();
  const store = await PostgresStore.open(settings);
  const ignore = { timeout: 5_000, onHint: () => undefined, onGone: () => undefined };
  const line = await openHolderLine({ kind: 'postgres', ...settings }, ignore);
  t.teardown(async () => {
    await line.close();
    await store.close();
  });
  await line.join({ id: 'h', nodeId: 'n', hostname: 'h', length: long });
  const confirmed = async () =>
    (await store.db.selectFrom('snapshot_holders').select('epoch').executeTakeFirstOrThrow()).epoch;
  const change = async () => {
    await store.bookkeep('by hand', async (trx) => trx.updateTable('vaults').set({ tokens: '[]' }).execute());
    return store.moment();
  };
  await insertVault(store, 'first');
  const first = await change();
  const last = await change();
  t.deepEqual(await line.renew('h'), { at: last, older: false });
  for (const at of [first, last]) {
    await line.confirm('h', at.revision, { ...at, mark: 'another' });
    t.true((await confirmed()) < at.revision);
    await line.confirm('h', at.revision, at);
    t.is(await confirmed(), at.revision);
  }
  // Moved by a node of a version that knows no marks.
  const older = { revision: last.revision + 1, mark: null, store: last.store };
  await store.bookkeep('by hand', async (trx) =>
    trx.updateTable('revision').set({ revision: older.revision }).execute(),
  );
  t.deepEqual(await line.renew('h'), { at: older, older: false });
  await line.confirm('h', older.revision, older);
  t.is(await confirmed(), older.revision);
});

test('joining again by the same id is no other row', async (t) => {
  const line = await openHolderLine(
    { kind: 'postgres', ...(await freshDatabase()) },
    { timeout: 5_000, onHint: () => undefined, onGone: () => undefined },
  );
  t.teardown(async () => line.close());
  const who = { id: 'n/1', nodeId: 'n', hostname: 'h', length: long };
  await line.join(who);
  await line.join(who);
  t.truthy(await line.renew('n/1'));
});
