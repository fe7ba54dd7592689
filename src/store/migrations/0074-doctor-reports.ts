import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Step 7: what the doctor found last of an external key store, wherever it was run. */
export const doctorReports: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema
      .createTable('doctor_reports')
      .addColumn('external_key_store_id', 'text', (c) =>
        c.primaryKey().notNull().references('external_key_stores.id').onDelete('cascade'),
      )
      .addColumn('at', 'text', (c) => c.notNull())
      .addColumn('actor_name', 'text', (c) => c.notNull())
      .addColumn('hostname', 'text', (c) => c.notNull())
      .addColumn('endpoint', 'text', (c) => c.notNull())
      .addColumn('findings', 'text', (c) => c.notNull())
      .execute();
  },
};
