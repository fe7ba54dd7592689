import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Step 6: how nodes were, in steps of time: tokens, leases, database, budgets and certificates, for charts and `holdfast status`. */
export const vitals: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema
      .createTable('vitals')
      .addColumn('step', 'integer', (c) => c.notNull())
      .addColumn('at', 'text', (c) => c.notNull())
      .addColumn('node_id', 'text', (c) => c.notNull())
      .addColumn('figures', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('vitals_pk', ['step', 'at', 'node_id'])
      .execute();
  },
};
