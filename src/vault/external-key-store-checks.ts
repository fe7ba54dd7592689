import type { Transaction } from 'kysely';
import type { Tables } from '../store/schema.ts';
import type { Reading } from './edits.ts';
import { VaultError } from './vault-error.ts';

/**
 * Throws VaultError `conflict` while an external key store connects to the key set, or is in the CSP account: AWS would
 * be left with a key store that nobody looks after. `what` cannot be done then.
 */
export async function checkNoStores(
  trx: Reading,
  of: { keySetId: string } | { cspAccountId: string },
  what: string,
): Promise<void> {
  const store = await trx
    .selectFrom('external_key_stores')
    .select(['region', 'state'])
    .where((eb) =>
      'keySetId' in of ? eb('key_set_id', '=', of.keySetId) : eb('csp_account_id', '=', of.cspAccountId),
    )
    .executeTakeFirst();
  if (store === undefined) return;
  throw new VaultError(
    'conflict',
    `${what}: an external key store in ${store.region} depends on it`,
    store.state === 'NOT_FOUND'
      ? 'AWS has it no more: holdfast external-key-store delete --forget takes the record away'
      : 'delete it first (holdfast external-key-store delete), or have it forgotten with --forget',
  );
}

/** What a vault has in AWS, by AWS's ids: it stays there when the vault is deleted. */
export interface LeftInAws {
  externalKeyStores: string[];
  kmsKeys: string[];
}

export async function leftInAws(trx: Reading, vaultId: string): Promise<LeftInAws> {
  const stores = await trx
    .selectFrom('external_key_stores')
    .select(['custom_key_store_id', 'region'])
    .where('vault_id', '=', vaultId)
    .where('state', '<>', 'NOT_FOUND')
    .execute();
  const keys = await trx
    .selectFrom('kms_keys')
    .select('key_arn')
    .where('vault_id', '=', vaultId)
    .where('key_arn', '<>', '')
    .where('cloud_status', '<>', 'NOT_FOUND')
    .execute();
  return {
    externalKeyStores: stores.map(({ custom_key_store_id, region }) => `${custom_key_store_id} ${region}`),
    kmsKeys: keys.map(({ key_arn }) => key_arn),
  };
}

/** Takes away what only points at what the vault has in AWS. */
export async function forgetAws(trx: Transaction<Tables>, vaultId: string): Promise<void> {
  await trx.deleteFrom('kms_keys').where('vault_id', '=', vaultId).execute();
  await trx.deleteFrom('external_key_stores').where('vault_id', '=', vaultId).execute();
}
