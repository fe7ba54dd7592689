import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import type { ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { byHand } from '../../testing/by-hand.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { databaseThatGoesBack } from '../../testing/postgres.ts';
import { HistoryKeeper } from '../../src/serving/history-keeper.ts';
import { ServedWriter } from '../../src/node/served-writer.ts';
import { WorkerHistory } from '../../src/serving/worker-history.ts';
import { Directory } from '../../src/serving/directory.ts';
import { SnapshotHolder } from '../../src/serving/snapshot-holder.ts';
import { keptHistoryFile, readKeptHistory } from '../../src/store/kept-history-file.ts';
import { openHolderLine, openStoreToRead, type StorePlace } from '../../src/store/opening/open.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import type { ReadableStore, Store } from '../../src/store/store.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { TokenPools } from '../../src/vault/tokens.ts';

/* Stores in whose place another can be put, and of a node all that follows its store but its token hosts. */

export const time = '2031-05-05T12:00:00.000Z';
export const act = () => ({ ...systemAct({ now: () => new Date() }, 'test'), ...byHand });

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let left = 12_000; !(await condition()); left--) {
    if (left === 0) throw new Error('it does not come about');
    await delay(5);
  }
}

export interface Kind {
  make: (t: ExecutionContext) => Promise<{
    place: StorePlace;
    remember: () => Promise<void>;
    goBack: () => Promise<void>;
    /** Makes what is remembered another store. */
    renameCopy: (id: string) => Promise<void>;
  }>;
}

export const kinds: Readonly<Record<string, Kind>> = {
  SQLite: {
    make: async (t) => {
      const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-back-'));
      t.teardown(async () => rm(directory, { recursive: true, force: true }));
      const file = path.join(directory, 'holdfast.db');
      await (await SqliteStore.init(file)).close();
      return {
        place: { kind: 'sqlite', path: file },
        remember: async () => copyFile(file, `${file}.old`),
        renameCopy: async (id) => {
          const copy = new Database(`${file}.old`);
          copy.prepare('UPDATE revision SET store_id = ?').run(id);
          copy.close();
        },
        goBack: async () => {
          for (const end of ['', '-wal', '-shm']) await rm(`${file}${end}`, { force: true });
          await copyFile(`${file}.old`, file);
        },
      };
    },
  },
  PostgreSQL: {
    make: async () => {
      const { settings, ...back } = await databaseThatGoesBack();
      return { place: { kind: 'postgres', lease: 60_000, ...settings }, ...back };
    },
  },
};

interface LogLine {
  level: number;
  msg: string;
  named?: unknown[];
  putAside?: string;
  problem?: string;
  remediation?: string;
}

/** What of a node follows the store: the thread that writes, the supervisor's keeper, and what a worker serves by. */
export class FollowingNode {
  readonly directory: Directory;
  readonly log: LogLine[] = [];
  readonly #reader: ReadableStore;
  readonly #writer: ServedWriter;
  readonly #keeper: HistoryKeeper;
  readonly holder: SnapshotHolder | undefined;

  private constructor(place: StorePlace, reader: ReadableStore, name: string, stateDirectory: string) {
    const log = pino(
      { level: 'warn' },
      { write: (line: string) => void this.log.push(JSON.parse(line) as never) },
    );
    const file = keptHistoryFile(stateDirectory);
    this.#reader = reader;
    this.#writer = new ServedWriter(place, undefined, {
      file,
      teller: { id: name, hostname: `host-${name}` },
    });
    const { at, lost } = readKeptHistory(file).kept;
    const begin = { at, lost };
    this.#keeper = new HistoryKeeper({
      ...{ writer: this.#writer, begin, log },
      tellWorkers: (message) => history.receive(message),
    });
    // As over IPC: never before the ask has returned.
    const ask = (id: number) => setImmediate(() => this.#keeper.ask(id, (answer) => history.receive(answer)));
    const history = new WorkerHistory(begin, ask, () => {
      this.directory.takeLost();
      this.holder?.keptMore();
    });
    this.directory = new Directory(reader, new TokenPools([]), undefined, { history });
    if (place.kind === 'postgres')
      this.holder = new SnapshotHolder({
        open: async (options) => openHolderLine(place, options),
        snapshot: this.directory,
        who: { nodeId: name, hostname: name },
        ...{ instance: `xks-worker/${name}`, length: 60_000, history, log },
      });
  }

  static async start(
    t: ExecutionContext,
    place: StorePlace,
    name: string,
    state?: string,
  ): Promise<FollowingNode> {
    const directory = state ?? (await mkdtemp(path.join(memoryDirectory(), 'holdfast-state-')));
    if (state === undefined) t.teardown(async () => rm(directory, { recursive: true, force: true }));
    const node = new FollowingNode(place, await openStoreToRead(place), name, directory);
    node.#keeper.look();
    node.holder?.start();
    t.teardown(async () => node.stop());
    await node.directory.refresh();
    return node;
  }

  async stop(): Promise<void> {
    await this.holder?.stop();
    await this.#keeper.end();
    await this.#writer.close();
    await this.#reader.close();
  }

  /** What a request meets, which asks the store first. */
  async stateOf(key: string): Promise<string> {
    await this.directory.refresh();
    const keySet = { id: 's' };
    const found = await this.directory.cloudKey(keySet, key);
    return found === undefined ? 'not found' : this.directory.stateOf({ frozen: false } as never, found);
  }
}

export async function insertKeys(store: Store, vaultId: string, ...keys: string[]): Promise<void> {
  const times = { created_at: time, updated_at: time };
  const set = { id: 's', vault_id: vaultId, name: 's', description: '', token: 'token', path_prefix: 'p' };
  await store.change(act(), async (trx) => {
    await trx
      .insertInto('key_sets')
      .values({ ...set, external_key_store: 1, ...times })
      .execute();
    for (const key of keys)
      await trx
        .insertInto('cloud_keys')
        .values({
          ...{
            id: `id-${key}`,
            key_set_id: 's',
            name: key,
            description: '',
            external_key_id: key,
            state: 'AVAILABLE',
          },
          ...{ region: '', administrators: '[]', users: '[]', made_by: '', can_encrypt: 1, can_decrypt: 1 },
          ...{ current_version: 1, rotation: 'INHERIT', rotated_at: time, ...times },
        })
        .execute();
    await trx
      .insertInto('xks_credentials')
      .values({ access_key_id: 'c', key_set_id: 's', sealed_secret: Buffer.from('x'), created_at: time })
      .execute();
  });
}

export const setKey = async (store: Store, key: string, change: object) =>
  store.change(act(), async (trx) =>
    trx.updateTable('cloud_keys').set(change).where('external_key_id', '=', key).execute(),
  );
