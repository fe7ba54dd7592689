import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What AWS had of a KMS key before each of our latest changes: so much it may still show, and nothing else. */
export const unshownWrites: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema
      .alterTable('kms_keys')
      .addColumn('unshown', 'text', (c) => c.notNull().defaultTo('{}'))
      .execute();
  },
};
