import { record } from '../evidence/trail.ts';
import { follow, maxKept, type KeptHistory } from '../store/kept-history.ts';
import {
  assertStillSameStore,
  idOfLost,
  readChangesFrom,
  readLostIds,
  type LostChange,
} from '../store/lost-changes.ts';
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
  /** Where the store is. */
  at: Moment;
  /** To be kept from now on, once what is untold is told; the same object as before where nothing is new. */
  kept: KeptHistory;
  /** What this node knows to be lost, and nobody has decided on. */
  lost: LostChange[];
  /** What of it the store has to be told. */
  untold: LostChange[];
  /** The store has gone back in time since the last look. */
  wentBack?: { known: Moment; found: Moment };
}

/** Compares what a node keeps of the store's history with the store, which is at `at`. Throws StoreError. */
export async function lookAtHistory(
  { db }: Pick<Store, 'db'>,
  kept: KeptHistory,
  at: Moment,
): Promise<HistoryLook> {
  const look = await follow(kept, {
    now: at,
    since: await readChangesFrom(db, at, Math.max(0, kept.at.revision), maxKept + 1),
    whole: async () => readChangesFrom(db, at, 0, maxKept),
  });
  const all = look.kind === 'went-back' ? look.lost : kept.lost;
  const known = await readLostIds(db, all.map(idOfLost));
  const lost = all.filter((change) => known.get(idOfLost(change))?.decided !== true);
  const isSame = look.kind === 'same' && isAt(kept, look.kept) && lost.length === kept.lost.length;
  return {
    at,
    kept: isSame ? kept : { ...look.kept, lost },
    lost,
    untold: lost.filter((change) => !known.has(idOfLost(change))),
    ...(look.kind === 'went-back' ? { wentBack: { known: kept.at, found: at } } : {}),
  };
}

function isAt(one: KeptHistory, other: KeptHistory): boolean {
  const [a, b] = [one.at, other.at];
  return a.revision === b.revision && a.mark === b.mark && a.store === b.store;
}

/** Tells the store what it has lost: from then on every node goes by that, and nothing is changed before somebody has decided. Throws StoreError. */
export async function tellLost(
  store: Pick<Store, 'change'>,
  { at: found, untold: lost }: Pick<HistoryLook, 'at' | 'untold'>,
  { id: node_id, hostname }: Teller,
  now: () => Date,
): Promise<void> {
  const act = { ...systemAct({ now }, 'node'), despiteLoss: true };
  await store.change(act, async (trx) => {
    await assertStillSameStore(trx, found);
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
