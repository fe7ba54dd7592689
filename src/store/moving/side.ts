/** A value as both databases have it. */
export type Value = string | number | null | Buffer;
export type Row = Readonly<Record<string, Value>>;

/** One table that is moved. */
export interface MovedTable {
  name: string;
  /** Sorted. */
  columns: readonly string[];
  /** Of its primary key, in order: both databases sort by it alike. */
  key: readonly string[];
  /** Tables that it refers to. */
  refersTo: readonly string[];
}

/** One of the two stores of a move, in one transaction in which nobody else writes. */
export interface Side {
  tables: () => Promise<readonly MovedTable[]>;
  /** In the order of the key, some at a time. */
  rows: (table: MovedTable) => AsyncIterable<readonly Row[]>;
  insert: (table: MovedTable, rows: readonly Row[]) => Promise<void>;
  /** What a migration puts into a new store. */
  clear: (table: MovedTable) => Promise<void>;
  /** The number of the last audit event that there was, whether or not it is there still. */
  lastEvent: () => Promise<number>;
  setLastEvent: (last: number) => Promise<void>;
}

/** Rows that are read or written at once. */
export const batchSize = 500;

/** All but tables of Kysely's own, which say what was done to this database, and that it was moved, which its copy was not. */
export function isMoved(table: string): boolean {
  return table !== 'store_moves' && !table.startsWith('kysely_') && !table.startsWith('sqlite_');
}
