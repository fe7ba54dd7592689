import { servedColumns } from '../store/served-changes.ts';
import type { Reading } from '../vault/edits.ts';
import {
  toCloudKey,
  toKeySet,
  toTime,
  toVault,
  type CloudKey,
  type OwnKeySet,
  type ServedVault,
} from './served-records.ts';

/*
 * What XKS workers serve by, read from the store: each thing by itself, as what is forgotten of it is told by itself, and
 * no other columns than those whose changes are told.
 */

export interface KeySetRecord {
  own: OwnKeySet;
}

/** A credential that is not withdrawn. */
export interface CredentialRecord {
  accessKeyId: string;
  keySetId: string;
  sealedSecret: Buffer;
  /** Milliseconds since the epoch; Infinity for never. */
  expiresAt: number;
}

export async function readPrefix(db: Reading, prefix: string): Promise<true | undefined> {
  const found = await db
    .selectFrom('key_sets')
    .select('id')
    // As the indexes have it.
    .where('path_prefix', prefix === '' ? '=' : '<>', '')
    .where('path_prefix', '=', prefix)
    .where('external_key_store', '=', 1)
    .limit(1)
    .executeTakeFirst();
  return found === undefined ? undefined : true;
}

/** Those of these that are in use; without ''. */
export async function readPrefixes(db: Reading, prefixes: readonly string[]): Promise<Map<string, true>> {
  const rows = await db
    .selectFrom('key_sets')
    .select('path_prefix')
    .distinct()
    .where('path_prefix', '<>', '')
    .where('path_prefix', 'in', prefixes)
    .where('external_key_store', '=', 1)
    .execute();
  return new Map(rows.map(({ path_prefix: prefix }) => [prefix, true]));
}

/** By id. */
export async function readKeySets(
  db: Reading,
  ids: readonly string[],
  revision: number,
): Promise<Map<string, KeySetRecord>> {
  const rows = await db
    .selectFrom('key_sets')
    .select(servedColumns.key_sets)
    .where('id', 'in', ids)
    .where('external_key_store', '=', 1)
    .execute();
  return new Map(rows.map((row) => [row.id, { own: toKeySet(row, revision) }]));
}

/** By id. */
export async function readVaults(db: Reading, ids: readonly string[]): Promise<Map<string, ServedVault>> {
  const rows = await db.selectFrom('vaults').select(servedColumns.vaults).where('id', 'in', ids).execute();
  return new Map(rows.map((row) => [row.id, toVault(row)]));
}

/** Those of these external key ids that there are, by them. */
export async function readKeys(
  db: Reading,
  externalKeyIds: readonly string[],
  revision: number,
): Promise<Map<string, CloudKey>> {
  const keys = await db
    .selectFrom('cloud_keys')
    .select(servedColumns.cloud_keys)
    .where('external_key_id', 'in', externalKeyIds)
    .execute();
  const read = new Map<string, CloudKey>();
  if (keys.length === 0) return read;
  const versions = await db
    .selectFrom('key_versions')
    .select(servedColumns.key_versions)
    .where(
      'cloud_key_id',
      'in',
      keys.map(({ id }) => id),
    )
    .execute();
  const versionsOf = Map.groupBy(versions, ({ cloud_key_id: id }) => id);
  // Whether they are served as external key stores is not the keys'.
  const keySets = await db
    .selectFrom('key_sets')
    .select(['id', 'vault_id'])
    .where('id', 'in', [...new Set(keys.map(({ key_set_id: id }) => id))])
    .execute();
  const vaultOf = new Map(keySets.map(({ id, vault_id: vault }) => [id, vault]));
  for (const row of keys) {
    const vaultId = vaultOf.get(row.key_set_id);
    const key =
      vaultId === undefined ? undefined : toCloudKey(row, versionsOf.get(row.id) ?? [], vaultId, revision);
    if (key !== undefined) read.set(row.external_key_id, key);
  }
  return read;
}

/** External key ids of those that were last asked to encrypt since a moment (ISO 8601), by any node; the latest first. */
export async function readKeysInUse(db: Reading, since: string, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('uses')
    .innerJoin('cloud_keys', 'cloud_keys.id', 'uses.id')
    .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
    .select('external_key_id')
    .where('uses.kind', '=', 'encrypt')
    .where('uses.last_at', '>=', since)
    .where('cloud_keys.state', '=', 'AVAILABLE')
    .where('key_sets.external_key_store', '=', 1)
    .orderBy('uses.last_at', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ external_key_id: id }) => id);
}

/** By access key id. */
export async function readCredentials(
  db: Reading,
  accessKeyIds: readonly string[],
): Promise<Map<string, CredentialRecord>> {
  const rows = await db
    .selectFrom('xks_credentials')
    .select(servedColumns.xks_credentials)
    .where('access_key_id', 'in', accessKeyIds)
    .where('withdrawn_at', 'is', null)
    .execute();
  return new Map(
    rows.map(
      ({ access_key_id: accessKeyId, key_set_id: keySetId, sealed_secret: sealedSecret, expires_at }) => [
        accessKeyId,
        { accessKeyId, keySetId, sealedSecret, expiresAt: toTime(expires_at) },
      ],
    ),
  );
}

/** Ids of key sets that are external key stores, after one. */
export async function listKeySets(db: Reading, after: string, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('key_sets')
    .select('id')
    .where('id', '>', after)
    .where('external_key_store', '=', 1)
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}

/** Access key ids that are not withdrawn, after one. */
export async function listCredentials(db: Reading, after: string, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('xks_credentials')
    .select('access_key_id')
    .where('access_key_id', '>', after)
    .where('withdrawn_at', 'is', null)
    .orderBy('access_key_id')
    .limit(limit)
    .execute();
  return rows.map(({ access_key_id: id }) => id);
}

/** External key ids of keys of external key stores that may be used, after one. */
export async function listKeys(db: Reading, after: string, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('cloud_keys')
    .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
    .select('external_key_id')
    .where('external_key_id', '>', after)
    .where('cloud_keys.state', '=', 'AVAILABLE')
    .where('key_sets.external_key_store', '=', 1)
    .orderBy('external_key_id')
    .limit(limit)
    .execute();
  return rows.map(({ external_key_id: id }) => id);
}

/** Access key ids of a token's credentials that are neither withdrawn nor expired. */
export async function listLiveCredentials(
  db: Reading,
  token: string,
  now: Date,
  limit: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom('xks_credentials')
    .innerJoin('key_sets', 'key_sets.id', 'xks_credentials.key_set_id')
    .select('access_key_id')
    .where('withdrawn_at', 'is', null)
    .where((eb) =>
      eb.or([
        eb('xks_credentials.expires_at', 'is', null),
        eb('xks_credentials.expires_at', '>', now.toISOString()),
      ]),
    )
    .where('key_sets.external_key_store', '=', 1)
    .where('key_sets.token', '=', token)
    .limit(limit)
    .execute();
  return rows.map(({ access_key_id: id }) => id);
}
