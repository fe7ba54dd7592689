import type { Reading } from '../vault/edits.ts';

/** The XKS workers of one node that serve from memory under a lease. */
export interface NodeLeases {
  workers: number;
  /** Of the lease, milliseconds; of the longest where they differ. */
  length: number;
  /** The revision that all of them have confirmed; null where one has confirmed none yet. */
  confirmed: number | null;
}

/** By the node's id. A worker that was killed is on record until somebody who takes something away has waited for its lease to end. */
export async function leasesByNode(db: Reading): Promise<ReadonlyMap<string, NodeLeases>> {
  const rows = await db
    .selectFrom('snapshot_holders')
    .select((eb) => [
      'node_id',
      eb.fn.countAll<number>().as('workers'),
      eb.fn.max('length').as('length'),
      eb.fn.min('epoch').as('epoch'),
    ])
    .groupBy('node_id')
    .execute();
  return new Map(
    rows.map(({ node_id, workers, length, epoch }) => [
      node_id,
      // None is -1.
      { workers, length, confirmed: epoch < 0 ? null : epoch },
    ]),
  );
}
