import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * What a change takes away stands with it, so that whoever has read of it knows that without another look; and what a store that
 * has gone back in time has lost, as the nodes knew it, until somebody has decided on it. A random mark for each renewal of a lease
 * besides: a database that has lost one shows the next in the same term.
 */
export const lostChanges: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema.alterTable('served_changes').addColumn('taken', 'text').execute();
    await any.schema.alterTable('snapshot_holders').addColumn('mark', 'text').execute();
    await any.schema
      .createTable('lost_changes')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('revision', 'bigint', (c) => c.notNull())
      .addColumn('mark', 'text')
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('taken', 'text')
      .addColumn('node_id', 'text', (c) => c.notNull())
      .addColumn('hostname', 'text', (c) => c.notNull())
      .addColumn('noticed_at', 'text', (c) => c.notNull())
      .addColumn('decided_at', 'text')
      .addColumn('decision', 'text')
      .execute();
    await any.schema
      .createIndex('lost_changes_by_time')
      .on('lost_changes')
      .columns(['noticed_at', 'id'])
      .execute();
  },
};
