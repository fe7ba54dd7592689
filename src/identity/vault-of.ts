import type { VaultContext } from '../vault/context.ts';

/** Name of a vault that is there; '' for the appliance, and for none. */
export async function vaultNameOf(context: VaultContext, vaultId: string): Promise<string> {
  if (vaultId === '') return '';
  const vault = await context.store.db
    .selectFrom('vaults')
    .select('name')
    .where('id', '=', vaultId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  return vault?.name ?? '';
}
