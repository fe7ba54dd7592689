import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Step 4: findings that somebody has seen and judged, a row for each thing that a finding is about. */
export const acknowledgements: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema
      .createTable('acknowledgements')
      .addColumn('vault_id', 'text', (c) => c.notNull())
      .addColumn('trouble', 'text', (c) => c.notNull())
      .addColumn('thing', 'text', (c) => c.notNull())
      .addColumn('place', 'text', (c) => c.notNull())
      .addColumn('actor_name', 'text', (c) => c.notNull())
      .addColumn('note', 'text', (c) => c.notNull())
      .addColumn('at', 'text', (c) => c.notNull())
      .addColumn('until', 'text')
      .addPrimaryKeyConstraint('acknowledgements_key', ['vault_id', 'trouble', 'thing'])
      .execute();
  },
};
