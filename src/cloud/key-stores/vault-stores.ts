import type { VaultPart } from '../../vault/vault-part.ts';

/** The records of a vault's external key stores, once those of its KMS keys are gone; AWS has the key stores still. */
export const endKeyStores: VaultPart = async (trx, vaultId, max, went) => {
  const stores = await trx
    .selectFrom('external_key_stores')
    .select(['id', 'custom_key_store_id', 'region', 'state'])
    .where('vault_id', '=', vaultId)
    .limit(max)
    .execute();
  const ids = stores.map(({ id }) => id);
  if (ids.length > 0) await trx.deleteFrom('external_key_stores').where('id', 'in', ids).execute();
  for (const { custom_key_store_id, region, state } of stores)
    if (state !== 'NOT_FOUND') went.externalKeyStores.push(`${custom_key_store_id} ${region}`);
  return stores.length;
};
