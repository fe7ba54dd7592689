import type { Store } from '../../store/store.ts';
import type { Sight } from '../../vault/context.ts';
import { seenBy } from '../../vault/sight.ts';
import { addToCell, emptyCell, readCell, type Cell } from './cell.ts';

/** Whose key sets. */
export interface Owner {
  vaultId: string;
  adminGroupId: string;
}

/** Of everything, or what somebody sees of a vault. */
export type TrafficScope = 'appliance' | { vaultId: string; sight: Sight };

/** A step of time of one owner, to be added to what is there. */
export interface Addition extends Owner {
  /** Milliseconds since the epoch. */
  at: number;
  cell: Cell;
}

/** Seconds of the steps that are kept, and for how long, milliseconds: what charts of a day and of a month need. */
export const keptSteps = [
  { step: 300, keptFor: 25 * 3_600_000 },
  { step: 3_600, keptFor: 31 * 24 * 3_600_000 },
] as const;

/** So many are deleted with each write. */
const clearedAtOnce = 500;

/** Adds to the rows of this node, in each kept step, and deletes those that are too old. */
export async function addTraffic(
  store: Pick<Store, 'bookkeep'>,
  nodeId: string,
  additions: readonly Addition[],
  now: Date,
): Promise<void> {
  await store.bookkeep('traffic', async (trx) => {
    for (const { step, keptFor } of keptSteps) {
      for (const { key, cell } of inSteps(additions, step).values()) {
        const row = { step, node_id: nodeId, ...key };
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
            conflict
              .columns(['step', 'at', 'node_id', 'vault_id', 'admin_group_id'])
              .doUpdateSet({ figures }),
          )
          .execute();
      }
      const old = trx
        .selectFrom('traffic')
        .select('at')
        .where('step', '=', step)
        .where('at', '<', new Date(now.getTime() - keptFor).toISOString())
        .orderBy('at')
        .limit(clearedAtOnce);
      await trx.deleteFrom('traffic').where('step', '=', step).where('at', 'in', old).execute();
    }
  });
}

/** Rows of all nodes from `from` on, by the beginning of their step. */
export async function readTraffic(
  { db }: Pick<Store, 'db'>,
  scope: TrafficScope,
  step: number,
  from: number,
): Promise<Map<number, Cell>> {
  const rows = await db
    .selectFrom('traffic')
    .select(['at', 'figures'])
    .where('step', '=', step)
    .where('at', '>=', new Date(from).toISOString())
    .$if(scope !== 'appliance', (all) =>
      all
        .where('vault_id', '=', scope === 'appliance' ? '' : scope.vaultId)
        .where((eb) => seenBy(eb.ref('admin_group_id'), scope === 'appliance' ? 'all' : scope.sight)),
    )
    .execute();
  const found = new Map<number, Cell>();
  for (const { at, figures } of rows) {
    const time = Date.parse(at);
    const cell = found.get(time) ?? emptyCell();
    found.set(time, cell);
    addToCell(cell, readCell(figures));
  }
  return found;
}

function inSteps(additions: readonly Addition[], step: number) {
  const found = new Map<
    string,
    { key: { at: string; vault_id: string; admin_group_id: string }; cell: Cell }
  >();
  for (const { at, vaultId, adminGroupId, cell } of additions) {
    const begins = new Date(beginOf(at, step)).toISOString();
    const name = `${begins} ${vaultId} ${adminGroupId}`;
    const sum = found.get(name) ?? {
      key: { at: begins, vault_id: vaultId, admin_group_id: adminGroupId },
      cell: emptyCell(),
    };
    found.set(name, sum);
    addToCell(sum.cell, cell);
  }
  return found;
}

/** When the step of `seconds` began that this moment is in; both in milliseconds since the epoch. */
export function beginOf(at: number, seconds: number): number {
  return Math.floor(at / (seconds * 1_000)) * seconds * 1_000;
}
