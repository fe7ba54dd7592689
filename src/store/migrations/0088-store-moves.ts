import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Step 4: that a store was moved, in the one that it was moved from. */
export const storeMoves: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema
      .createTable('store_moves')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('moved_to', 'text', (c) => c.notNull())
      .addColumn('begun_at', 'text', (c) => c.notNull())
      .addColumn('ended_at', 'text')
      .execute();
  },
};
