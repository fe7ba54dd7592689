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

/** How much a vault has in AWS: it stays there when the vault is deleted. */
export interface LeftInAws {
  externalKeyStores: Counted;
  kmsKeys: Counted;
}

/** How many there are, or that there are more than so many. */
export type Counted = number | `more than ${number}`;

/** Counted so far. */
const mostCounted = 1_000;

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
    externalKeyStores: counted((await stores.limit(mostCounted + 1).execute()).length),
    kmsKeys: counted((await keys.limit(mostCounted + 1).execute()).length),
  };
}

function counted(found: number): Counted {
  return found > mostCounted ? `more than ${mostCounted}` : found;
}
