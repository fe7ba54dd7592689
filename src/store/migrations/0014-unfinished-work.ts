import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * What an act has begun and the schedule works off in steps, since it may be thousands of rows: the end of a vault, the
 * removal of a key set, the due times of a new rotation schedule.
 */
export const unfinishedWork: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema
      .createTable('unfinished_work')
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('id', 'text', (c) => c.notNull())
      .addColumn('after', 'text', (c) => c.notNull())
      .addColumn('began_at', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('unfinished_work_pk', ['kind', 'id'])
      .execute();
    await any.schema.alterTable('key_sets').addColumn('removed_at', 'text').execute();
    for (const [name, on] of Object.entries(made)) await sql.raw(`CREATE INDEX ${name} ON ${on}`).execute(db);
  },
};

const made: Readonly<Record<string, string>> = {
  // Those that a vault's end has still to come to.
  key_sets_left: 'key_sets (vault_id, id) WHERE removed_at IS NULL',
  // Whether any key of a key set is in use, and in the order that a schedule is planned in.
  cloud_keys_in_state: 'cloud_keys (key_set_id, state, expires_at)',
};
