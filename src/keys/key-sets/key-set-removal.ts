import type { ChangeTransaction } from '../../store/store.ts';
import { removeCredentials } from '../credentials/credential-records.ts';
import { bumpRecord } from '../../vault/edit-record.ts';
import { remediationOfKeyObjects } from './key-set-checks.ts';
import type { KeySet } from './key-set-records.ts';
import type { Step } from '../../vault/unfinished-work.ts';
import { VaultError } from '../../vault/vault-error.ts';

/**
 * From now on nobody sees the key set or what was in it, AWS is not served from it, and its name and path prefix may be
 * given to another; {@link removeKeySet} takes its rows away.
 */
export async function hideKeySet(trx: ChangeTransaction, keySet: KeySet): Promise<void> {
  await bumpRecord(trx, 'key_sets', keySet, {
    removed_at: trx.at.toISOString(),
    // No key set may be called so.
    name: `removed ${keySet.id}`,
    external_key_store: 0,
    path_prefix: '',
    admin_group_id: null,
    csp_account_id: null,
  });
}

/**
 * Takes the rows of a key set away, with the tombstones of its CloudKeys, whose external key ids stay spent, and its
 * withdrawn credentials. What is in the token must be gone already. Throws VaultError `conflict` where it is not.
 */
export const removeKeySet: Step = async (trx, _act, { id }, max) => {
  // Of each its version, that its id is spent, and how it was used.
  const maxKeys = Math.ceil(max / 4);
  const keys = await removeTombstones(trx, id, maxKeys, max);
  if (keys >= maxKeys) return '';
  const credentials = await trx
    .selectFrom('xks_credentials')
    .select('access_key_id')
    .where('key_set_id', '=', id)
    .limit(max)
    .execute();
  const ids = credentials.map(({ access_key_id }) => access_key_id);
  await removeCredentials(trx, ids);
  if (ids.length >= max) return '';
  await trx.deleteFrom('key_sets').where('id', '=', id).execute();
  return undefined;
};

/** Answers how many went, or were begun with; fewer than `maxKeys` where none is left. */
async function removeTombstones(
  trx: ChangeTransaction,
  keySetId: string,
  maxKeys: number,
  maxVersions: number,
): Promise<number> {
  const keys = await trx
    .selectFrom('cloud_keys')
    .select(['id', 'external_key_id'])
    .where('key_set_id', '=', keySetId)
    .limit(maxKeys)
    .execute();
  if (keys.length === 0) return 0;
  const ids = keys.map(({ id }) => id);
  const versions = await trx
    .selectFrom('key_versions')
    .select(['cloud_key_id', 'version', 'state'])
    .where('cloud_key_id', 'in', ids)
    .limit(maxVersions)
    .execute();
  if (versions.some(({ state }) => state !== 'DESTROYED'))
    throw new VaultError(
      'conflict',
      'it cannot be deleted: key objects of its deleted CloudKeys are still in the token',
      remediationOfKeyObjects,
    );
  if (versions.length >= maxVersions) {
    // There may be more of them: the keys themselves go when none is left.
    for (const [id, of] of Map.groupBy(versions, ({ cloud_key_id }) => cloud_key_id))
      await trx
        .deleteFrom('key_versions')
        .where('cloud_key_id', '=', id)
        .where(
          'version',
          'in',
          of.map(({ version }) => version),
        )
        .execute();
    return maxKeys;
  }
  await trx.deleteFrom('key_versions').where('cloud_key_id', 'in', ids).execute();
  const spent_at = trx.at.toISOString();
  await trx
    .insertInto('spent_external_keys')
    .values(keys.map(({ id, external_key_id }) => ({ external_key_id, cloud_key_id: id, spent_at })))
    .execute();
  await trx
    .deleteFrom('uses')
    // By all of its primary key: `id` alone has no index.
    .where('kind', 'in', ['encrypt', 'decrypt'])
    .where('id', 'in', ids)
    .execute();
  await trx.deleteFrom('cloud_keys').where('id', 'in', ids).execute();
  return keys.length;
}
