import type { Reading } from '../../vault/edits.ts';
import { VaultError } from '../../vault/vault-error.ts';

/**
 * Throws VaultError `conflict` while an external key store connects to the key set: AWS would be left with a key store that
 * nobody looks after. `what` cannot be done then.
 */
export async function checkNoStores(trx: Reading, keySetId: string, what: string): Promise<void> {
  const store = await trx
    .selectFrom('external_key_stores')
    .select(['region', 'state'])
    .where('key_set_id', '=', keySetId)
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

/** How much a vault has in AWS: it stays there when the vault is deleted. */
export interface LeftInAws {
  externalKeyStores: Counted;
  kmsKeys: Counted;
}

/** How many there are, or that there are more than so many. */
export type Counted = number | `more than ${number}`;

/** Counted so far. */
const maxCounted = 1_000;

export async function leftInAws(trx: Reading, vaultId: string): Promise<LeftInAws> {
  const stores = trx
    .selectFrom('external_key_stores')
    .select('id')
    .where('vault_id', '=', vaultId)
    .where('state', '<>', 'NOT_FOUND');
  const keys = trx
    .selectFrom('kms_keys')
    .select('id')
    .where('vault_id', '=', vaultId)
    .where('key_arn', '<>', '')
    .where('cloud_status', '<>', 'NOT_FOUND');
  return {
    externalKeyStores: counted((await stores.limit(maxCounted + 1).execute()).length),
    kmsKeys: counted((await keys.limit(maxCounted + 1).execute()).length),
  };
}

function counted(found: number): Counted {
  return found > maxCounted ? `more than ${maxCounted}` : found;
}

/** Two key sets without path prefix look the same to AWS: then a key store of the one may be taken for the other's. */
export const linkedElsewhere =
  'where it is to be this key set’s after all, take its record from the other first: holdfast external-key-store delete --forget there, then link it here; where both key sets have no path prefix, each needs an endpoint and path of its own in the AWS account and Region: give this one a path prefix while it has no CloudKeys and no credentials (holdfast key-set edit KEY-SET --path-prefix PREFIX), or make a key set that has one, or take another host name of the proxy as its endpoint';

/** Whether a record other than this one is of the external key store: of this vault, since another may say so of any id. */
export async function isLinkedElsewhere(
  db: Reading,
  vaultId: string,
  { id, region }: { id: string; region: string },
  customKeyStoreId: string,
): Promise<boolean> {
  const other = await db
    .selectFrom('external_key_stores')
    .select('id')
    .where('vault_id', '=', vaultId)
    .where('custom_key_store_id', '=', customKeyStoreId)
    .where('region', '=', region)
    .where('id', '<>', id)
    .executeTakeFirst();
  return other !== undefined;
}
