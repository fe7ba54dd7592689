import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Processes that serve AWS from memory under a lease: whoever takes something away waits for them (docs/revocation.md). */
export const snapshotHolders: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema
      .createTable('snapshot_holders')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('node_id', 'text', (c) => c.notNull())
      .addColumn('hostname', 'text', (c) => c.notNull())
      .addColumn('term', 'integer', (c) => c.notNull())
      .addColumn('epoch', 'integer', (c) => c.notNull())
      .addColumn('length', 'integer', (c) => c.notNull())
      .addColumn('joined_at', 'text', (c) => c.notNull())
      .execute();
  },
};
