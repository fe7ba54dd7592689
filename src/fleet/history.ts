import { record } from '../evidence/trail.ts';
import { follow, maxKept, type KeptHistory } from '../store/kept-history.ts';
import { idOfLost, readChangesFrom, readLostIds, type LostChange } from '../store/lost-changes.ts';
import type { Moment } from '../store/revision-log.ts';
import type { Store } from '../store/store.ts';
import { systemAct } from '../vault/system-act.ts';

/** A node, as what it tells is on record. */
export interface Teller {
  id: string;
  hostname: string;
}

/** A look of a node at the store's history. */
export interface HistoryLook {
  /** To be kept from now on, once what is untold is told; the same object as before where nothing is new. */
  kept: KeptHistory;
  /** What this node knows to be lost, and nobody has decided on. */
  lost: LostChange[];
  /** What of it the store has to be told. */
  untold: LostChange[];
  /** The store has gone back in time since the last look. */
  wentBack?: { known: Moment; found: Moment };
}

/** Compares what a node keeps of the store's history with the store. Throws StoreError. */
export async function lookAtHistory(
  store: Pick<Store, 'db' | 'moment'>,
  kept: KeptHistory,
): Promise<HistoryLook> {
  const at = await store.moment();
  const { db } = store;
  const look = await follow(kept, {
    now: at,
    since: await readChangesFrom(db, Math.max(0, kept.at.revision), maxKept + 1),
    whole: async () => readChangesFrom(db, 0, maxKept),
  });
  const all = look.kind === 'went-back' ? look.lost : kept.lost;
  const known = await readLostIds(db, all.map(idOfLost));
  const lost = all.filter((change) => known.get(idOfLost(change))?.decided !== true);
  const isSame = look.kind === 'same' && isAt(kept, look.kept) && lost.length === kept.lost.length;
  return {
    kept: isSame ? kept : { ...look.kept, lost },
    lost,
    untold: lost.filter((change) => !known.has(idOfLost(change))),
    ...(look.kind === 'went-back' ? { wentBack: { known: kept.at, found: at } } : {}),
  };
}

function isAt(one: KeptHistory, other: KeptHistory): boolean {
  return one.at.revision === other.at.revision && one.at.mark === other.at.mark;
}

/** Tells the store what it has lost: from then on every node goes by that, and nothing is changed before somebody has decided. Throws StoreError. */
export async function tellLost(
  store: Pick<Store, 'change'>,
  lost: readonly LostChange[],
  { id: node_id, hostname }: Teller,
  now: () => Date,
): Promise<void> {
  const act = { ...systemAct({ now }, 'node'), despiteLoss: true };
  await store.change(act, async (trx) => {
    const about = { node_id, hostname, noticed_at: trx.at.toISOString(), decided_at: null, decision: null };
    const rows = lost.map((change) => Object.assign({ id: idOfLost(change) }, change, about));
    for (let at = 0; at < rows.length; at += rowsAtOnce)
      await trx
        .insertInto('lost_changes')
        .values(rows.slice(at, at + rowsAtOnce))
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute();
    await record(trx, act, {
      ...{ action: 'store.went-back', vaultId: '', target: { kind: 'node', id: node_id, name: hostname } },
      after: { lostChanges: lost.length },
    });
  });
}

/** SQLite takes 32,766 parameters in a statement. */
const rowsAtOnce = 500;
