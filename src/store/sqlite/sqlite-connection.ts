import { existsSync, rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { SpaceReserve } from './space-reserve.ts';
import { StoreError } from '../store-error.ts';
import { companions, orUnfitFileSystem } from './store-file.ts';
import { isBusy, orWhyNoMore, storeError, toStoreError } from '../store-faults.ts';

/**
 * How long a statement waits for another process's write, milliseconds. Short, since waiting stops the whole event
 * loop; a transaction as a whole goes on waiting without stopping anything.
 */
const busyTimeout = 20;

/** Bytes that the log ahead of the store (-wal) keeps at the most once it was written back. */
const maxLogLength = 16 * 1024 * 1024;

export interface ConnectOptions {
  /** Nothing can be written by it: for processes that only read. */
  readonly?: boolean;
}

export function connect(path: string, { readonly = false }: ConnectOptions = {}): Database.Database {
  const database = new Database(path, { timeout: busyTimeout, readonly, fileMustExist: readonly });
  try {
    if (!readonly) database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    // What the log grew to while somebody read for long, as backups do, is given back.
    if (!readonly) database.pragma(`journal_size_limit = ${maxLogLength}`);
    // What a statement needs besides is not to fail for want of another disk's space.
    database.pragma('temp_store = MEMORY');
    // Functions of ours in a schema that somebody else wrote (sqlite.org/pragma.html#pragma_trusted_schema).
    database.pragma('trusted_schema = OFF');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Of a store that no process can open where it is, SQLite leaves the beginnings of its log and map. */
export async function leavingNothing<T>(path: string, run: () => Promise<T>): Promise<T> {
  const beginnings = companions.map((end) => `${path}${end}`).filter((file) => !existsSync(file));
  try {
    return await run();
  } catch (error) {
    if (error instanceof StoreError && error.fault === 'not-local')
      for (const file of beginnings) rmSync(file, { force: true });
    // Not what is there where a disk has failed just now: somebody else may have it open.
    throw orUnfitFileSystem(path, error);
  }
}

/** A node that is started again on a full disk needs some space too: for the log of the database and its map. */
export async function withRoom<T>(path: string, run: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await orStoreError(run);
    } catch (cause) {
      const reserve = new SpaceReserve(path);
      const error = orWhyNoMore(cause, reserve);
      const isFull = error instanceof StoreError && error.fault === 'full';
      if (!isFull || !reserve.release('serving')) throw error;
    }
}

export async function orStoreError<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (isBusy(error)) throw storeError('locked', error);
    throw toStoreError(error);
  }
}
