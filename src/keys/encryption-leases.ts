import type { Transaction } from 'kysely';
import { serves } from '../store/read-back.ts';
import type { Tables } from '../store/schema.ts';
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

/** So many versions are known at the most: those that were leased last. */
const maxKnown = 100_000;

/**
 * How far the counts of versions had come by what this process has leased. A store that has gone back in time counts on from there, and not
 * from where it was before.
 */
export class KnownCounts {
  readonly #counts = new Map<string, number>();

  /** 0 where nothing is known. */
  of(ask: LeaseAsk): number {
    return this.#counts.get(nameOf(ask)) ?? 0;
  }

  note(ask: LeaseAsk, leased: number): void {
    const name = nameOf(ask);
    const before = this.#counts.get(name) ?? 0;
    this.#counts.delete(name);
    this.#counts.set(name, Math.max(before, leased));
    for (const oldest of this.#counts.keys()) {
      if (this.#counts.size <= maxKnown) return;
      this.#counts.delete(oldest);
    }
  }
}

/** A block for each ask that still may have one, in the order of the asks; synced before anybody may use it. */
export async function leaseBlocks(
  store: Pick<Store, 'bookkeep'>,
  asks: readonly LeaseAsk[],
  known = new KnownCounts(),
): Promise<Leased[]> {
  const leased: Leased[] = asks.map(() => null);
  for (const batch of batchesOf(asks)) {
    const some = await leaseSome(
      store,
      [...batch.values()].map(({ ask }) => ask),
      known,
    );
    for (const [name, { ask, index }] of batch) {
      const count = some.get(name);
      leased[index] = count ?? null;
      if (count !== undefined) known.note(ask, count);
    }
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
  known: KnownCounts,
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
    const leased = new Map(rows.map((row) => [nameOf(row), row.leased]));
    for (const ask of asks) await countOn(trx, ask, known.of(ask) + blockSize, leased);
    return leased;
  });
}

/** As a rule the store counts at least as many. */
async function countOn(
  trx: Transaction<Tables>,
  ask: LeaseAsk,
  least: number,
  leased: Map<string, number>,
): Promise<void> {
  const name = nameOf(ask);
  const count = leased.get(name);
  if (count === undefined || count >= least) return;
  await trx
    .updateTable('key_versions')
    .set({ encryptions_leased: Math.min(least, refuseAt) })
    .where('cloud_key_id', '=', ask.cloudKeyId)
    .where('version', '=', ask.version)
    .execute();
  if (least > refuseAt) leased.delete(name);
  else leased.set(name, least);
}

function nameOf({ cloudKeyId, version }: LeaseAsk): string {
  return `${cloudKeyId}:${version}`;
}
