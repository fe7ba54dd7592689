import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * What each revision changed of what XKS workers serve by, so that a worker forgets that and no more; and indexes by which
 * what is due is found without going over what was due long ago.
 */
export const servedChanges: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    await db.schema
      .createTable('served_changes')
      .addColumn('revision', 'bigint', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('served_changes_pk', ['revision', 'kind', 'name'])
      .execute();
    for (const [name, on] of Object.entries(made)) await sql.raw(`CREATE INDEX ${name} ON ${on}`).execute(db);
  },
};

const made: Readonly<Record<string, string>> = {
  // Whether any key set has no prefix: those with one are found by `key_sets_path_prefix`.
  key_sets_without_prefix: "key_sets (external_key_store) WHERE path_prefix = ''",
  // EXPIRED keys keep their time, and so do those that are not rotated for now.
  cloud_keys_expiring: 'cloud_keys (state, expires_at) WHERE expires_at IS NOT NULL',
  cloud_keys_rotating: 'cloud_keys (state, next_rotation_at) WHERE next_rotation_at IS NOT NULL',
  cloud_keys_scheduled: 'cloud_keys (id) WHERE next_rotation_at IS NOT NULL',
};
