import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The term of a lease stands in the WHERE clause of what is written under it: who lost it to another writes nothing. */
export const leaseTerms: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema
      .alterTable('leases')
      .addColumn('term', 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
  },
};
