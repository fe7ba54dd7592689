import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

const texts = [
  ...['vault_id', 'key_set_id', 'external_key_id', 'operation', 'error', 'message', 'reason', 'principal'],
  ...['via_service', 'kms_operation', 'kms_key_arn', 'kms_request_id', 'address', 'first_at', 'last_at'],
];

/** Step 7: what AWS asked for that was answered with an error, a row for all of a minute that are the same. */
export const failedRequests: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    let table = any.schema
      .createTable('failed_requests')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull());
    for (const name of texts) table = table.addColumn(name, 'text', (c) => c.notNull());
    await table.addColumn('count', 'integer', (c) => c.notNull()).execute();
    // The list of a vault, newest first, and what is beyond the number that it may have.
    await any.schema
      .createIndex('failed_requests_of_vault')
      .on('failed_requests')
      .columns(['vault_id', 'last_at', 'id'])
      .execute();
    // What is too old.
    await any.schema.createIndex('failed_requests_last_at').on('failed_requests').column('last_at').execute();
  },
};
