import type Database from 'better-sqlite3';
import { carryOverAws } from './carried-over-aws.ts';
import { withhold, type Withheld } from './withheld.ts';

/**
 * Takes away in a restored store (`main`) what is taken away in the store that it replaces (`before`): the union of what
 * either forbids. What was allowed since stays as it was in the backup. People sign in as they did last, so that a password
 * that was changed, or a second factor that was lost, is good for nothing.
 */
export function carryOver(database: Database.Database, now: string): Withheld[] {
  narrow(database);
  const withheld: Withheld[] = [];
  const take = (kind: Withheld['kind'], what: string, sql: string) => {
    for (const one of withhold(database, now, { kind, what, sql })) withheld.push(one);
  };
  take(
    'cloud-key',
    'is DISABLED: it was not AVAILABLE any more',
    `UPDATE cloud_keys SET state = 'DISABLED', updated_at = @now, row_version = row_version + 1
      WHERE state = 'AVAILABLE' AND ${isNot('cloud_keys', 'id', "b.state = 'AVAILABLE'")}
      RETURNING (SELECT vault_id FROM key_sets WHERE key_sets.id = key_set_id) AS vaultId, id, name`,
  );
  take(
    'cloud-key',
    'is DISABLED: it was being made, and then was not AVAILABLE any more',
    `UPDATE cloud_keys SET state = 'DISABLED', updated_at = @now, row_version = row_version + 1
      WHERE state = 'CREATING' AND ${is('cloud_keys', 'id', "b.state NOT IN ('CREATING', 'AVAILABLE')")}
      RETURNING (SELECT vault_id FROM key_sets WHERE key_sets.id = key_set_id) AS vaultId, id, name`,
  );
  for (const by of ['frozen_at', 'appliance_frozen_at'])
    take(
      'vault',
      'is frozen, as it was',
      `UPDATE vaults SET ${by} = @now, updated_at = @now, row_version = row_version + 1
        WHERE ${by} IS NULL AND deleted_at IS NULL AND ${isNot('vaults', 'id', `b.${by} IS NULL`)}
        RETURNING id AS vaultId, id, name`,
    );
  take(
    'key-set',
    'is frozen: it was frozen, removed, or its vault deleted',
    `UPDATE key_sets SET frozen_at = @now, updated_at = @now, row_version = row_version + 1
      WHERE frozen_at IS NULL AND ${isNot('key_sets', 'id', `b.frozen_at IS NULL AND b.removed_at IS NULL AND ${ofNoDeletedVault}`)}
      RETURNING vault_id AS vaultId, id, name`,
  );
  take(
    'xks-credential',
    'is withdrawn, as it was',
    `UPDATE xks_credentials SET withdrawn_at = @now, withdrawn_why = 'WITHDRAWN', row_version = row_version + 1
      WHERE withdrawn_at IS NULL AND ${isNot('xks_credentials', 'access_key_id', 'b.withdrawn_at IS NULL')}
      RETURNING (SELECT vault_id FROM key_sets WHERE key_sets.id = key_set_id) AS vaultId, access_key_id AS id,
        access_key_id AS name`,
  );
  take(
    'user',
    'is disabled: they were disabled or removed',
    `UPDATE users SET state = 'DISABLED', updated_at = @now, row_version = row_version + 1
      WHERE state = 'ACTIVE' AND ${isNot('users', 'id', `b.state = 'ACTIVE' AND ${ofNoDeletedVault}`)}
      RETURNING vault_id AS vaultId, id, username AS name`,
  );
  take(
    'api-key',
    'is revoked, as it was',
    `UPDATE api_keys SET revoked_at = @now, row_version = row_version + 1
      WHERE revoked_at IS NULL AND expires_at > @now AND ${isNot('api_keys', 'id', 'b.revoked_at IS NULL')}
      RETURNING (SELECT vault_id FROM users WHERE users.id = user_id) AS vaultId, id, name`,
  );
  take(
    'key-set',
    'is of no administrative group: it was taken from the one that had it',
    `UPDATE key_sets SET admin_group_id = NULL, updated_at = @now, row_version = row_version + 1
      WHERE admin_group_id IS NOT NULL
        AND ${is('key_sets', 'id', 'b.removed_at IS NULL AND b.admin_group_id IS NOT main.key_sets.admin_group_id')}
      RETURNING vault_id AS vaultId, id, name`,
  );
  database.exec(groupsOfAccounts);
  take(
    'csp-account',
    'is of the administrative group that had it last',
    `UPDATE csp_accounts SET updated_at = @now, row_version = row_version + 1,
        admin_group_id = (SELECT b.admin_group_id FROM before.csp_accounts b WHERE b.id = main.csp_accounts.id)
      WHERE ${is('csp_accounts', 'id', 'b.admin_group_id <> main.csp_accounts.admin_group_id')}
      RETURNING vault_id AS vaultId, id, name`,
  );
  for (const one of carryOverAws(database, now)) withheld.push(one);
  return withheld;
}

