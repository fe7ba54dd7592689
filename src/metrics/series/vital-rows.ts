import type { Transaction } from 'kysely';
import type { Tables } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import { inSteps } from './in-steps.ts';
import type { Asked, Kept, SeriesKind, Write } from './series-kind.ts';
import { addVitals, emptyVitals, readVitals, type VitalCell } from './vital-cell.ts';

/** Of all nodes, or of the one with this id. */
export type VitalScope = 'all' | { nodeId: string };

/** So many are deleted with each write. */
const clearedAtOnce = 500;

/** A node tells of itself as a whole. */
type Itself = 'node';
const form = { nameOf: (of: Itself): string => of, empty: emptyVitals, add: addVitals };

/** How nodes are, each by what it finds. */
export function vitalKind(
  store: Pick<Store, 'db' | 'bookkeep'>,
  ownId: string,
): SeriesKind<Itself, VitalCell, VitalScope> {
  return {
    ...form,
    maxInDetail: 1,
    others: 'node',
    everything: 'all',
    isIn: (scope, nodeId) => scope === 'all' || scope.nodeId === nodeId,
    read: async (asked) => readRows(store, asked),
    write: async (writes, now) =>
      store.bookkeep('vitals', async (trx) => {
        for (const write of writes) {
          await addRows(trx, ownId, write);
          await clearOld(trx, write, now);
        }
      }),
  };
}

async function addRows(
  trx: Transaction<Tables>,
  nodeId: string,
  { step, additions }: Write<Itself, VitalCell>,
): Promise<void> {
  for (const { at, cell } of inSteps(additions, step, form)) {
    const row = { step, node_id: nodeId, at: new Date(at).toISOString() };
    const there = await trx
      .selectFrom('vitals')
      .select('figures')
      .where((eb) => eb.and(row))
      .executeTakeFirst();
    if (there !== undefined) addVitals(cell, readVitals(there.figures));
    const figures = JSON.stringify(cell);
    await trx
      .insertInto('vitals')
      .values({ ...row, figures })
      .onConflict((conflict) => conflict.columns(['step', 'at', 'node_id']).doUpdateSet({ figures }))
      .execute();
  }
}

async function clearOld(
  trx: Transaction<Tables>,
  { step, keptFor }: Pick<Write<Itself, VitalCell>, 'step' | 'keptFor'>,
  now: Date,
): Promise<void> {
  const old = trx
    .selectFrom('vitals')
    .select('at')
    .where('step', '=', step)
    .where('at', '<', new Date(now.getTime() - keptFor).toISOString())
    .orderBy('at')
    .limit(clearedAtOnce);
  await trx.deleteFrom('vitals').where('step', '=', step).where('at', 'in', old).execute();
}

async function readRows(
  { db }: Pick<Store, 'db'>,
  { scope, step, from, until }: Asked<VitalScope>,
): Promise<Kept<Itself, VitalCell>[]> {
  const rows = await db
    .selectFrom('vitals')
    .select(['at', 'node_id', 'figures'])
    .where('step', '=', step)
    .where('at', '>=', new Date(from).toISOString())
    .$if(until !== undefined, (all) => all.where('at', '<', new Date(until ?? 0).toISOString()))
    .$if(scope !== 'all', (all) => all.where('node_id', '=', scope === 'all' ? '' : scope.nodeId))
    .execute();
  return rows.map(({ at, node_id: nodeId, figures }) => ({
    nodeId,
    of: 'node' as const,
    at: Date.parse(at),
    cell: readVitals(figures),
  }));
}
