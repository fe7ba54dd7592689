import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Step 3: what is in AWS for a vault: how its accounts are reached, external key stores, KMS keys and their aliases. */
export const aws: Migration = {
  // oxlint-disable-next-line max-lines-per-function -- a migration as it was released
  async up(db: Kysely<never>): Promise<void> {
    const any = db as unknown as Kysely<Record<string, Record<string, unknown>>>;
    const account = async (name: string, type: 'text' | 'integer', fallback?: string | number) =>
      any.schema
        .alterTable('csp_accounts')
        .addColumn(name, type, (c) => (fallback === undefined ? c : c.notNull().defaultTo(fallback)))
        .execute();
    await account('partition', 'text', 'aws');
    await account('fips', 'integer', 0);
    await account('role_arn', 'text', '');
    await account('external_id', 'text', '');
    await account('access_key_rotation_days', 'integer');
    await account('next_access_key_rotation_at', 'text');
    await account('access_key_rotation', 'text');
    await account('access_key_rotation_known', 'text');
    await account('access_key_rotation_problem', 'text');
    await account('access_key_rotation_retry_at', 'text');
    await account('checked_at', 'text');
    await account('check_report', 'text');

    await any.schema
      .createTable('csp_access_keys')
      .addColumn('csp_account_id', 'text', (c) => c.notNull().references('csp_accounts.id'))
      .addColumn('access_key_id', 'text', (c) => c.notNull())
      .addColumn('sealed_secret', 'blob', (c) => c.notNull())
      .addColumn('sealed_token', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('origin', 'text', (c) => c.notNull())
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('csp_access_keys_key', ['csp_account_id', 'access_key_id'])
      .execute();

    await any.schema
      .createTable('external_key_stores')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('vault_id', 'text', (c) => c.notNull().references('vaults.id'))
      .addColumn('key_set_id', 'text', (c) => c.notNull().references('key_sets.id'))
      .addColumn('csp_account_id', 'text', (c) => c.references('csp_accounts.id'))
      .addColumn('region', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('custom_key_store_id', 'text', (c) => c.notNull().defaultTo(''))
      .addColumn('origin', 'text', (c) => c.notNull())
      .addColumn('connectivity', 'text', (c) => c.notNull())
      .addColumn('uri_endpoint', 'text', (c) => c.notNull())
      .addColumn('uri_path', 'text', (c) => c.notNull().defaultTo(''))
      .addColumn('vpc_endpoint_service_name', 'text', (c) => c.notNull().defaultTo(''))
      .addColumn('vpc_endpoint_service_owner', 'text', (c) => c.notNull().defaultTo(''))
      .addColumn('access_key_id', 'text', (c) => c.notNull().defaultTo(''))
      .addColumn('pending_access_key_id', 'text', (c) => c.notNull().defaultTo(''))
      .addColumn('wanted', 'text')
      .addColumn('wanted_details', 'text')
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('connection_error', 'text', (c) => c.notNull().defaultTo(''))
      .addColumn('problem', 'text')
      .addColumn('next_check_at', 'text')
      .addColumn('checked_at', 'text')
      .addColumn('row_version', 'integer', (c) => c.notNull().defaultTo(1))
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addColumn('updated_at', 'text', (c) => c.notNull())
      .addUniqueConstraint('external_key_stores_region', ['key_set_id', 'region'])
      .execute();
    await sql`CREATE INDEX external_key_stores_due ON external_key_stores (next_check_at)`.execute(any);

    await any.schema
      .createTable('kms_keys')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('vault_id', 'text', (c) => c.notNull().references('vaults.id'))
      .addColumn('cloud_key_id', 'text', (c) => c.notNull().references('cloud_keys.id'))
      .addColumn('external_key_store_id', 'text', (c) => c.notNull().references('external_key_stores.id'))
      .addColumn('region', 'text', (c) => c.notNull())
      .addColumn('origin', 'text', (c) => c.notNull())
      .addColumn('key_id', 'text', (c) => c.notNull().defaultTo(''))
      .addColumn('key_arn', 'text', (c) => c.notNull().defaultTo(''))
      .addColumn('alias', 'text', (c) => c.notNull())
      .addColumn('description', 'text', (c) => c.notNull())
      .addColumn('tags', 'text', (c) => c.notNull())
      .addColumn('policy', 'text', (c) => c.notNull())
      .addColumn('policy_source', 'text', (c) => c.notNull().defaultTo('GENERATED'))
      .addColumn('step', 'text', (c) => c.notNull())
      .addColumn('create_sent', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('search', 'text')
      .addColumn('take_alias', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('problem', 'text')
      .addColumn('attempts', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('next_attempt_at', 'text')
      .addColumn('wanted', 'text')
      .addColumn('wanted_days', 'integer')
      .addColumn('to_apply', 'text', (c) => c.notNull().defaultTo('[]'))
      .addColumn('former_aliases', 'text', (c) => c.notNull().defaultTo('[]'))
      .addColumn('cloud_wish', 'text', (c) => c.notNull().defaultTo('ENABLED'))
      .addColumn('leaving', 'text')
      .addColumn('outcome', 'text', (c) => c.notNull().defaultTo(''))
      .addColumn('cloud_status', 'text', (c) => c.notNull())
      .addColumn('cloud_status_at', 'text')
      .addColumn('seen', 'text')
      .addColumn('next_check_at', 'text')
      .addColumn('row_version', 'integer', (c) => c.notNull().defaultTo(1))
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addColumn('updated_at', 'text', (c) => c.notNull())
      .addUniqueConstraint('kms_keys_store', ['cloud_key_id', 'external_key_store_id'])
      .execute();
    await sql`CREATE INDEX kms_keys_due ON kms_keys (next_check_at)`.execute(any);
    await sql`CREATE INDEX kms_keys_attempt ON kms_keys (next_attempt_at)`.execute(any);
  },
};