/** An account has a group always: one that was made since is there again, without members. Its name may be another's here. */
const groupsOfAccounts = `
  INSERT INTO main.admin_groups (id, vault_id, name, description, created_at, updated_at)
    SELECT b.id, b.vault_id, CASE WHEN EXISTS (SELECT 1 FROM main.admin_groups m
        WHERE m.vault_id = b.vault_id AND m.name = b.name) THEN b.id ELSE b.name END, b.description, b.created_at, b.updated_at
      FROM before.admin_groups b
      WHERE b.id NOT IN (SELECT id FROM main.admin_groups) AND b.id IN (SELECT c.admin_group_id
        FROM before.csp_accounts c JOIN main.csp_accounts a ON a.id = c.id)`;

/** What a deletion leaves of a vault goes in steps: its rows may look as before for a while. */
const ofNoDeletedVault =
  'NOT EXISTS (SELECT 1 FROM before.vaults v WHERE v.id = b.vault_id AND v.deleted_at IS NOT NULL)';

/** The replaced store has the same id in a row that is `so`. */
function is(table: string, id: string, so: string): string {
  return `EXISTS (SELECT 1 FROM before.${table} b WHERE b.${id} = main.${table}.${id} AND (${so}))`;
}

/** No row of the replaced store has the same id and is `so`. */
function isNot(table: string, id: string, so: string): string {
  return `NOT EXISTS (SELECT 1 FROM before.${table} b WHERE b.${id} = main.${table}.${id} AND ${so})`;
}

/** AWS may have a KMS key with it: it is never given again. The id of a key that is here is spent when that is removed. */
const spentSince = `
  INSERT OR IGNORE INTO main.spent_external_keys (external_key_id, cloud_key_id, spent_at)
    SELECT external_key_id, id, updated_at FROM before.cloud_keys b WHERE ${isOfNoKey()}
    UNION ALL SELECT external_key_id, cloud_key_id, spent_at FROM before.spent_external_keys b WHERE ${isOfNoKey()}`;

function isOfNoKey(): string {
  return 'NOT EXISTS (SELECT 1 FROM main.cloud_keys a WHERE a.external_key_id = b.external_key_id)';
}

const ofPeople = [
  'role',
  'sign_in',
  'password_hash',
  'must_change_password',
  'password_changed_at',
  'failures',
  'locked_until',
  'totp_sealed',
  'totp_enrolment',
  'totp_token',
  'totp_state',
  'totp_last_step',
  'oidc_subject',
].join(', ');

/** What may still be done, in fewer ways or for a shorter time. */
function narrow(database: Database.Database): void {
  const earlier = (table: string, id: string) =>
    `UPDATE main.${table} SET expires_at = b.expires_at FROM before.${table} b WHERE b.${id} = main.${table}.${id}
      AND b.expires_at IS NOT NULL AND (main.${table}.expires_at IS NULL OR b.expires_at < main.${table}.expires_at)`;
  database.exec(`
    ${earlier('cloud_keys', 'id')};
    ${earlier('xks_credentials', 'access_key_id')};
    ${earlier('api_keys', 'id')};
    UPDATE main.cloud_keys SET can_encrypt = min(main.cloud_keys.can_encrypt, b.can_encrypt),
        can_decrypt = min(main.cloud_keys.can_decrypt, b.can_decrypt)
      FROM before.cloud_keys b WHERE b.id = main.cloud_keys.id;
    UPDATE main.key_sets SET external_key_store = min(main.key_sets.external_key_store, b.external_key_store)
      FROM before.key_sets b WHERE b.id = main.key_sets.id;
    UPDATE main.api_keys SET scope = b.scope FROM before.api_keys b WHERE b.id = main.api_keys.id;
    UPDATE main.users SET (${ofPeople}) = (SELECT ${ofPeople} FROM before.users b WHERE b.id = main.users.id)
      WHERE EXISTS (SELECT 1 FROM before.users b WHERE b.id = main.users.id);
    DELETE FROM main.recovery_codes;
    INSERT INTO main.recovery_codes SELECT * FROM before.recovery_codes WHERE user_id IN (SELECT id FROM main.users);
    DELETE FROM main.admin_group_members WHERE NOT EXISTS (SELECT 1 FROM before.admin_group_members b
      WHERE b.group_id = main.admin_group_members.group_id AND b.user_id = main.admin_group_members.user_id);
    DELETE FROM main.oidc_providers;
    INSERT INTO main.oidc_providers SELECT * FROM before.oidc_providers
      WHERE vault_id = '' OR vault_id IN (SELECT id FROM main.vaults);
    ${spentSince};
  `);
}
