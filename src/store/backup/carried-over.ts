import type Database from 'better-sqlite3';
import { awsWithheld } from './carried-over-aws.ts';
import { withhold, type Withheld, type Withholding } from './withheld.ts';

/**
 * Takes away in a restored store (`main`) what is taken away in the store that it replaces (`before`): the union of what
 * either forbids. What was allowed since stays as it was in the backup. People sign in as they did last, so that a password
 * that was changed, or a second factor that was lost, is good for nothing.
 */
// oxlint-disable-next-line max-lines-per-function -- one table after another
export function carryOver(database: Database.Database, now: string): Withheld[] {
  narrow(database);
  const withheld: Withheld[] = [];
  const take = (...ways: Withholding[]) => {
    for (const way of ways) for (const one of withhold(database, now, way)) withheld.push(one);
  };
  take(
    {
      kind: 'cloud-key',
      what: 'is DISABLED: it was no longer AVAILABLE',
      set: "state = 'DISABLED'",
      where: `state = 'AVAILABLE' AND ${isNot('cloud_keys', 'id', "b.state = 'AVAILABLE'")}`,
    },
    {
      kind: 'cloud-key',
      what: 'is DISABLED: it was being created, and then was no longer AVAILABLE',
      set: "state = 'DISABLED'",
      where: `state = 'CREATING' AND ${is('cloud_keys', 'id', "b.state NOT IN ('CREATING', 'AVAILABLE')")}`,
    },
    ...['frozen_at', 'appliance_frozen_at'].map((by) => ({
      kind: 'vault' as const,
      what: 'is frozen, as it was',
      set: `${by} = @now`,
      where: `${by} IS NULL AND deleted_at IS NULL AND ${isNot('vaults', 'id', `b.${by} IS NULL`)}`,
    })),
    {
      kind: 'key-set',
      what: 'is frozen: it was frozen, removed, or its vault deleted',
      set: 'frozen_at = @now',
      where: `frozen_at IS NULL AND ${isNot('key_sets', 'id', `b.frozen_at IS NULL AND b.removed_at IS NULL AND ${ofNoDeletedVault}`)}`,
    },
    {
      kind: 'xks-credential',
      what: 'is withdrawn, as it was',
      set: "withdrawn_at = @now, withdrawn_why = 'WITHDRAWN'",
      where: `withdrawn_at IS NULL AND ${isNot('xks_credentials', 'access_key_id', 'b.withdrawn_at IS NULL')}`,
    },
    {
      kind: 'user',
      what: 'is disabled: they were disabled or removed',
      set: "state = 'DISABLED'",
      where: `state = 'ACTIVE' AND ${isNot('users', 'id', `b.state = 'ACTIVE' AND ${ofNoDeletedVault}`)}`,
    },
    {
      kind: 'api-key',
      what: 'is revoked, as it was',
      set: 'revoked_at = @now',
      where: `revoked_at IS NULL AND expires_at > @now AND ${isNot('api_keys', 'id', 'b.revoked_at IS NULL')}`,
    },
    {
      kind: 'key-set',
      what: 'is of no administrative group: it was taken from the one that had it',
      set: 'admin_group_id = NULL',
      where: `admin_group_id IS NOT NULL
        AND ${is('key_sets', 'id', 'b.removed_at IS NULL AND b.admin_group_id IS NOT main.key_sets.admin_group_id')}`,
    },
  );
  database.exec(groupsOfAccounts);
  take({
    kind: 'csp-account',
    what: 'is of the administrative group that had it last',
    set: 'admin_group_id = (SELECT b.admin_group_id FROM before.csp_accounts b WHERE b.id = main.csp_accounts.id)',
    where: is('csp_accounts', 'id', 'b.admin_group_id <> main.csp_accounts.admin_group_id'),
  });
  take(...awsWithheld);
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
