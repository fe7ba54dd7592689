import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Authority is read again where an act is done: when it was done and when it began are told apart. */
export const authority: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema.alterTable('audit_events').addColumn('began_at', 'text').execute();
  },
};
