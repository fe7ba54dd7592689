import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Store } from '../src/store/store.ts';
import { PostgresStore } from '../src/store/postgres/postgres.ts';
import { SqliteStore } from '../src/store/sqlite/sqlite.ts';
import { memoryDirectory } from './memory-directory.ts';
import { freshDatabase } from './postgres.ts';

/** A new store of one kind, that other connections can open too. */
export interface MadeStore {
  open: () => Promise<Store>;
  dispose: () => Promise<void>;
}

export const databases: Readonly<Record<'SQLite' | 'PostgreSQL', () => Promise<MadeStore>>> = {
  SQLite: async () => {
    const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-store-'));
    const file = path.join(directory, 'holdfast.db');
    await (await SqliteStore.init(file)).close();
    return {
      open: async () => SqliteStore.open(file),
      dispose: async () => rm(directory, { recursive: true, force: true }),
    };
  },
  PostgreSQL: async () => {
    const settings = await freshDatabase();
    return { open: async () => PostgresStore.open(settings), dispose: () => Promise.resolve() };
  },
};

/** What tests of acts run on: PostgreSQL where HOLDFAST_TEST_STORE says so. */
export const chosenDatabase: keyof typeof databases =
  process.env['HOLDFAST_TEST_STORE'] === 'postgres' ? 'PostgreSQL' : 'SQLite';

/** A new store for acts, gone when it is closed. */
export async function newStore(database = chosenDatabase): Promise<Store> {
  const made = await databases[database]();
  const store = await made.open();
  const close = store.close.bind(store);
  return Object.assign(store, {
    close: async () => {
      await close();
      await made.dispose();
    },
  });
}
