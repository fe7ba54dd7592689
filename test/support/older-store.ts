import Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { migrations } from '../../src/store/migrations.ts';

/** Makes an empty store as `holdfast init` of step 1 left it. */
export async function makeStoreOfStep1(file: string): Promise<void> {
  const db = new Kysely<never>({ dialect: new SqliteDialect({ database: new Database(file) }) });
  const first = { '0001-key-sets': migrations['0001-key-sets'] as never };
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(first) } });
  const { error } = await migrator.migrateToLatest();
  await db.destroy();
  if (error !== undefined) throw error instanceof Error ? error : new Error('the migration failed');
}

/** Takes the newest migration away from a store again, whatever it adds: as the release before has left it. */
export async function undoNewestMigration(file: string): Promise<void> {
  const scratch = new Database(':memory:');
  const db = new Kysely<never>({ dialect: new SqliteDialect({ database: scratch }) });
  let before: Made[] = [];
  for (const migration of Object.values(migrations)) {
    before = madeIn(scratch);
    await migration.up(db);
  }
  const known = new Set(before.map(({ drop }) => drop));
  const tables = new Set(before.map(({ table }) => table));
  // Columns and indexes of a new table go with it.
  const added = madeIn(scratch).filter(
    ({ drop, isTable, table }) => !known.has(drop) && (isTable || tables.has(table)),
  );
  await db.destroy();
  if (added.length === 0) throw new Error('the newest migration adds nothing that could be taken away');
  const store = new Database(file);
  for (const { drop } of added) store.exec(drop);
  store.exec('DELETE FROM kysely_migration WHERE name = (SELECT max(name) FROM kysely_migration)');
  store.close();
}

interface Made {
  table: string;
  isTable: boolean;
  /** What takes it away. */
  drop: string;
}

/** What an index or trigger is on comes after it. */
function madeIn(database: Database.Database): Made[] {
  const objects = database
    .prepare(
      `SELECT type, name, tbl_name AS "table" FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND type <> 'view'
        ORDER BY type = 'table'`,
    )
    .all() as { type: string; name: string; table: string }[];
  const columns = database
    .prepare(
      `SELECT t.name AS "table", c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'`,
    )
    .all() as { table: string; name: string }[];
  const made = ({ type, name, table }: (typeof objects)[number]): Made => ({
    table,
    isTable: type === 'table',
    drop: `DROP ${type} "${name}"`,
  });
  return [
    ...objects.filter(({ type }) => type !== 'table').map(made),
    ...columns.map(({ table, name }) => ({
      table,
      isTable: false,
      drop: `ALTER TABLE "${table}" DROP COLUMN "${name}"`,
    })),
    ...objects.filter(({ type }) => type === 'table').map(made),
  ];
}
