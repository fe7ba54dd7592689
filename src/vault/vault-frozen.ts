import { sql, type RawBuilder } from 'kysely';
import type { Tables } from '../store/schema.ts';

/** Whether a vault is frozen as a whole, by whichever side. */
export function isVaultFrozen(vault: {
  frozen_at: string | null;
  appliance_frozen_at: string | null;
}): boolean {
  return vault.frozen_at !== null || vault.appliance_frozen_at !== null;
}

/** The same in a query, of the vault that a column names. */
export function vaultIsThawed(vaultId: `${keyof Tables}.vault_id`): RawBuilder<boolean> {
  return sql<boolean>`NOT EXISTS (SELECT 1 FROM vaults WHERE vaults.id = ${sql.ref(vaultId)}
    AND (vaults.frozen_at IS NOT NULL OR vaults.appliance_frozen_at IS NOT NULL))`;
}
