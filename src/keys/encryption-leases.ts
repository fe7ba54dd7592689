import { serves } from '../store/read-back.ts';
import type { Store } from '../store/store.ts';
import { blockSize, refuseAt } from './encryption-limits.ts';

/** Asks for one block of encryptions with a version of a CloudKey. */
export interface LeaseAsk {
  cloudKeyId: string;
  version: number;
}

/** How many encryptions of the version are leased with this block; null where no further block may be. */
export type Leased = number | null;

/** So many are leased in one transaction. */
const rowsPerBatch = 200;

/** A block for each ask that still may have one, in the order of the asks; synced before anybody may use it. */
export async function leaseBlocks(
  store: Pick<Store, 'bookkeep'>,
  asks: readonly LeaseAsk[],
): Promise<Leased[]> {
  const leased: Leased[] = [];
  for (let from = 0; from < asks.length; from += rowsPerBatch)
    leased.push(...(await leaseSome(store, asks.slice(from, from + rowsPerBatch))));
  return leased;
}

async function leaseSome(store: Pick<Store, 'bookkeep'>, asks: readonly LeaseAsk[]): Promise<Leased[]> {
  return store.bookkeep('encryption count', async (trx) => {
    serves(trx);
    const leased: Leased[] = [];
    for (const { cloudKeyId, version } of asks) {
      const row = await trx
        .updateTable('key_versions')
        .set((eb) => ({ encryptions_leased: eb('encryptions_leased', '+', blockSize) }))
        .where('cloud_key_id', '=', cloudKeyId)
        .where('version', '=', version)
        .where('encryptions_leased', '<=', refuseAt - blockSize)
        .returning('encryptions_leased')
        .executeTakeFirst();
      leased.push(row?.encryptions_leased ?? null);
    }
    return leased;
  });
}
