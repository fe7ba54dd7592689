import type { VaultPart } from '../../vault/vault-part.ts';

/** The records of a vault's KMS keys; AWS has the keys still. */
export const endKmsKeys: VaultPart = async (trx, vaultId, max, went) => {
  const keys = await trx
    .selectFrom('kms_keys')
    .select(['id', 'key_arn', 'cloud_status'])
    .where('vault_id', '=', vaultId)
    .limit(max)
    .execute();
  const ids = keys.map(({ id }) => id);
  if (ids.length > 0) await trx.deleteFrom('kms_keys').where('id', 'in', ids).execute();
  for (const { key_arn, cloud_status } of keys)
    if (key_arn !== '' && cloud_status !== 'NOT_FOUND') went.kmsKeys.push(key_arn);
  return keys.length;
};
