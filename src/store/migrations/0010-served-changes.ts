import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What each revision changed of what XKS workers serve by, so that a worker forgets that and no more. */
export const servedChanges: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    await db.schema
      .createTable('served_changes')
      .addColumn('revision', 'bigint', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('served_changes_pk', ['revision', 'kind', 'name'])
      .execute();
    // Whether any key set has no prefix: those with one are found by `key_sets_path_prefix`.
    await sql
      .raw("CREATE INDEX key_sets_without_prefix ON key_sets (external_key_store) WHERE path_prefix = ''")
      .execute(db);
  },
};
