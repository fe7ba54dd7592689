import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Step 4: what lists, schedules and housekeeping look for is found by an index, also among a hundred thousand keys and
 * millions of events. Partial indexes only where the condition stands in the query as it stands here.
 */
export const indexes: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    for (const [name, on] of Object.entries(made)) await sql.raw(`CREATE INDEX ${name} ON ${on}`).execute(db);
    for (const name of replaced) await sql.raw(`DROP INDEX ${name}`).execute(db);
  },
};

const made: Readonly<Record<string, string>> = {
  reconciliations_vault: 'reconciliations (vault_id, began_at, id)',
  sessions_end: 'sessions (expires_at)',
  oidc_sign_ins_end: 'oidc_sign_ins (expires_at)',
  oidc_sign_ins_vault: 'oidc_sign_ins (vault_id)',
  api_keys_end: 'api_keys (expires_at)',
  api_keys_revoked: 'api_keys (revoked_at) WHERE revoked_at IS NOT NULL',
  recovery_codes_used: 'recovery_codes (used_at) WHERE used_at IS NOT NULL',
  idempotency_keys_made: 'idempotency_keys (created_at)',
  idempotency_keys_target: 'idempotency_keys (target_id)',
  leases_end: 'leases (until)',
  nodes_seen: 'nodes (last_seen_at, id)',
  xks_credentials_end: 'xks_credentials (expires_at) WHERE withdrawn_at IS NULL',
  xks_credentials_live: 'xks_credentials (successor) WHERE withdrawn_at IS NULL AND successor IS NOT NULL',
  key_versions_state: 'key_versions (state, cloud_key_id, version)',
  cloud_keys_state: 'cloud_keys (state, deletion_at)',
  key_sets_admin_group: 'key_sets (admin_group_id)',
  key_sets_csp_account: 'key_sets (csp_account_id)',
  csp_accounts_admin_group: 'csp_accounts (admin_group_id)',
  external_key_stores_vault: 'external_key_stores (vault_id)',
  external_key_stores_account: 'external_key_stores (csp_account_id)',
  kms_keys_external_key_store: 'kms_keys (external_key_store_id)',
  kms_keys_vault: 'kms_keys (vault_id)',
};

const replaced: readonly string[] = [];
