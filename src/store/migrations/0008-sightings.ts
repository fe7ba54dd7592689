import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * When AWS had a thing made and when it showed it last: without that nobody can tell whether NotFound is an answer. Of
 * what is there already the latest time at which it can have been made stands for both.
 */
export const sightings: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    for (const name of ['create_sent_at', 'seen_at', 'written_at'])
      await any.schema.alterTable('kms_keys').addColumn(name, 'text').execute();
    for (const name of ['made_at', 'seen_at'])
      await any.schema.alterTable('external_key_stores').addColumn(name, 'text').execute();
    await any.schema
      .alterTable('csp_accounts')
      .addColumn('access_key_rotation_failures', 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
    await any
      .updateTable('kms_keys')
      .set((eb) => ({ create_sent_at: eb.ref('updated_at') }))
      .where('create_sent', '=', 1)
      .execute();
    await any
      .updateTable('kms_keys')
      .set((eb) => ({ seen_at: eb.ref('cloud_status_at') }))
      .where('cloud_status', 'not in', ['UNKNOWN', 'NOT_FOUND'])
      .execute();
    await any
      .updateTable('external_key_stores')
      .set((eb) => ({ made_at: eb.ref('created_at'), seen_at: eb.ref('checked_at') }))
      .where('custom_key_store_id', '<>', '')
      .execute();
  },
};
