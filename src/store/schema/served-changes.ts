import type { Generated } from 'kysely';

/** One row. Raised by every change that an XKS worker must see; when it moved, a worker asks what was changed. */
export interface RevisionTable {
  id: number;
  revision: number;
  /** Random, of the revision `marked`: of no other, since nodes of older versions move the number alone. */
  mark: string | null;
  marked: number | null;
  /** Which store it is: of every copy of it the same, and of no other. */
  store_id: string | null;
}

/** What a revision changed of what XKS workers serve by; each of the latest revisions has a row at least. */
export interface ServedChangeTable {
  revision: number;
  kind: ServedKind | 'everything' | 'nothing';
  /** Of what was changed: see {@link ServedKind}; '' for everything and nothing. */
  name: string;
  /** Of the revision; null where a node of an older version moved it. */
  mark: string | null;
  /** JSON: what of it is taken away as of this revision (src/store/taken.ts); null where an older version does not say. */
  taken: Generated<string | null>;
}

/** A change that the store has lost, as a node knew it: the last one of each thing. What it takes away stays so until somebody has decided. */
export interface LostChangeTable extends Omit<ServedChangeTable, 'taken'> {
  /** Of the change, whichever node tells of it. */
  id: string;
  taken: string | null;
  /** The node that told of it first. */
  node_id: string;
  hostname: string;
  noticed_at: string;
  decided_at: string | null;
  /** It was done again, or the older state of the store counts. */
  decision: 'applied' | 'as-in-store' | null;
}

/**
 * What was changed, and by what it is named: a vault and a key set by their ids, a CloudKey with its versions by its external
 * key id, a credential by its access key id; `path-prefixes` has no name, since which of them are in use is one thing.
 */
export type ServedKind = 'vault' | 'key-set' | 'path-prefixes' | 'cloud-key' | 'credential';
