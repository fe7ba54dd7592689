import type { ChangeTransaction } from '../store/store.ts';

/** What went with a vault in one step, as far as the trail names it. */
export interface WentWithVault {
  externalKeyIds: string[];
  externalKeyStores: string[];
  kmsKeys: string[];
}

/**
 * What a room gives up of a vault that is deleted. Takes about so many rows, and answers how many: fewer than `most` where
 * none is left.
 */
export type VaultPart = (
  trx: ChangeTransaction,
  vaultId: string,
  max: number,
  went: WentWithVault,
) => Promise<number>;
