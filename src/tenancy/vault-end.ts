import { endCspAccounts } from '../cloud/accounts/vault-accounts.ts';
import { endKeyStores } from '../cloud/key-stores/vault-stores.ts';
import { endKmsKeys } from '../cloud/kms-keys/vault-kms-keys.ts';
import { record } from '../evidence/trail.ts';
import { endPeople } from '../identity/given-up.ts';
import { endKeySets } from '../keys/key-sets/vault-key-sets.ts';
import type { ChangeTransaction } from '../store/store.ts';
import type { Step } from '../vault/unfinished-work.ts';
import type { VaultPart, WentWithVault } from '../vault/vault-part.ts';

/** Each room gives up what is its own, in this order: what points at another thing goes before it. */
const parts: readonly VaultPart[] = [endPeople, endKmsKeys, endKeyStores, endCspAccounts, endKeySets];

/**
 * Takes away what was in a vault that is deleted: its people, its credentials, its keys, whose key objects are destroyed
 * then, and what only points at AWS. Nothing of it has served or signed anybody in since the vault was deleted.
 */
export const endVault: Step = async (trx, act, { id }, max) => {
  const went: WentWithVault = { externalKeyIds: [], externalKeyStores: [], kmsKeys: [] };
  const isOver = await takeOut(trx, id, max, went);
  const vault = await trx.selectFrom('vaults').select('name').where('id', '=', id).executeTakeFirst();
  if (Object.values(went).some(({ length }) => length > 0))
    await record(trx, act, {
      action: 'vault.delete-contents',
      vaultId: id,
      target: { kind: 'vault', id, name: vault?.name ?? '' },
      before: { ...went },
    });
  return isOver ? undefined : '';
};

/** Whether nothing is left. */
export async function takeOut(
  trx: ChangeTransaction,
  vaultId: string,
  max: number,
  went: WentWithVault,
): Promise<boolean> {
  let left = max;
  for (const part of parts) {
    left -= await part(trx, vaultId, left, went);
    if (left <= 0) return false;
  }
  return true;
}
