import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Step 1: key sets, CloudKeys, credentials. Never edited once released. */
export const keySets: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    await db.schema
      .createTable('revision')
      .addColumn('id', 'integer', (c) => c.primaryKey())
      .addColumn('revision', 'bigint', (c) => c.notNull())
      .execute();
    await (db as unknown as Kysely<{ revision: { id: number; revision: number } }>)
      .insertInto('revision')
      .values({ id: 1, revision: 1 })
      .execute();
    await db.schema
      .createTable('key_sets')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull().unique())
      .addColumn('description', 'text', (c) => c.notNull())
      .addColumn('token', 'text', (c) => c.notNull())
      .addColumn('path_prefix', 'text', (c) => c.notNull())
      .addColumn('created_at', 'text', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('key_sets_path_prefix').on('key_sets').column('path_prefix').execute();
    await db.schema
      .createTable('cloud_keys')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('key_set_id', 'text', (c) => c.notNull().references('key_sets.id'))
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('description', 'text', (c) => c.notNull())
      .addColumn('external_key_id', 'text', (c) => c.notNull().unique())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('can_encrypt', 'integer', (c) => c.notNull())
      .addColumn('can_decrypt', 'integer', (c) => c.notNull())
      .addColumn('current_version', 'integer', (c) => c.notNull())
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addColumn('updated_at', 'text', (c) => c.notNull())
      .addUniqueConstraint('cloud_keys_name', ['key_set_id', 'name'])
      .execute();
    await db.schema
      .createTable('key_versions')
      .addColumn('cloud_key_id', 'text', (c) => c.notNull().references('cloud_keys.id'))
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('object_id', 'blob', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('origin', 'text', (c) => c.notNull())
      .addColumn('encryptions_leased', 'bigint', (c) => c.notNull().defaultTo(0))
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('key_versions_pk', ['cloud_key_id', 'version'])
      .execute();
    await db.schema
      .createTable('xks_credentials')
      .addColumn('access_key_id', 'text', (c) => c.primaryKey())
      .addColumn('key_set_id', 'text', (c) => c.notNull().references('key_sets.id'))
      .addColumn('sealed_secret', 'blob', (c) => c.notNull())
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addColumn('withdrawn_at', 'text')
      .execute();
  },
};
