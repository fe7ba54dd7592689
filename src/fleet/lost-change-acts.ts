import type { Selectable } from 'kysely';
import { record, type Act } from '../evidence/trail.ts';
import type { LostChangeTable } from '../store/schema.ts';
import type { ChangeTransaction, Store } from '../store/store.ts';
import type { VaultContext } from '../vault/context.ts';
import { VaultError } from '../vault/vault-error.ts';

/*
 * What a person decides on changes that the store has lost (history.ts): that what they took away is taken away again
 * (src/reconcile/lost-changes.ts), or that the older state of the store counts.
 */

export type LostChangeRow = Selectable<LostChangeTable>;

/** The records are as the store has them: what was lost of these is given up. */
export async function leaveLostChanges(
  { store }: Pick<VaultContext, 'store'>,
  act: Act,
  ids: readonly string[],
): Promise<{ decided: number }> {
  return store.change(act, async (trx) => {
    const rows = await openAmong(trx, ids);
    await decide(trx, act, rows, 'as-in-store');
    return { decided: rows.length };
  });
}

export async function openLostIds({ db }: Pick<Store, 'db'>): Promise<string[]> {
  const rows = await db
    .selectFrom('lost_changes')
    .select('id')
    .where('decided_at', 'is', null)
    .orderBy('noticed_at')
    .orderBy('id')
    .execute();
  return rows.map(({ id }) => id);
}

/** Those that somebody has decided on already are left out. Throws VaultError `not-found`. */
export async function openAmong(trx: ChangeTransaction, ids: readonly string[]): Promise<LostChangeRow[]> {
  if (ids.length === 0) return [];
  const rows = await trx
    .selectFrom('lost_changes')
    .selectAll()
    .where('id', 'in', ids)
    .orderBy('revision')
    .execute();
  if (rows.length < new Set(ids).size)
    throw new VaultError('not-found', 'one of these is no lost change', 'holdfast lost-change list');
  return rows.filter(({ decided_at }) => decided_at === null);
}

export async function decide(
  trx: ChangeTransaction,
  act: Act,
  rows: readonly LostChangeRow[],
  decision: NonNullable<LostChangeRow['decision']>,
): Promise<void> {
  if (rows.length === 0) return;
  await trx
    .updateTable('lost_changes')
    .set({ decided_at: trx.at.toISOString(), decision })
    .where(
      'id',
      'in',
      rows.map(({ id }) => id),
    )
    .execute();
  for (const { id, kind, name, taken } of rows)
    await record(trx, act, {
      action: decision === 'applied' ? 'lost-change.apply' : 'lost-change.leave',
      vaultId: '',
      target: { kind: 'lost-change', id, name: name === '' ? kind : `${kind} ${name}` },
      after: { decision, taken },
    });
}
