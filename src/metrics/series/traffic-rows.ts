import type { Transaction } from 'kysely';
import type { Tables } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import type { Sight } from '../../vault/context.ts';
import { seenBy } from '../../vault/sight.ts';
import { addToCell, emptyCell, readCell, type Cell } from './cell.ts';
import { inSteps } from './in-steps.ts';
import type { Asked, Kept, SeriesKind, Write } from './series-kind.ts';

/** Whose key sets. */
export interface Owner {
  vaultId: string;
  adminGroupId: string;
}

/** Of everything, or what somebody sees of a vault. */
export type TrafficScope = 'appliance' | { vaultId: string; sight: Sight };

/** Of requests that were not authenticated, and of owners beyond those that are told apart. */
export const nobody: Owner = { vaultId: '', adminGroupId: '' };

/** So many vaults and groups are told apart in each step of the last hour. */
const maxOwners = 200;
/** So many are deleted with each write. */
const clearedAtOnce = 500;

const form = {
  nameOf: ({ vaultId, adminGroupId }: Owner): string => `${vaultId} ${adminGroupId}`,
  empty: emptyCell,
  add: addToCell,
};

/** The requests of AWS, by whose key sets they were for. */
export function trafficKind(
  store: Pick<Store, 'db' | 'bookkeep'>,
  nodeId: string,
): SeriesKind<Owner, Cell, TrafficScope> {
  return {
    ...form,
    maxInDetail: maxOwners,
    others: nobody,
    everything: 'appliance',
    isIn: (scope, _, owner) => isIn(scope, owner),
    read: async (asked) => readTraffic(store, asked),
    write: async (writes, now) =>
      store.bookkeep('traffic', async (trx) => {
        for (const write of writes) {
          await addTraffic(trx, nodeId, write);
          await clearOld(trx, write, now);
        }
      }),
  };
}

function isIn(scope: TrafficScope, { vaultId, adminGroupId }: Owner): boolean {
  if (scope === 'appliance') return true;
  return vaultId === scope.vaultId && (scope.sight === 'all' || scope.sight.includes(adminGroupId));
}

/** Adds to the rows of this node. */
async function addTraffic(
  trx: Transaction<Tables>,
  nodeId: string,
  { step, additions }: Write<Owner, Cell>,
): Promise<void> {
  for (const { of, at, cell } of inSteps(additions, step, form)) {
    const row = {
      ...{ step, node_id: nodeId, at: new Date(at).toISOString() },
      ...{ vault_id: of.vaultId, admin_group_id: of.adminGroupId },
    };
    const there = await trx
      .selectFrom('traffic')
      .select('figures')
      .where((eb) => eb.and(row))
      .executeTakeFirst();
    if (there !== undefined) addToCell(cell, readCell(there.figures));
    const figures = JSON.stringify(cell);
    await trx
      .insertInto('traffic')
      .values({ ...row, figures })
      .onConflict((conflict) =>
        conflict.columns(['step', 'at', 'node_id', 'vault_id', 'admin_group_id']).doUpdateSet({ figures }),
      )
      .execute();
  }
}

async function clearOld(
  trx: Transaction<Tables>,
  { step, keptFor }: Pick<Write<Owner, Cell>, 'step' | 'keptFor'>,
  now: Date,
): Promise<void> {
  const old = trx
    .selectFrom('traffic')
    .select('at')
    .where('step', '=', step)
    .where('at', '<', new Date(now.getTime() - keptFor).toISOString())
    .orderBy('at')
    .limit(clearedAtOnce);
  await trx.deleteFrom('traffic').where('step', '=', step).where('at', 'in', old).execute();
}

async function readTraffic(
  { db }: Pick<Store, 'db'>,
  { scope, step, from, until }: Asked<TrafficScope>,
): Promise<Kept<Owner, Cell>[]> {
  const rows = await db
    .selectFrom('traffic')
    .select(['at', 'node_id', 'vault_id', 'admin_group_id', 'figures'])
    .where('step', '=', step)
    .where('at', '>=', new Date(from).toISOString())
    .$if(until !== undefined, (all) => all.where('at', '<', new Date(until ?? 0).toISOString()))
    .$if(scope !== 'appliance', (all) =>
      all
        .where('vault_id', '=', scope === 'appliance' ? '' : scope.vaultId)
        .where((eb) => seenBy(eb.ref('admin_group_id'), scope === 'appliance' ? 'all' : scope.sight)),
    )
    .execute();
  return rows.map((row) => ({
    nodeId: row.node_id,
    of: { vaultId: row.vault_id, adminGroupId: row.admin_group_id },
    at: Date.parse(row.at),
    cell: readCell(row.figures),
  }));
}
