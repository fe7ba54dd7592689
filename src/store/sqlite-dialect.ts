import type Database from 'better-sqlite3';
import {
  CompiledQuery,
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
  type DatabaseConnection,
  type Driver,
} from 'kysely';
import type { WriteMeter } from './write-meter.ts';

interface StoreDialectOptions {
  database: Database.Database;
  /** What is thrown instead of an error of SQLite's. */
  translate: (error: unknown) => unknown;
  meter?: WriteMeter;
}

/**
 * SQLite as the store uses it. Every transaction takes the write lock as it begins, so that none has to upgrade a read and
 * what it has read is still so when it commits.
 */
export class StoreDialect extends SqliteDialect {
  readonly #options: StoreDialectOptions;

  constructor(options: StoreDialectOptions) {
    super({ database: options.database });
    this.#options = options;
  }

  override createDriver(): Driver {
    return new StoreDriver(this.#options);
  }
}

/**
 * For migrations: SQLite takes DDL in transactions (sqlite.org/transactional.html), which Kysely does not make use of
 * unless told so. An upgrade that is killed or fails leaves the store as it was.
 */
export class MigratingDialect extends StoreDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter();
  }
}

class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class StoreDriver extends SqliteDriver {
  readonly #options: StoreDialectOptions;
  readonly #changes: Database.Statement<[], number>;

  constructor(options: StoreDialectOptions) {
    super({ database: options.database });
    this.#options = options;
    this.#changes = options.database.prepare<[], number>('SELECT total_changes()').pluck();
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    return translating(await super.acquireConnection(), this.#options.translate);
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
    this.#options.meter?.begin(this.#changes.get() ?? 0);
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await super.commitTransaction(connection);
    this.#options.meter?.end(this.#changes.get() ?? 0);
  }

  /**
   * SQLite has rolled back by itself after some errors (a full disk), and says "cannot rollback" then; after others it
   * fails again at the same thing. Neither may hide what went wrong in the first place.
   */
  override async rollbackTransaction(): Promise<void> {
    const { database, meter } = this.#options;
    try {
      if (database.inTransaction) database.exec('rollback');
    } catch {
      // The error that led here is the one to tell.
    }
    meter?.end(this.#changes.get() ?? 0);
  }
}

const translated = new WeakSet<DatabaseConnection>();

function translating(
  connection: DatabaseConnection,
  translate: StoreDialectOptions['translate'],
): DatabaseConnection {
  if (translated.has(connection)) return connection;
  translated.add(connection);
  const execute = connection.executeQuery.bind(connection);
  connection.executeQuery = async (query, options) => {
    try {
      return await execute(query, options);
    } catch (error) {
      throw translate(error);
    }
  };
  return connection;
}
