import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { Directory } from '../../src/serving/directory.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import type { ReadableStore } from '../../src/store/store.ts';
import { TokenPools } from '../../src/vault/tokens.ts';
import { byHand } from '../../testing/by-hand.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { insertVault } from '../../testing/vault.ts';
import { insertKeys } from '../support/following-node.ts';

/* Requests ask the store side by side, and its answers do not come in the order of the questions. */

interface OnItsWay {
  /** The store has answered. */
  answered: Promise<void>;
  /** The answer arrives. */
  arrive: () => void;
}

/** The store as a worker reads it, over a network in which some answers are slower than others. */
class SlowReader implements ReadableStore {
  readonly db: ReadableStore['db'];
  readonly #store: SqliteStore;
  readonly #held: { answered: PromiseWithResolvers<void>; arrived: PromiseWithResolvers<void> }[] = [];

  constructor(store: SqliteStore) {
    this.#store = store;
    this.db = store.db;
  }

  /** Holds back the answer to the next who asks what was changed. */
  holdNext(): OnItsWay {
    const held = { answered: Promise.withResolvers<void>(), arrived: Promise.withResolvers<void>() };
    this.#held.push(held);
    return { answered: held.answered.promise, arrive: held.arrived.resolve };
  }

  async moment() {
    return Promise.resolve(this.#store.moment());
  }

  revision() {
    return this.#store.revision();
  }

  async changesSince(since: Parameters<ReadableStore['changesSince']>[0]) {
    const answer = this.#store.changesSince(since);
    const held = this.#held.shift();
    held?.answered.resolve();
    await held?.arrived.promise;
    return answer;
  }

  async close() {
    return Promise.resolve();
  }
}

interface Stage {
  reader: SlowReader;
  directory: Directory;
  /** Sets the state of the key, which moves the store on. */
  setState: (state: 'AVAILABLE' | 'DISABLED') => Promise<void>;
  /** Where the store is: what it returns takes the store back there, as after a fail-over. */
  mark: () => () => void;
  /** Of the key, by what is remembered. */
  state: () => Promise<string | undefined>;
}

async function openOrder(t: ExecutionContext): Promise<Stage> {
  const folder = await mkdtemp(path.join(memoryDirectory(), 'holdfast-order-'));
  const file = path.join(folder, 'holdfast.db');
  const store = await SqliteStore.init(file);
  const raw = new Database(file);
  t.teardown(async () => {
    raw.close();
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });
  await insertKeys(store, (await insertVault(store, 'one')).id, 'k');
  const reader = new SlowReader(store);
  const directory = new Directory(reader, new TokenPools([]));
  return {
    reader,
    directory,
    setState: async (state) =>
      store.change(byHand, async (trx) => {
        await trx.updateTable('cloud_keys').set({ state }).where('external_key_id', '=', 'k').execute();
      }),
    mark: () => {
      const [revision, key] = ['revision', 'cloud_keys'].map((table) =>
        raw.prepare(`SELECT * FROM ${table}`).get(),
      ) as [Record<string, unknown>, Record<string, unknown>];
      return () => {
        raw.prepare('UPDATE revision SET revision = @revision, mark = @mark, marked = @marked').run(revision);
        raw.prepare('UPDATE cloud_keys SET state = @state').run(key);
      };
    },
    state: async () => (await directory.cloudKey({ id: 's' }, 'k'))?.state,
  };
}

test('an answer that comes late takes nobody back, so that a loss of what came after it is noticed', async (t) => {
  const { reader, directory, setState, mark, state } = await openOrder(t);
  await directory.refresh();
  await setState('DISABLED');
  const late = reader.holdNext();
  const slow = directory.refresh();
  await late.answered;
  const goBack = mark();
  await setState('AVAILABLE');
  await directory.refresh();
  t.is(await state(), 'AVAILABLE');
  const { at } = directory;
  late.arrive();
  await slow;
  t.deepEqual(directory.at, at);
  // The key was enabled, and that is lost.
  goBack();
  await directory.refresh();
  t.is(directory.timesBack, 1);
  t.is(await state(), 'DISABLED');
});

test('an answer of what the store has lost since is not gone by, and nobody is told of that loss again', async (t) => {
  const { reader, directory, setState, mark, state } = await openOrder(t);
  const goBack = mark();
  await setState('DISABLED');
  await directory.refresh();
  await setState('AVAILABLE');
  const late = reader.holdNext();
  const slow = directory.refresh();
  await late.answered;
  goBack();
  await directory.refresh();
  t.is(directory.timesBack, 1);
  const { at } = directory;
  late.arrive();
  await slow;
  t.deepEqual(directory.at, at);
  await setState('DISABLED');
  await directory.refresh();
  t.is(await state(), 'DISABLED');
  t.is(directory.timesBack, 1, 'once');
});

test('who may not ask again where others were quicker is not told that the store has gone back', async (t) => {
  const { reader, directory, setState } = await openOrder(t);
  await directory.refresh();
  await setState('DISABLED');
  const late = reader.holdNext();
  const slow = directory.refresh(0);
  await late.answered;
  await setState('AVAILABLE');
  await directory.refresh();
  late.arrive();
  await t.throwsAsync(slow, { name: 'StoreError', message: /^the database did not answer while/ });
});

test('a loss is told of though another, who asked before it, comes between', async (t) => {
  const { reader, directory, setState, mark, state } = await openOrder(t);
  const goBack = mark();
  await setState('DISABLED');
  await directory.refresh();
  await setState('AVAILABLE');
  const [before, after] = [reader.holdNext(), reader.holdNext()];
  const asked = [directory.refresh()];
  await before.answered;
  goBack();
  asked.push(directory.refresh());
  await after.answered;
  before.arrive();
  await asked[0];
  after.arrive();
  await asked[1];
  t.is(directory.timesBack, 1);
  t.deepEqual(directory.at, await reader.moment());
  t.is(await state(), 'AVAILABLE', 'as it was before');
});
