import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { insertVault } from '../../testing/vault.ts';
import { byHand } from '../../testing/by-hand.ts';
import { databases, newStore } from '../../testing/stores.ts';
import { InForce, removeExitedHolders } from '../../src/fleet/in-force.ts';
import { hasExited, processMark } from '../../src/node/node-id.ts';
import type { Changed } from '../../src/store/act-transaction.ts';
import type { Moved } from '../../src/store/revision-log.ts';
import type { Store } from '../../src/store/store.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { VaultError } from '../../src/vault/vault-error.ts';

/* A change is waited for until every process that serves from memory has confirmed it, or has run out. */

/** Milliseconds; of the leases here. */
const length = 2_000;

async function join(store: Store, id: string, epoch: number, node = 'n1', lease = length): Promise<void> {
  await store.bookkeep('by hand', async (trx) =>
    trx
      .insertInto('snapshot_holders')
      .values({
        ...{ id, node_id: node, hostname: `host-${node}`, term: 1, epoch, length: lease },
        joined_at: '2027-01-01T00:00:00.000Z',
      })
      .execute(),
  );
}

async function confirm(store: Store, id: string, epoch: number): Promise<void> {
  await store.bookkeep('by hand', async (trx) =>
    trx.updateTable('snapshot_holders').set({ epoch }).where('id', '=', id).execute(),
  );
}

/** The revision of a change that workers hear of. */
async function change(store: Store): Promise<number> {
  await store.bookkeep('by hand', async (trx) => trx.updateTable('vaults').set({ tokens: '[]' }).execute());
  return (await store.db.selectFrom('revision').select('revision').executeTakeFirstOrThrow()).revision;
}

for (const [name, make] of Object.entries(databases))
  test(`${name}: a change is in force once all have confirmed it, or have run out`, async (t) => {
    const made = await make();
    const store = await made.open();
    t.teardown(async () => {
      await store.close();
      await made.dispose();
    });
    await insertVault(store, 'first');
    const inForce = new InForce(store);
    t.deepEqual((await inForce.wait(0)).nodes, [], 'all ask the store at each request');

    const first = await change(store);
    await join(store, 'a', first);
    await join(store, 'b', first - 1);
    await join(store, 'c', first, 'n2');
    const early = await inForce.wait(0);
    t.deepEqual(
      early.nodes.map(({ id, hostname, state }) => `${id} ${hostname} ${state}`),
      ['n1 host-n1 waiting', 'n2 host-n2 confirmed'],
      'the slowest process of a node says how it stands',
    );
    t.true((early.nodes[0]?.left ?? 0) > length / 2 && (early.nodes[0]?.left ?? 0) <= length * 1.01);
    t.is(await inForce.unconfirmed(), 1);
    const waiting = inForce.wait(10_000);
    await confirm(store, 'b', first);
    t.deepEqual(
      (await waiting).nodes.map(({ state }) => state),
      ['confirmed', 'confirmed'],
    );

    t.is(await inForce.unconfirmed(), 0);

    // What changes nothing of what is served need not be confirmed.
    await store.bookkeep('by hand', async (trx) =>
      trx
        .updateTable('revision')
        .set({ revision: first + 1 })
        .execute(),
    );
    await store.bookkeep('by hand', async (trx) =>
      trx
        .insertInto('served_changes')
        .values({ revision: first + 1, kind: 'nothing', name: '' })
        .execute(),
    );
    t.true((await inForce.wait(0)).nodes.every(({ state }) => state === 'confirmed'));

    // One that is cut off: it is waited for until it has run out and no longer, by whoever asks, and its row goes.
    const second = await change(store);
    await confirm(store, 'a', second);
    await confirm(store, 'b', second);
    t.is((await inForce.wait(0)).nodes.find(({ id }) => id === 'n2')?.state, 'waiting');
    await delay(length / 2);
    const half = (await inForce.wait(0)).nodes.find(({ id }) => id === 'n2');
    t.true(
      (half?.left ?? Infinity) < length * 0.6,
      'it is waited for from the change on, and not from when it was asked last',
    );
    const { nodes } = await inForce.wait(10_000);
    t.true(nodes.every(({ state }) => state !== 'waiting'));
    await delay(length * 1.01);
    await inForce.sweep();
    t.deepEqual(await store.db.selectFrom('snapshot_holders').select('id').execute(), []);

    // The database goes back in time and uses the number again: that is another change, made a moment ago.
    await join(store, 'd', second - 1);
    await store.bookkeep('by hand', async (trx) =>
      trx
        .updateTable('revision')
        .set({ revision: second - 1 })
        .execute(),
    );
    t.is(await change(store), second);
    t.is((await inForce.wait(0)).nodes[0]?.state, 'waiting');
  });

