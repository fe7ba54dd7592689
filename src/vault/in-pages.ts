import { setImmediate as nextTurn } from 'node:timers/promises';

/** So many rows are read, or gone through, without a break: a few milliseconds of the event loop. */
export const pageRows = 100;

/**
 * Rows page by page, each page after the last row of the one before, until one is not full. Whoever goes through them holds
 * one page at a time in memory, and the event loop has a turn after each.
 */
export async function* inPages<Row>(
  read: (after: Row | undefined, limit: number) => Promise<Row[]>,
  limit = pageRows,
): AsyncGenerator<Row[], void, undefined> {
  for (let after: Row | undefined; ;) {
    const rows = await read(after, limit);
    if (rows.length > 0) yield rows;
    after = rows.at(-1);
    if (rows.length < limit) return;
    await nextTurn();
  }
}
