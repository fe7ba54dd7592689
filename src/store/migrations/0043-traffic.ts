import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Step 6: how many requests AWS sent and how they were answered, in steps of time, for charts and `holdfast status`. And how
 * much of a version's encryptions is used is found by an index from a sixteenth of them on: for metrics.
 */
export const traffic: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema
      .createTable('traffic')
      .addColumn('step', 'integer', (c) => c.notNull())
      .addColumn('at', 'text', (c) => c.notNull())
      .addColumn('node_id', 'text', (c) => c.notNull())
      .addColumn('vault_id', 'text', (c) => c.notNull())
      .addColumn('admin_group_id', 'text', (c) => c.notNull())
      .addColumn('figures', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('traffic_pk', ['step', 'at', 'node_id', 'vault_id', 'admin_group_id'])
      .execute();
    await sql
      .raw(
        'CREATE INDEX key_versions_used ON key_versions (encryptions_leased) WHERE encryptions_leased >= 268435456',
      )
      .execute(db);
  },
};
