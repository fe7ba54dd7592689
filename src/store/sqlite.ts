import { chmodSync, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { Kysely, SqliteAdapter, SqliteDialect, type Transaction } from 'kysely';
import type { Tables } from './schema.ts';
import {
  actIn,
  isUpToDate,
  migrate,
  type Acting,
  type ActTransaction,
  type ChangeTransaction,
  type Store,
} from './store.ts';

/**
 * How long a statement waits for another process's write, milliseconds. Short, since waiting stops the whole event
 * loop of an XKS worker; {@link longestWait} goes on waiting without stopping anything.
 */
const busyTimeout = 20;
const longestWait = 5000;

/**
 * The store as one SQLite file: WAL, so that readers and the writer do not wait for each other; full sync, so that
 * what was acknowledged outlives a power cut.
 */
export class SqliteStore implements Store {
  readonly db: Kysely<Tables>;
  /** A connection of its own: `data_version` tells of commits by other connections, and must not sit in a transaction. */
  readonly #watch: Database.Database;
  readonly #dataVersion: Database.Statement<[], number>;
  readonly #readRevision: Database.Statement<[], number>;
  #seenDataVersion = -1;
  #revision = -1;

  private constructor(path: string) {
    const main = connect(path);
    this.db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: main }) });
    this.#watch = connect(path);
    this.#dataVersion = this.#watch.prepare<[], number>('PRAGMA data_version').pluck();
    this.#readRevision = this.#watch
      .prepare<[], number>('SELECT revision FROM revision WHERE id = 1')
      .pluck();
  }

  /** Creates the file (mode 0600) where it is missing and brings it up to date. */
  static async init(path: string): Promise<SqliteStore> {
    const isNew = !existsSync(path);
    const first = connect(path);
    if (isNew) chmodSync(path, 0o600);
    // Tables are made anew under references to them (sqlite.org/lang_altertable.html, "Making Other Kinds Of Table
    // Schema Changes"); that nothing refers to nowhere is looked at afterwards.
    first.pragma('foreign_keys = OFF');
    const db = new Kysely<Tables>({ dialect: new MigratingDialect({ database: first }) });
    try {
      await migrate(db);
      const dangling = first.pragma('foreign_key_check') as unknown[];
      if (dangling.length > 0)
        throw new StoreError(
          `the store at ${path} has ${dangling.length} references to nothing`,
          'restore it from a backup',
        );
    } finally {
      await db.destroy();
    }
    return new SqliteStore(path);
  }

  /** Opens an existing, up-to-date store. */
  static async open(path: string): Promise<SqliteStore> {
    if (!existsSync(path)) throw new StoreError(`there is no store at ${path}`, 'run: holdfast init');
    const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: connect(path) }) });
    let ready: boolean;
    try {
      ready = await isUpToDate(db);
    } finally {
      await db.destroy();
    }
    if (!ready) throw new StoreError(`the store at ${path} has an older schema`, 'run: holdfast init');
    return new SqliteStore(path);
  }

  revision(): number {
    const dataVersion = this.#dataVersion.get() ?? -1;
    if (dataVersion !== this.#seenDataVersion) {
      this.#revision = this.#readRevision.get() ?? -1;
      this.#seenDataVersion = dataVersion;
    }
    return this.#revision;
  }

  async change<T>(act: Acting, run: (trx: ChangeTransaction) => Promise<T>): Promise<T> {
    return this.bookkeep(async (trx) => {
      // First, so that the transaction holds the write lock from its start and never has to upgrade a read.
      await trx
        .updateTable('revision')
        .set((eb) => ({ revision: eb('revision', '+', 1) }))
        .where('id', '=', 1)
        .execute();
      return run(await actIn(trx, act));
    });
  }

  async write<T>(act: Acting, run: (trx: ActTransaction) => Promise<T>): Promise<T> {
    return this.bookkeep(async (trx) => run(await actIn(trx, act)));
  }

  async bookkeep<T>(run: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
    const until = Date.now() + longestWait;
    for (;;) {
      try {
        return await this.db.transaction().execute(run);
      } catch (error) {
        // The transaction was rolled back: it may be run again as if it had never been.
        if (!isBusy(error) || Date.now() > until) throw error;
        await delay(5 + Math.random() * 20);
      }
    }
  }

  async close(): Promise<void> {
    this.#watch.close();
    await this.db.destroy();
  }
}

/** The store cannot be used; both texts are for the operator. */
export class StoreError extends Error {
  readonly wayOut: string;

  constructor(problem: string, wayOut: string) {
    super(problem);
    this.name = 'StoreError';
    this.wayOut = wayOut;
  }
}

/** Another connection holds the write lock, or wrote what this transaction had read (SQLITE_BUSY_SNAPSHOT). */
/**
 * For migrations: SQLite takes DDL in transactions (sqlite.org/transactional.html), which Kysely does not make use of
 * unless told so. An upgrade that is killed or fails leaves the store as it was.
 */
class MigratingDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter();
  }
}

class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return code === 'SQLITE_BUSY' || code === 'SQLITE_BUSY_SNAPSHOT';
}

function connect(path: string): Database.Database {
  const database = new Database(path, { timeout: busyTimeout });
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  return database;
}
