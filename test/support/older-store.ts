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
