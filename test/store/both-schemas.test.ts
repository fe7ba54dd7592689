import test from 'ava';
import Database from 'better-sqlite3';
import path from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { freshDatabase, sharedCluster } from '../../testing/postgres.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

/* One list of migrations makes both schemas: what the one database has of it the other has too. */

interface Table {
  columns: Record<string, { type: string; nullable: boolean; hasDefault: boolean }>;
  primaryKey: string[];
  /** In words, sorted: `unique (a, b) where c`. */
  indexes: string[];
  references: string[];
  checks: number;
}

type Schema = Record<string, Table>;

/** The words for types that both have. */
const types: Readonly<Record<string, string>> = { integer: 'bigint', blob: 'bytea' };

const isOfKysely = (table: string) => table.startsWith('kysely_');

function predicate(text: string | null | undefined): string {
  if (typeof text !== 'string') return '';
  const plain = text
    .replaceAll(/::\w+/g, '')
    .replaceAll(/[()"]/g, '')
    .replaceAll(/'(\d+)'/g, '$1')
    .replaceAll(/\s+/g, ' ');
  return ` where ${plain.trim().toLowerCase()}`;
}

function indexInWords(unique: boolean, columns: readonly string[], where: string): string {
  return `${unique ? 'unique ' : ''}(${columns.join(', ')})${where}`;
}

function ofSqlite(database: Database.Database): Schema {
  const all = <T>(sql: string, ...values: unknown[]) => database.prepare(sql).all(...values) as T[];
  const tables = all<{ name: string; sql: string }>(
    "SELECT name, sql FROM sqlite_schema WHERE type = 'table'",
  );
  const schema: Schema = {};
  for (const { name, sql } of tables.filter(
    (one) => !isOfKysely(one.name) && !one.name.startsWith('sqlite_'),
  )) {
    const columns = all<{
      name: string;
      type: string;
      notnull: number;
      dflt_value: string | null;
      pk: number;
    }>('SELECT * FROM pragma_table_info(?)', name);
    const indexes = all<{ name: string; unique: number; origin: string }>(
      'SELECT * FROM pragma_index_list(?)',
      name,
    );
    const isRowId = (column: { type: string; pk: number }) => column.pk === 1 && column.type === 'INTEGER';
    schema[name] = {
      columns: Object.fromEntries(
        columns.map((column) => {
          const type = column.type.toLowerCase();
          return [
            column.name,
            {
              type: types[type] ?? type,
              nullable: column.notnull === 0 && column.pk === 0,
              hasDefault: column.dflt_value !== null || (isRowId(column) && /autoincrement/i.test(sql)),
            },
          ];
        }),
      ),
      primaryKey: columns
        .filter(({ pk }) => pk > 0)
        .toSorted((a, b) => a.pk - b.pk)
        .map((column) => column.name),
      indexes: indexes
        .filter(({ origin }) => origin !== 'pk')
        .map((index) => {
          const named = all<{ name: string }>('SELECT name FROM pragma_index_info(?)', index.name);
          const [made] = all<{ sql: string | null }>(
            'SELECT sql FROM sqlite_schema WHERE name = ?',
            index.name,
          );
          const where = /\bwhere\b([\s\S]+)$/i.exec(made?.sql ?? '')?.[1];
          return indexInWords(
            index.unique === 1,
            named.map((column) => column.name),
            predicate(where),
          );
        })
        .toSorted(),
      references: all<{ table: string; from: string; to: string; on_delete: string }>(
        'SELECT * FROM pragma_foreign_key_list(?)',
        name,
      )
        .map(({ from, table, to, on_delete: act }) => `${from} to ${table}.${to} ${act.toLowerCase()}`)
        .toSorted(),
      checks: [...sql.matchAll(/\bcheck\b/gi)].length,
    };
  }
  return schema;
}

async function ofPostgres(database: string): Promise<Schema> {
  const cluster = await sharedCluster();
  const all = async <T extends object>(sql: string) => cluster.asSuperuser<T>(sql, database);
  const schema: Schema = {};
  const columns = await all<
    Record<'table_name' | 'column_name' | 'data_type' | 'is_nullable' | 'is_identity', string> & {
      column_default: string | null;
      collation_name: string | null;
    }
  >(
    "SELECT * FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
  );
  for (const one of columns.filter(({ table_name: table }) => !isOfKysely(table))) {
    const table = (schema[one.table_name] ??= {
      columns: {},
      primaryKey: [],
      indexes: [],
      references: [],
      checks: 0,
    });
    // Texts sort by their bytes.
    const type = one.data_type === 'text' && one.collation_name !== 'C' ? 'text in a locale' : one.data_type;
    table.columns[one.column_name] = {
      type,
      nullable: one.is_nullable === 'YES',
      hasDefault: one.column_default !== null || one.is_identity === 'YES',
    };
  }
  const indexes = await all<{
    table: string;
    unique: boolean;
    primary: boolean;
    columns: string[];
    predicate: string | null;
  }>(
    `SELECT indrelid::regclass::text AS "table", indisunique AS "unique", indisprimary AS "primary",
      pg_get_expr(indpred, indrelid) AS predicate,
      ARRAY(SELECT attname::text FROM unnest(indkey::int[]) WITH ORDINALITY AS k(n, place)
        JOIN pg_attribute ON attrelid = indrelid AND attnum = k.n ORDER BY place) AS columns
      FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = 'public'::regnamespace`,
  );
  for (const index of indexes) {
    const table = schema[index.table];
    if (table === undefined) continue;
    if (index.primary) table.primaryKey = index.columns;
    else table.indexes.push(indexInWords(index.unique, index.columns, predicate(index.predicate)));
  }
  const constraints = await all<{
    table: string;
    type: string;
    column: string;
    of: string;
    to: string;
    act: string;
  }>(
    `SELECT conrelid::regclass::text AS "table", contype AS type, confrelid::regclass::text AS "of",
      (SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1]) AS "column",
      (SELECT attname::text FROM pg_attribute WHERE attrelid = confrelid AND attnum = confkey[1]) AS "to",
      confdeltype AS act FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('f', 'c')`,
  );
  for (const { table: name, type, column, of, to, act } of constraints) {
    const table = schema[name];
    if (table === undefined) continue;
    if (type === 'c') table.checks++;
    else table.references.push(`${column} to ${of}.${to} ${act === 'c' ? 'cascade' : 'no action'}`);
  }
  for (const table of Object.values(schema)) {
    table.indexes = table.indexes.toSorted();
    table.references = table.references.toSorted();
  }
  return schema;
}

test('all migrations make the same tables, columns, keys, indexes and references in SQLite and PostgreSQL', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-schemas-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'holdfast.db');
  await (await SqliteStore.init(file)).close();
  const database = new Database(file, { readonly: true });
  const sqlite = ofSqlite(database);
  const postgres = await ofPostgres((await freshDatabase()).database);
  t.deepEqual(Object.keys(postgres).toSorted(), Object.keys(sqlite).toSorted());
  for (const [name, table] of Object.entries(sqlite)) t.deepEqual(postgres[name], table, name);
  const triggers = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
    .pluck()
    .all() as string[];
  database.close();
  const cluster = await sharedCluster();
  const made = await cluster.asSuperuser<{ name: string }>(
    "SELECT tgname AS name FROM pg_trigger WHERE NOT tgisinternal AND tgname NOT LIKE '%_all'",
    (await freshDatabase()).database,
  );
  t.deepEqual(made.map(({ name }) => name).toSorted(), triggers.toSorted());
});
