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

/**
 * So many are leased in one transaction, which all who write wait for: an Encrypt that needs a block, and the acts of other nodes,
 * get between those of a worker that asks for a thousand ahead.
 */
const rowsPerBatch = 25;

/** A block for each ask that still may have one, in the order of the asks; synced before anybody may use it. */
export async function leaseBlocks(
  store: Pick<Store, 'bookkeep'>,
  asks: readonly LeaseAsk[],
): Promise<Leased[]> {
  const leased: Leased[] = asks.map(() => null);
  for (const batch of batchesOf(asks)) {
    const some = await leaseSome(
      store,
      [...batch.values()].map(({ ask }) => ask),
    );
    for (const [name, { index }] of batch) leased[index] = some.get(name) ?? null;
  }
  return leased;
}

type Batch = Map<string, { ask: LeaseAsk; index: number }>;

/** No version twice in one: a statement changes each row once, and would count one block for two asks. */
function batchesOf(asks: readonly LeaseAsk[]): Batch[] {
  const batches: Batch[] = [];
  for (const [index, ask] of asks.entries()) {
    const name = nameOf(ask);
    let batch = batches.at(-1);
    if (batch === undefined || batch.size === rowsPerBatch || batch.has(name)) {
      batch = new Map();
      batches.push(batch);
    }
    batch.set(name, { ask, index });
  }
  return batches;
}

/** In one statement; those that may have no further block are not in what it returns. */
async function leaseSome(
  store: Pick<Store, 'bookkeep'>,
  asks: readonly LeaseAsk[],
): Promise<Map<string, number>> {
  return store.bookkeep('encryption count', async (trx) => {
    serves(trx);
    const rows = await trx
      .updateTable('key_versions')
      .set((eb) => ({ encryptions_leased: eb('encryptions_leased', '+', blockSize) }))
      .where((eb) =>
        eb.or(asks.map(({ cloudKeyId, version }) => eb.and({ cloud_key_id: cloudKeyId, version }))),
      )
      .where('encryptions_leased', '<=', refuseAt - blockSize)
      .returning(['cloud_key_id as cloudKeyId', 'version', 'encryptions_leased as leased'])
      .execute();
    return new Map(rows.map((row) => [nameOf(row), row.leased]));
  });
}

function nameOf({ cloudKeyId, version }: LeaseAsk): string {
  return `${cloudKeyId}:${version}`;
}
