import type { Act } from '../evidence/trail.ts';
import { decide, openAmong, openLostIds, type LostChangeRow } from '../fleet/lost-change-acts.ts';
import { endCredentialAgain, freezeKeySetAgain, restrictKeyAgain } from '../keys/key-sets/taken-again.ts';
import type { ChangeTransaction } from '../store/store.ts';
import { parseTaken, type Taken } from '../store/taken.ts';
import { freezeVaultAgain } from '../vault/vault-freezes.ts';
import type { VaultContext } from '../vault/context.ts';

/*
 * What the store has lost by going back in time, done again as far as it took something away. That destroys nothing and gives nothing: a key
 * that was to be deleted, or had been, is DISABLED, and its deletion is asked for anew by who wants it.
 */

/** Which: all that are open, or these. */
type Which = 'all' | readonly string[];

/** So many are done again in one transaction. */
const atOnce = 100;

/** Does again what open ones took away. Answers how many were decided, and how many records were changed by it. */
export async function applyLostChanges(
  { store }: Pick<VaultContext, 'store'>,
  act: Act,
  which: Which,
): Promise<{ decided: number; changed: number }> {
  const ids = which === 'all' ? await openLostIds(store) : which;
  let decided = 0;
  let changed = 0;
  for (let from = 0; from < ids.length || from === 0; from += atOnce) {
    const page = ids.slice(from, from + atOnce);
    const done = await store.change(act, async (trx) => {
      const rows = await openAmong(trx, page);
      let records = 0;
      for (const row of rows) if (await takeAway(trx, act, row)) records++;
      await decide(trx, act, rows, 'applied');
      return { rows: rows.length, records };
    });
    decided += done.rows;
    changed += done.records;
  }
  return { decided, changed };
}

/** Whether a record was changed. One that the store does not have, or that is refused already, needs nothing. */
async function takeAway(trx: ChangeTransaction, act: Act, row: LostChangeRow): Promise<boolean> {
  const parsed = parseTaken(row.taken);
  const taken: Taken = parsed === 'unknown' ? { refused: 'DISABLED' } : parsed;
  switch (row.kind) {
    case 'cloud-key':
      return restrictKeyAgain(trx, act, row.name, taken);
    case 'key-set':
      return taken.refused !== undefined && freezeKeySetAgain(trx, act, row.name);
    case 'vault':
      return taken.refused !== undefined && freezeVaultAgain(trx, act, row.name);
    case 'credential':
      return endCredentialAgain(trx, act, row.name, taken);
    case 'path-prefixes':
    case 'everything':
    case 'nothing':
      return false;
  }
}
