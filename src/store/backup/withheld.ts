import type Database from 'better-sqlite3';

/** Something that may not be used in a restored store, or not in every way, as it might by its backup. */
export interface Withheld {
  kind:
    | 'vault'
    | 'cloud-key'
    | 'key-set'
    | 'xks-credential'
    | 'user'
    | 'api-key'
    | 'csp-account'
    | 'external-key-store'
    | 'kms-key';
  vaultId: string;
  id: string;
  name: string;
  /** What became of it, in words. */
  what: string;
}

const ofKeySet = '(SELECT vault_id FROM key_sets WHERE key_sets.id = key_set_id)';
const ofUser = '(SELECT vault_id FROM users WHERE users.id = user_id)';

/** Where each kind stands, and what of it is told. */
const records: Record<Withheld['kind'], { table: string; vaultId: string; id?: string; name?: string }> = {
  vault: { table: 'vaults', vaultId: 'id' },
  'cloud-key': { table: 'cloud_keys', vaultId: ofKeySet },
  'key-set': { table: 'key_sets', vaultId: 'vault_id' },
  'xks-credential': {
    table: 'xks_credentials',
    vaultId: ofKeySet,
    id: 'access_key_id',
    name: 'access_key_id',
  },
  user: { table: 'users', vaultId: 'vault_id', name: 'username' },
  'api-key': { table: 'api_keys', vaultId: ofUser },
  'csp-account': { table: 'csp_accounts', vaultId: 'vault_id' },
  'external-key-store': { table: 'external_key_stores', vaultId: 'vault_id' },
  'kms-key': { table: 'kms_keys', vaultId: 'vault_id', name: 'alias' },
};

const withoutTime: ReadonlySet<Withheld['kind']> = new Set(['api-key', 'xks-credential']);

/** One way in which records of a kind are withheld: `set` and `where` in SQL, with the time as `@now`. */
export interface Withholding extends Pick<Withheld, 'kind' | 'what'> {
  set: string;
  where: string;
}

/** Each is a new version of its record. */
export function withhold(
  database: Database.Database,
  now: string,
  { kind, what, set, where }: Withholding,
): Withheld[] {
  const { table, vaultId, id = 'id', name = 'name' } = records[kind];
  const time = withoutTime.has(kind) ? '' : ', updated_at = @now';
  const rows = database
    .prepare<[{ now: string }], Omit<Withheld, 'kind' | 'what'>>(
      `UPDATE main.${table} SET ${set}${time}, row_version = row_version + 1 WHERE ${where}
        RETURNING ${vaultId} AS vaultId, ${id} AS id, ${name} AS name`,
    )
    .all({ now });
  return rows.map((row) => ({ kind, vaultId: row.vaultId, id: row.id, name: row.name, what }));
}
