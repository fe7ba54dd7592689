import type { Transaction } from 'kysely';
import { restricts } from '../../store/read-back.ts';
import type { Tables } from '../../store/schema.ts';
import type { ChangeTransaction } from '../../store/store.ts';
import { bumpRecords } from '../../vault/edit-record.ts';
import type { VaultPart, WentWithVault } from '../../vault/vault-part.ts';

/** Its key sets with their credentials and CloudKeys. */
export const endKeySets: VaultPart = async (trx, vaultId, max, went) => {
  let left = max;
  while (left > 0) {
    const keySet = await trx
      .selectFrom('key_sets')
      .select('id')
      .where('vault_id', '=', vaultId)
      .where('removed_at', 'is', null)
      .executeTakeFirst();
    if (keySet === undefined) break;
    left -= await withdrawCredentials(trx, keySet.id, left);
    if (left > 0) left -= await endKeys(trx, keySet.id, left, went);
    if (left <= 0) break;
    await closeKeySet(trx, keySet.id);
    left--;
  }
  return max - left;
};

async function withdrawCredentials(trx: ChangeTransaction, keySetId: string, max: number): Promise<number> {
  const live = await trx
    .selectFrom('xks_credentials')
    .select('access_key_id')
    .where('key_set_id', '=', keySetId)
    .where('withdrawn_at', 'is', null)
    .limit(max)
    .execute();
  const ids = live.map(({ access_key_id }) => access_key_id);
  if (ids.length === 0) return 0;
  const withdrawn = { withdrawn_at: trx.at.toISOString(), withdrawn_why: 'WITHDRAWN' } as const;
  await bumpRecords(trx, 'xks_credentials', ids, withdrawn);
  restricts(trx, 'the end of the vault', async () => {
    const left = await trx
      .selectFrom('xks_credentials')
      .select('access_key_id')
      .where('access_key_id', 'in', ids)
      .where('withdrawn_at', 'is', null)
      .executeTakeFirst();
    return left === undefined;
  });
  return ids.length;
}

/** Tombstones keep the external key ids. Answers how many rows were written: of keys, and of their versions. */
async function endKeys(
  trx: ChangeTransaction,
  keySetId: string,
  max: number,
  went: WentWithVault,
): Promise<number> {
  const maxKeys = Math.ceil(max / 2);
  const keys = await trx
    .selectFrom('cloud_keys')
    .select(['id', 'external_key_id'])
    .where('key_set_id', '=', keySetId)
    .where('state', '<>', 'DELETED')
    .limit(maxKeys)
    .execute();
  if (keys.length === 0) return 0;
  const ids = keys.map(({ id }) => id);
  const doomed = await doom(trx, ids, max);
  // They may have more versions: then they end when those are done.
  if (doomed >= max) return max;
  await end(trx, ids);
  went.externalKeyIds.push(...keys.map(({ external_key_id }) => external_key_id));
  return keys.length >= maxKeys ? max : keys.length + doomed;
}

/** Their key objects are destroyed by the work that also ends scheduled deletions. */
async function doom(trx: Transaction<Tables>, keyIds: readonly string[], max: number): Promise<number> {
  const living = await trx
    .selectFrom('key_versions')
    .select(['cloud_key_id', 'version'])
    .where('cloud_key_id', 'in', keyIds)
    .where('state', 'in', ['PENDING', 'ACTIVE'])
    .limit(max)
    .execute();
  const doomed = trx
    .updateTable('key_versions')
    .set({ state: 'DESTROYING' })
    .where('state', 'in', ['PENDING', 'ACTIVE']);
  if (living.length < max) await doomed.where('cloud_key_id', 'in', keyIds).execute();
  else
    for (const [id, of] of Map.groupBy(living, ({ cloud_key_id }) => cloud_key_id))
      await doomed
        .where('cloud_key_id', '=', id)
        .where(
          'version',
          'in',
          of.map(({ version }) => version),
        )
        .execute();
  return living.length;
}

async function end(trx: ChangeTransaction, ids: readonly string[]): Promise<void> {
  await bumpRecords(trx, 'cloud_keys', ids, {
    state: 'DELETED',
    deletion_at: null,
    deleted_at: trx.at.toISOString(),
    next_rotation_at: null,
  });
  restricts(trx, 'the end of the vault', async () => {
    const left = await trx
      .selectFrom('cloud_keys')
      .select('id')
      .where('id', 'in', ids)
      .where('state', '<>', 'DELETED')
      .executeTakeFirst();
    return left === undefined;
  });
}

async function closeKeySet(trx: ChangeTransaction, id: string): Promise<void> {
  await bumpRecords(trx, 'key_sets', [id], {
    external_key_store: 0,
    // It may be given to another key set.
    path_prefix: '',
    removed_at: trx.at.toISOString(),
  });
}
