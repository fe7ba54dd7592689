import { sql } from 'kysely';
import { rowsOf, type ClearedRows } from '../store/cleared-rows.ts';
import type { VaultContext } from '../vault/context.ts';

/** This node, as it shows itself to the others. */
export interface NodeFacts {
  id: string;
  hostname: string;
  version: string;
}

/** A node shows itself every half minute at the latest, and is thought to be down when it did not for so long, milliseconds. */
export const upFor = 60_000;

/** Says that this node lives; `startedAt` is the start of this process. */
export async function showNode(context: VaultContext, node: NodeFacts, startedAt: Date): Promise<void> {
  const { id, hostname, version } = node;
  const facts = {
    hostname,
    version,
    started_at: startedAt.toISOString(),
    last_seen_at: context.now().toISOString(),
  };
  await context.store.bookkeep('node', async (trx) => {
    await trx
      .insertInto('nodes')
      .values({ id, ...facts })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(facts))
      .execute();
  });
}

/** How many nodes have shown themselves lately. */
export async function countNodes({ store, now }: VaultContext): Promise<number> {
  const { count } = await store.db
    .selectFrom('nodes')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('last_seen_at', '>=', new Date(now().getTime() - upFor).toISOString())
    .executeTakeFirstOrThrow();
  return count;
}

/** How far ahead of the latest sign of life of any node the clock stands, milliseconds; 0 where there was none. */
export async function aheadOfLastSign({ store, now }: VaultContext): Promise<number> {
  const row = await store.db
    .selectFrom('nodes')
    .select((eb) => eb.fn.max('last_seen_at').as('last'))
    .executeTakeFirst();
  return row?.last === null || row?.last === undefined ? 0 : now().getTime() - Date.parse(row.last);
}

/** Those that were not seen since `before`, ISO 8601: no nodes of this store any more. */
export function silentNodes(before: string): ClearedRows {
  return rowsOf('nodes', sql`last_seen_at <= ${before}`);
}
