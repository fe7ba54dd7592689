import {
  AlterTableNode,
  CompiledQuery,
  DropTableNode,
  Kysely,
  RawNode,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  type SchemableIdentifierNode,
} from 'kysely';
import { StoreDialect, StoreDriver } from './postgres-dialect.ts';
import type { StorePool } from './pool.ts';
import type { Tables } from '../schema.ts';
import { refusingFunction, translated } from './trigger-translation.ts';

/**
 * For migrations, which are written once for both databases: triggers are translated, and a table that is made anew under references to
 * it keeps them, as in SQLite.
 */
export function migratingDb(pool: StorePool): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new MigratingDialect(pool) });
}

class MigratingDialect extends StoreDialect {
  override createDriver(): Driver {
    return new MigratingDriver(this.pool, this.changes);
  }
}

interface Reference {
  table: string;
  name: string;
  definition: string;
}

class MigratingDriver extends StoreDriver {
  /** To tables that were dropped, by their names. */
  readonly #references = new Map<string, Reference[]>();
  readonly #migrating = new WeakSet<DatabaseConnection>();

  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection();
    if (this.#migrating.has(connection)) return connection;
    this.#migrating.add(connection);
    const execute = connection.executeQuery.bind(connection);
    const raw = async <R>(sql: string, parameters: unknown[] = []) =>
      execute<R>(CompiledQuery.raw(sql, parameters));
    connection.executeQuery = async <R>(query: CompiledQuery): Promise<QueryResult<R>> => {
      const node = query.query;
      if (RawNode.is(node)) {
        const statements = translated(query.sql);
        if (statements === undefined) return execute<R>(query);
        await raw(refusingFunction);
        for (const statement of statements) await raw(statement);
        return { rows: [] };
      }
      if (DropTableNode.is(node)) {
        const name = nameOf(node.table.table);
        this.#references.set(name, (await raw<Reference>(referencesTo, [name])).rows);
        return execute<R>(CompiledQuery.raw(`${query.sql} cascade`));
      }
      const result = await execute<R>(query);
      if (AlterTableNode.is(node) && node.renameTo !== undefined)
        for (const { table, name, definition } of this.#references.get(nameOf(node.renameTo.table)) ?? [])
          await raw(`ALTER TABLE ${table} ADD CONSTRAINT "${name}" ${definition}`);
      return result;
    };
    return connection;
  }
}

const referencesTo = `SELECT conrelid::regclass::text AS "table", conname AS name, pg_get_constraintdef(oid) AS definition
  FROM pg_constraint WHERE contype = 'f' AND confrelid = to_regclass($1) AND conrelid <> confrelid`;

function nameOf({ identifier }: SchemableIdentifierNode): string {
  return identifier.name;
}
