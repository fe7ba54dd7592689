import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * What a node shows of itself, and whether it is drained. Which process wrote the row last is told by `start`, so that two with
 * one node id see each other. `quiet_since` is when any node had been seen last before this start.
 */
export const nodesShown: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    for (const column of ['start', 'shown', 'quiet_since', 'ended_at', 'drained_at'])
      await any.schema.alterTable('nodes').addColumn(column, 'text').execute();
  },
};