test('that a silent process could not be removed, or nobody knows whether it was, says nothing of the change', async (t) => {
  const store = await newStore();
  t.teardown(async () => store.close());
  await insertVault(store, 'first');
  await join(store, 'a', -1, 'n1', 1);
  await change(store);
  for (const fault of ['in-doubt', 'not-certain', 'unreachable'] as const) {
    const asked = Promise.withResolvers<undefined>();
    const inForce = new InForce({
      db: store.db,
      bookkeep: async () => {
        asked.resolve(undefined);
        throw new StoreError(fault, 'the row of a process', 'none');
      },
    });
    t.like((await inForce.wait(10_000)).nodes, [{ id: 'n1', state: 'ended' }]);
    await inForce.sweep();
    await asked.promise;
  }
});

test('holders of another database say nothing of what was done in this one', async (t) => {
  const [own, other] = await Promise.all([newStore('PostgreSQL'), newStore('PostgreSQL')]);
  t.teardown(async () => Promise.all([own.close(), other.close()]));
  for (const store of [own, other]) await insertVault(store, 'first');
  const callIt = async (store_id: string | null) =>
    other.bookkeep('by hand', async (trx) => trx.updateTable('revision').set({ store_id }).execute());
  const { store_id } = await own.db.selectFrom('revision').select('store_id').executeTakeFirstOrThrow();

  const changed: Changed = new Set();
  const act = { ...byHand, now: () => new Date(), changed };
  await own.write(act, async (trx) => trx.updateTable('vaults').set({ tokens: '[]' }).execute());
  const { moved } = changed;
  t.deepEqual(moved, await own.db.selectFrom('revision').select(['revision', 'mark']).executeTakeFirst());
  await join(own, 'a', 0);
  /** The name leads there for so many questions, and then elsewhere. */
  const wait = async (questions: number) => {
    let left = questions;
    const led = {
      bookkeep: own.bookkeep.bind(own),
      get db() {
        return left-- > 0 ? own.db : other.db;
      },
    };
    return new InForce(led).wait(10_000, moved);
  };
  const inDoubt = { name: 'StoreError', message: /another database answered/ };
  // Another store, or the same one that has gone back: the holder is in neither.
  for (const id of ['another', store_id]) {
    await callIt(id);
    // Since it was committed, before the holders are read, and while one is waited for.
    for (const questions of [0, 1, 2]) await t.throwsAsync(wait(questions), inDoubt);
    await change(other);
  }
  // One that is so far ahead that its list of changes begins after this one.
  const far = (moved?.revision ?? 0) + 5_000;
  await other.bookkeep('by hand', async (trx) => {
    await trx.updateTable('revision').set({ revision: far, store_id: 'another' }).execute();
    await trx.deleteFrom('served_changes').execute();
  });
  for (let count = 0; count < 2; count++) await change(other);
  for (const id of ['another', store_id]) {
    await callIt(id);
    for (const questions of [0, 1, 2]) await t.throwsAsync(wait(questions), inDoubt);
  }
  await confirm(own, 'a', moved?.revision ?? 0);
  t.is((await wait(Infinity)).nodes[0]?.state, 'confirmed');
});

