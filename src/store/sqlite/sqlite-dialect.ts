import type Database from 'better-sqlite3';
import {
  CompiledQuery,
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
} from 'kysely';
import { keepingStatements } from './prepared-statements.ts';
import { shortTurn } from '../../turn.ts';
import { ChangesOfTransaction } from '../served-changes.ts';
import { telling } from '../telling.ts';
import type { ReadMeter } from './read-meter.ts';
import type { WriteMeter } from './write-meter.ts';

interface StoreDialectOptions {
  database: Database.Database;
  /** What is thrown instead of an error of SQLite's. */
  translate: (error: unknown) => unknown;
  meter?: WriteMeter;
  reads?: ReadMeter;
  /** Told what each transaction changes of what XKS workers serve by. */
  changes?: { current: ChangesOfTransaction | undefined };
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
    super({ database: keepingStatements(options.database) });
    this.#options = options;
    this.#changes = options.database.prepare<[], number>('SELECT total_changes()').pluck();
  }

  /** SQLite answers within the turn, so that a row of steps would be one turn: each statement or transaction begins in a short one. */
  override async acquireConnection(): Promise<DatabaseConnection> {
    await shortTurn();
    return watched(await super.acquireConnection(), this.#options);
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
    this.#options.meter?.begin(this.#changes.get() ?? 0);
    if (this.#options.changes !== undefined) this.#options.changes.current = new ChangesOfTransaction();
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await super.commitTransaction(connection);
    if (this.#options.changes !== undefined) this.#options.changes.current = undefined;
    this.#options.meter?.end(this.#changes.get() ?? 0);
  }

  /**
   * SQLite has rolled back by itself after some errors (a full disk), and says "cannot rollback" then; after others it
   * fails again at the same thing. Neither may hide what went wrong in the first place.
   */
  override async rollbackTransaction(): Promise<void> {
    const { database, meter, changes } = this.#options;
    if (changes !== undefined) changes.current = undefined;
    try {
      if (database.inTransaction) database.exec('rollback');
    } catch {
      // The error that led here is the one to tell.
    }
    meter?.end(this.#changes.get() ?? 0);
  }
}

const watchedConnections = new WeakSet<DatabaseConnection>();

/** Errors are the store's own, and each statement of a transaction tells what it changes of what XKS workers serve by. */
function watched(
  connection: DatabaseConnection,
  { translate, changes, reads }: StoreDialectOptions,
): DatabaseConnection {
  if (watchedConnections.has(connection)) return connection;
  watchedConnections.add(connection);
  const execute = connection.executeQuery.bind(connection);
  connection.executeQuery = async <R>(query: CompiledQuery): Promise<QueryResult<R>> => {
    try {
      const transaction = changes?.current;
      const result =
        transaction === undefined
          ? await execute<R>(query)
          : await telling<R>(execute, query, { compiler, changes: transaction });
      reads?.end({ sql: query.sql, parameters: query.parameters, rows: result.rows.length });
      return result;
    } catch (error) {
      throw translate(error);
    }
  };
  return connection;
}

const compiler = new SqliteQueryCompiler();
