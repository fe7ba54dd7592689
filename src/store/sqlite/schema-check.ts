import Database from 'better-sqlite3';
import { Kysely } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import { migrations } from '../migrations.ts';
import { MigratingDialect } from './sqlite-dialect.ts';

/*
 * The schema is code that the database runs for whoever writes: a trigger that nobody of ours made can undo a disable
 * or swallow an audit event, and everything else looks right. So it is compared, whole, with what the migrations make.
 */

interface SchemaObject {
  type: string;
  name: string;
  table: string;
  sql: string;
}

/** One that is not as the migrations make it. */
export interface SchemaDifference {
  kind: 'stranger' | 'altered' | 'missing';
  /** `trigger`, `table`, `index` or `view`. */
  type: string;
  name: string;
  table: string;
}

/** SQLite's own, made by ANALYZE and by AUTOINCREMENT; nothing else may begin so. */
const ofSqlite = new Set(['sqlite_sequence', 'sqlite_stat1', 'sqlite_stat4']);

/** By the names of the migrations that make them: computed once for each set. */
const known = new Map<string, Promise<ReadonlyMap<string, SchemaObject>>>();

/** What is not as the named migrations make it; all of it, in order of its names. */
export async function schemaDifferences(
  database: Database.Database,
  executed: readonly string[],
): Promise<SchemaDifference[]> {
  return compare(readSchema(database), await schemaOf(executed));
}

/** The schema that these migrations make. */
export async function schemaOf(executed: readonly string[]): Promise<ReadonlyMap<string, SchemaObject>> {
  const names = executed.join();
  const schema = known.get(names) ?? makeSchema(executed);
  known.set(names, schema);
  return schema;
}

/** Looks again at a schema that is known to be this one; for one transaction, without waiting. */
export function compareSchema(
  database: Database.Database,
  expected: ReadonlyMap<string, SchemaObject>,
): SchemaDifference[] {
  return compare(readSchema(database), expected);
}

export function inWords({ kind, type, name, table }: SchemaDifference): string {
  const on = type === 'table' || type === 'view' ? '' : ` on ${table}`;
  const how = { stranger: 'is not of Holdfast', altered: 'was altered', missing: 'is missing' }[kind];
  return `${type} ${name}${on} ${how}`;
}

function compare(
  found: ReadonlyMap<string, SchemaObject>,
  expected: ReadonlyMap<string, SchemaObject>,
): SchemaDifference[] {
  const differences: SchemaDifference[] = [];
  for (const [key, { type, name, table, sql }] of found) {
    const ours = expected.get(key);
    if (ours === undefined) differences.push({ kind: 'stranger', type, name, table });
    else if (ours.sql !== sql || ours.table !== table)
      differences.push({ kind: 'altered', type, name, table });
  }
  for (const [key, { type, name, table }] of expected)
    if (!found.has(key)) differences.push({ kind: 'missing', type, name, table });
  return differences.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function makeSchema(executed: readonly string[]): Promise<ReadonlyMap<string, SchemaObject>> {
  const database = new Database(':memory:');
  // As the migrations are run on a store.
  database.pragma('foreign_keys = OFF');
  const db = new Kysely<never>({
    dialect: new MigratingDialect({ database, translate: (error) => error }),
  });
  try {
    const ours: Record<string, Migration> = Object.fromEntries(
      Object.entries(migrations).filter(([name]) => executed.includes(name)),
    );
    const provider = { getMigrations: () => Promise.resolve(ours) };
    const { error } = await new Migrator({ db, provider }).migrateToLatest();
    if (error !== undefined) throw error;
    return readSchema(database);
  } finally {
    await db.destroy();
  }
}

function readSchema(database: Database.Database): Map<string, SchemaObject> {
  const rows = database
    .prepare<[], { type: string; name: string; tbl_name: string; sql: string | null }>(
      'SELECT type, name, tbl_name, sql FROM main.sqlite_schema',
    )
    .all();
  const objects = new Map<string, SchemaObject>();
  for (const { type, name, tbl_name: table, sql } of rows) {
    if (type === 'table' && ofSqlite.has(name)) continue;
    objects.set(`${type} ${name}`, { type, name, table, sql: normalised(sql ?? '') });
  }
  return objects;
}

/**
 * The same SQL however it is laid out: SQLite keeps a statement as it was written, and versions of Kysely quote and space
 * differently. What stands in quotation marks for a text stays as it is.
 */
function normalised(sql: string): string {
  const tokens =
    sql.match(/'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|[A-Za-z_][\w$]*|[^\s\w]|[\w.]+/g) ?? [];
  return tokens
    .map((token) => {
      if (token.startsWith("'")) return token;
      if (/^["`[]/.test(token)) return token.slice(1, -1).toLowerCase();
      return token.toLowerCase();
    })
    .join(' ');
}
