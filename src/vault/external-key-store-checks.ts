import type { Transaction } from 'kysely';
import type { Tables } from '../store/schema.ts';
import { VaultError } from './vault-error.ts';

/**
 * Throws VaultError `conflict` while an external key store connects to the key set, or is in the CSP account: AWS would
 * be left with a key store that nobody looks after. One that AWS has no more does not count. `what` cannot be done then.
 */
export async function checkNoStores(
  trx: Transaction<Tables>,
  of: { keySetId: string } | { cspAccountId: string },
  what: string,
): Promise<void> {
  const store = await trx
    .selectFrom('external_key_stores')
    .select(['name', 'region'])
    .where((eb) =>
      'keySetId' in of ? eb('key_set_id', '=', of.keySetId) : eb('csp_account_id', '=', of.cspAccountId),
    )
    .where('state', '<>', 'NOT_FOUND')
    .executeTakeFirst();
  if (store === undefined) return;
  throw new VaultError(
    'conflict',
    `${what}: an external key store in ${store.region} depends on it`,
    'delete it first (holdfast external-key-store delete), or have it forgotten with --forget',
  );
}

/** Takes the rows of external key stores away; those of KMS keys must be gone. */
export async function removeStores(
  trx: Transaction<Tables>,
  of: { keySetId: string } | { vaultId: string },
): Promise<void> {
  await trx
    .deleteFrom('external_key_stores')
    .where((eb) => ('keySetId' in of ? eb('key_set_id', '=', of.keySetId) : eb('vault_id', '=', of.vaultId)))
    .execute();
}
