import type { Generated } from 'kysely';

export interface NodeTable {
  id: string;
  hostname: string;
  version: string;
  started_at: string;
  last_seen_at: string;
  /** Of the process that wrote the row last, a UUID; null of a version that shows no more than the above. */
  start: string | null;
  /** JSON: what else it shows of itself. */
  shown: string | null;
  /** When any node had been seen last before this start, until that is compared with the clock. */
  quiet_since: string | null;
  /** It was stopped, and not killed. */
  ended_at: string | null;
  /** Since when it is to get no new work. */
  drained_at: string | null;
}

/** Work that one process of the fleet does: who holds it and until when. */
export interface LeaseTable {
  name: string;
  holder: string;
  until: string;
  /** One more each time that it is taken: what was begun in an earlier one writes nothing any more. */
  term: Generated<number>;
}

/**
 * A process that serves AWS from memory under a lease. Whoever takes something away waits until it has confirmed that, or until
 * its lease has ended (docs/revocation.md).
 */
export interface SnapshotHolderTable {
  /** Of one life of the process: never used again. */
  id: string;
  node_id: string;
  hostname: string;
  /** Moves with each renewal. */
  term: number;
  /** Random, of the last renewal; null where a node of an older version has made it. */
  mark: Generated<string | null>;
  /** The revision that it has confirmed: all requests go by it, or a later one. -1 for none. */
  epoch: number;
  /** Of its lease, milliseconds. */
  length: number;
  joined_at: string;
}
