import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Step 7: what one request of the management API did, by the id that its answer and the log have. */
export const auditRequests: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    await any.schema
      .createIndex('audit_events_request')
      .on('audit_events')
      .columns(['vault_id', 'request_id', 'at'])
      .execute();
  },
};
