import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Step 6: HSMs of a token that no member of the configuration is, and on which HSMs a version’s key object is destroyed already. */
export const hsmsNotAsked: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema
      .alterTable('replaced_tokens')
      .addColumn('kind', 'text', (c) => c.notNull().defaultTo(sql`'token'`))
      .execute();
    await any.schema.alterTable('key_versions').addColumn('gone_from', 'text').execute();
  },
};
