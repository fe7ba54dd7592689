import {
  PostgresDialect,
  PostgresDriver,
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type PostgresPool,
  type QueryCompiler,
  type QueryResult,
  type Transaction,
  type TransactionSettings,
} from 'kysely';
import { StoreCompiler } from './postgres-compiler.ts';
import { toStoreError } from './postgres-faults.ts';
import type { StorePool } from './pool.ts';
import type { Tables } from '../schema.ts';
import { ChangesOfTransaction } from '../served-changes.ts';
import { telling } from '../telling.ts';

/** PostgreSQL as the store uses it: Kysely's own dialect, whose connections tell what they change of what XKS workers serve by. */
export class StoreDialect extends PostgresDialect {
  protected readonly pool: StorePool;
  protected readonly changes = new WeakMap<DatabaseConnection, ChangesOfTransaction>();

  constructor(pool: StorePool) {
    super({ pool: asKysely(pool) });
    this.pool = pool;
  }

  override createDriver(): Driver {
    return new StoreDriver(this.pool, this.changes);
  }

  override createQueryCompiler(): QueryCompiler {
    return new StoreCompiler();
  }

  /** What a transaction has changed so far. */
  async changesOf(trx: Transaction<Tables>): Promise<ChangesOfTransaction> {
    const changes = await trx
      .getExecutor()
      .provideConnection(async (connection) => Promise.resolve(this.changes.get(connection)));
    if (changes === undefined) throw new Error('no transaction of this store');
    return changes;
  }
}

export class StoreDriver extends PostgresDriver {
  readonly #changes: WeakMap<DatabaseConnection, ChangesOfTransaction>;
  readonly #watched = new WeakSet<DatabaseConnection>();

  constructor(pool: StorePool, changes: WeakMap<DatabaseConnection, ChangesOfTransaction>) {
    super({ pool: asKysely(pool) });
    this.#changes = changes;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection();
    if (!this.#watched.has(connection)) {
      this.#watched.add(connection);
      this.#watch(connection);
    }
    return connection;
  }

  override async beginTransaction(
    connection: DatabaseConnection,
    settings: TransactionSettings,
  ): Promise<void> {
    await super.beginTransaction(connection, settings);
    this.#changes.set(connection, new ChangesOfTransaction());
  }

  override async releaseConnection(
    connection: Parameters<PostgresDriver['releaseConnection']>[0],
  ): Promise<void> {
    this.#changes.delete(connection);
    await super.releaseConnection(connection);
  }

  #watch(connection: DatabaseConnection): void {
    const execute = connection.executeQuery.bind(connection);
    const compiler = new StoreCompiler();
    connection.executeQuery = async <R>(query: CompiledQuery): Promise<QueryResult<R>> => {
      try {
        const changes = this.#changes.get(connection);
        return changes === undefined
          ? await execute<R>(query)
          : await telling<R>(execute, query, { compiler, changes });
      } catch (error) {
        throw toStoreError(error);
      }
    };
  }
}

/** No cursors are used: the other form of `query` is never called. */
function asKysely(pool: StorePool): PostgresPool {
  return pool as unknown as PostgresPool;
}
