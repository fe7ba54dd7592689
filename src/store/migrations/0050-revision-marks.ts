import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * A random mark for each revision, so that a number that was used twice, since the database went back in time between, is told. In
 * the `revision` row the mark stands with the number it is of: a node of the release before moves the number alone.
 */
export const revisionMarks: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema.alterTable('revision').addColumn('mark', 'text').execute();
    await any.schema.alterTable('revision').addColumn('marked', 'bigint').execute();
    await any.schema.alterTable('served_changes').addColumn('mark', 'text').execute();
  },
};
