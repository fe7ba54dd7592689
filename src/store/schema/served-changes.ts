/** One row. Raised by every change that an XKS worker must see; when it moved, a worker asks what was changed. */
export interface RevisionTable {
  id: number;
  revision: number;
  /** Random, of the revision `marked`: of no other, since nodes of older versions move the number alone. */
  mark: string | null;
  marked: number | null;
}

/** What a revision changed of what XKS workers serve by; each of the latest revisions has a row at least. */
export interface ServedChangeTable {
  revision: number;
  kind: ServedKind | 'everything' | 'nothing';
  /** Of what was changed: see {@link ServedKind}; '' for everything and nothing. */
  name: string;
  /** Of the revision; null where a node of an older version moved it. */
  mark: string | null;
}

/**
 * What was changed, and by what it is named: a vault and a key set by their ids, a CloudKey with its versions by its external
 * key id, a credential by its access key id; `path-prefixes` has no name, since which of them are in use is one thing.
 */
export type ServedKind = 'vault' | 'key-set' | 'path-prefixes' | 'cloud-key' | 'credential';
