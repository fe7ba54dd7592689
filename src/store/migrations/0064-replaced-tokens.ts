import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Step 6: tokens that another took the place of, and the versions whose key objects were left in them. */
export const replacedTokens: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema
      .createTable('replaced_tokens')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('token', 'text', (c) => c.notNull())
      .addColumn('serials', 'text', (c) => c.notNull())
      .addColumn('replaced_at', 'text', (c) => c.notNull())
      .addColumn('erased_at', 'text')
      .execute();
    await any.schema
      .createIndex('replaced_tokens_of_name')
      .on('replaced_tokens')
      .columns(['token', 'replaced_at', 'id'])
      .execute();
    await any.schema.alterTable('key_versions').addColumn('left_in', 'text').execute();
    await sql
      .raw('CREATE INDEX key_versions_left ON key_versions (left_in) WHERE left_in IS NOT NULL')
      .execute(db);
  },
};
