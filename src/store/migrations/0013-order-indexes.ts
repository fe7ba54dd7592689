import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Step 4: the other lists too find their pages by an index in each of their orders: of vaults, key sets, people, CSP
 * accounts and credentials there may be ten thousand.
 */
export const orderIndexes: Migration = {
  async up(db: Kysely<never>): Promise<void> {
    for (const [name, on] of Object.entries(made)) await sql.raw(`CREATE INDEX ${name} ON ${on}`).execute(db);
    for (const name of replaced) await sql.raw(`DROP INDEX ${name}`).execute(db);
  },
};

const made: Readonly<Record<string, string>> = {
  vaults_created: 'vaults (created_at, id) WHERE deleted_at IS NULL',
  vaults_updated: 'vaults (updated_at, id) WHERE deleted_at IS NULL',
  // How many vaults use which tokens.
  vaults_tokens: 'vaults (tokens, deleted_at) WHERE deleted_at IS NULL',
  users_created: 'users (vault_id, created_at, id)',
  users_updated: 'users (vault_id, updated_at, id)',
  admin_groups_created: 'admin_groups (vault_id, created_at, id)',
  admin_groups_updated: 'admin_groups (vault_id, updated_at, id)',
  csp_accounts_created: 'csp_accounts (vault_id, created_at, id)',
  csp_accounts_updated: 'csp_accounts (vault_id, updated_at, id)',
  key_sets_created: 'key_sets (vault_id, created_at, id)',
  key_sets_updated: 'key_sets (vault_id, updated_at, id)',
  key_sets_token: 'key_sets (vault_id, token)',
  api_keys_created: 'api_keys (user_id, created_at, id)',
  api_keys_name: 'api_keys (user_id, name, id)',
  api_keys_expires: 'api_keys (user_id, expires_at, id)',
  xks_credentials_created: 'xks_credentials (key_set_id, created_at, access_key_id)',
};

const replaced: readonly string[] = ['key_sets_vault', 'api_keys_user', 'xks_credentials_key_set'];