for (const [name, make] of Object.entries(databases))
  test(`${name}: what is asked for by its revision waits for no later change, and is not taken for another`, async (t) => {
    const made = await make();
    const store = await made.open();
    t.teardown(async () => {
      await store.close();
      await made.dispose();
    });
    await insertVault(store, 'first');
    const inForce = new InForce(store);
    /** By one that has seen all of it, and by one that has seen nothing. */
    const states = async (asked: Moved) => {
      const standings = [inForce, new InForce(store)].map(async (one) => one.waitFor(asked, 0));
      return (await Promise.all(standings)).map(({ nodes, revision }) => {
        t.deepEqual(revision, asked);
        return nodes.map(({ state }) => state).join();
      });
    };
    /** Of the last change. */
    const told = async () => {
      const { revision, nodes } = await inForce.wait(0);
      if (revision === undefined) throw new Error('it has no mark');
      return { revision, nodes };
    };
    const first = await change(store);
    await join(store, 'a', first - 1, 'n1', 60_000);
    const { revision: ofFirst } = await told();
    t.is(ofFirst.revision, first);
    t.deepEqual(await states(ofFirst), ['waiting', 'waiting']);
    await confirm(store, 'a', first);
    // What nobody has to confirm is not waited for either.
    const nothing = { revision: first + 1, mark: 'of-nothing' };
    await store.bookkeep('by hand', async (trx) => {
      await trx.updateTable('revision').set({ revision: nothing.revision }).execute();
      await trx
        .insertInto('served_changes')
        .values({ ...nothing, kind: 'nothing', name: '' })
        .execute();
    });
    const second = await change(store);
    t.is(second, first + 2);
    const { revision: ofSecond, nodes } = await told();
    t.is(nodes[0]?.state, 'waiting');
    for (const before of [ofFirst, nothing]) t.deepEqual(await states(before), ['confirmed', 'confirmed']);
    t.deepEqual(await states(ofSecond), ['waiting', 'waiting']);

    // One that is cut off is waited for from when the change that is asked for was seen, and not from a later one on.
    const between = 50;
    await delay(between);
    await change(store);
    const { nodes: later } = await told();
    const { nodes: earlier } = await inForce.waitFor(ofSecond, 0);
    t.true((later[0]?.left ?? 0) - (earlier[0]?.left ?? 0) > between / 2);

    // The database goes back in time, and another change gets the number.
    await store.bookkeep('by hand', async (trx) =>
      trx
        .updateTable('revision')
        .set({ revision: second - 1 })
        .execute(),
    );
    t.is(await change(store), second);
    const refused = async (asked: Moved) =>
      t.throwsAsync(inForce.waitFor(asked, 0), {
        instanceOf: VaultError,
        message: /does not list this revision/,
      });
    for (const lost of [ofSecond, { ...ofFirst, revision: second + 1 }, { ...ofFirst, mark: ofSecond.mark }])
      await refused(lost);
    t.deepEqual(await states(ofFirst), ['confirmed', 'confirmed'], 'that one it still has');

    // A node of an earlier release has made the last one: its number alone would tell nothing once it is lost.
    await store.bookkeep('by hand', async (trx) =>
      trx.updateTable('served_changes').set({ mark: null }).where('revision', '=', second).execute(),
    );
    t.is((await inForce.wait(0)).revision, undefined);
    await store.bookkeep('by hand', async (trx) =>
      trx.deleteFrom('served_changes').where('revision', '<=', first).execute(),
    );
    await refused(ofFirst);
  });

test('rows of a node are removed whose processes have exited, once it is back on the same machine', async (t) => {
  const made = await databases.PostgreSQL();
  const store = await made.open();
  t.teardown(async () => {
    await store.close();
    await made.dispose();
  });
  const child = spawn('sleep', ['60']);
  t.teardown(() => child.kill());
  const [gone, here] = [processMark(child.pid), processMark(process.pid)];
  for (const mark of [gone, here]) t.regex(mark, /^[\da-f-]{36}\.\d+\.\d+\.\d+$/);
  const elsewhere = gone.replace(/^[^.]+/, '00000000-0000-4000-8000-000000000000');
  const inOtherNamespace = gone.replace(/\.\d+\./, '.1.');
  const ids = [gone, here, elsewhere, inOtherNamespace, ''].map((mark) => `xks-worker/${mark}/a/b`);
  for (const id of ids) await join(store, id, 0);
  await join(store, `xks-worker/${gone}/a/c`, 0, 'n2');
  const left = async () =>
    (await store.db.selectFrom('snapshot_holders').select('id').execute()).map(({ id }) => id);

  await removeExitedHolders(store, 'n1', hasExited);
  t.is((await left()).length, 6, 'all of them run, or nobody knows');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await removeExitedHolders(store, 'n1', hasExited);
  t.deepEqual((await left()).toSorted(), [...ids.slice(1), `xks-worker/${gone}/a/c`].toSorted());
});
