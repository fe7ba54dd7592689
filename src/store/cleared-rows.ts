import { sql, type RawBuilder, type Transaction } from 'kysely';
import type { Tables } from './schema.ts';
import { rowId } from './sqlite-words.ts';

/** So many rows are deleted in one transaction: some two milliseconds. */
export const clearedPerBatch = 200;

/** Rows of one kind that have served, each found by an index, and how to delete the next of them. */
export interface ClearedRows {
  /** So many at the most in one transaction. */
  max: number;
  /** Deletes so many, and answers how many there were: fewer where none is left. */
  clear: (trx: Transaction<Tables>, max: number) => Promise<number>;
}

/**
 * Those of a table by one end each, so that the index on it is walked no further than what is deleted. They are named by a
 * subquery with a LIMIT, since SQLite is not always built with DELETE ... LIMIT.
 */
export function rowsOf(table: keyof Tables, where: RawBuilder<unknown>): ClearedRows {
  return {
    max: clearedPerBatch,
    clear: async (trx, max) => {
      const found = sql`SELECT ${rowId} FROM ${sql.table(table)} WHERE ${where} LIMIT ${max}`;
      const deleted = sql`DELETE FROM ${sql.table(table)} WHERE ${rowId} IN (${found})`;
      const { numAffectedRows = 0n } = await deleted.execute(trx);
      return Number(numAffectedRows);
    },
  };
}
