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

export async function readKeySet(
  db: Reading,
  id: string,
  revision: number,
): Promise<KeySetRecord | undefined> {
  const row = await db
    .selectFrom('key_sets')
    .select(servedColumns.key_sets)
    .where('id', '=', id)
    .where('external_key_store', '=', 1)
    .executeTakeFirst();
  return row && { own: toKeySet(row, revision) };
}

export async function readVault(db: Reading, id: string): Promise<ServedVault | undefined> {
  const vault = await db
    .selectFrom('vaults')
    .select(servedColumns.vaults)
    .where('id', '=', id)
    .executeTakeFirst();
  return vault && toVault(vault);
}

export async function readKey(
  db: Reading,
  externalKeyId: string,
  revision: number,
): Promise<CloudKey | undefined> {
  const key = await db
    .selectFrom('cloud_keys')
    .select(servedColumns.cloud_keys)
    .where('external_key_id', '=', externalKeyId)
    .executeTakeFirst();
  if (key === undefined) return undefined;
  const versions = await db
    .selectFrom('key_versions')
    .select(servedColumns.key_versions)
    .where('cloud_key_id', '=', key.id)
    .execute();
  // Whether it is served as an external key store is not the key's.
  const keySet = await db
    .selectFrom('key_sets')
    .select('vault_id')
    .where('id', '=', key.key_set_id)
    .executeTakeFirst();
  return keySet && toCloudKey(key, versions, keySet.vault_id, revision);
}

export async function readCredential(
  db: Reading,
  accessKeyId: string,
): Promise<CredentialRecord | undefined> {
  const row = await db
    .selectFrom('xks_credentials')
    .select(servedColumns.xks_credentials)
    .where('access_key_id', '=', accessKeyId)
    .where('withdrawn_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { key_set_id: keySetId, sealed_secret: sealedSecret, expires_at } = row;
  return { accessKeyId, keySetId, sealedSecret, expiresAt: toTime(expires_at) };
}
