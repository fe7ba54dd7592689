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
