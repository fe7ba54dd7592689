import Database from 'better-sqlite3';

/**
 * How long a statement waits for another process's write, milliseconds. Short, since waiting stops the whole event loop;
 * the store goes on waiting without stopping anything.
 */
const busyTimeout = 20;

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
