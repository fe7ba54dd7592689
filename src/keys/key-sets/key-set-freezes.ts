import { recordEach, type Act } from '../../evidence/trail.ts';
import { restricts } from '../../store/read-back.ts';
import type { ChangeTransaction } from '../../store/store.ts';
import { bumpRecords } from '../../vault/edit-record.ts';
import type { VaultContext, Sight } from '../../vault/context.ts';
import { auditedKeySet, keySetEntry, type KeySet } from './key-set-records.ts';
import { seenBy } from '../../vault/sight.ts';
import { VaultError } from '../../vault/vault-error.ts';
import { findVault } from '../../vault/vaults.ts';

/** Which key sets: all that the caller sees, or these. */
export type KeySetChoice = 'all' | readonly string[];

export interface FreezesDone {
  /** How many were asked for. */
  keySets: number;
  /** How many of them were not so already. */
  changed: number;
}

/** Ids in one statement: SQLite takes 32,766 parameters. */
const idsPerBatch = 5000;

/**
 * Freezes several key sets in one transaction: all of them, or none. From the moment this returns every request for one of
 * their keys is answered InvalidStateException. Throws VaultError `not-found`, which names those that are not there.
 */
export async function freezeKeySets(
  context: VaultContext,
  act: Act,
  vaultId: string,
  sight: Sight,
  which: KeySetChoice,
): Promise<FreezesDone> {
  return setFreezes(context, act, { vaultId, sight, which }, true);
}

/** Ends the freezes of several key sets; those of their vault stay. */
export async function thawKeySets(
  context: VaultContext,
  act: Act,
  vaultId: string,
  sight: Sight,
  which: KeySetChoice,
): Promise<FreezesDone> {
  return setFreezes(context, act, { vaultId, sight, which }, false);
}

async function setFreezes(
  context: VaultContext,
  act: Act,
  of: { vaultId: string; sight: Sight; which: KeySetChoice },
  frozen: boolean,
): Promise<FreezesDone> {
  return context.store.change(act, async (trx) => {
    await findVault(trx, of.vaultId);
    const chosen = await chosenKeySets(trx, of);
    const at = trx.at.toISOString();
    const before = new Map(
      chosen.filter(({ frozen_at }) => (frozen_at !== null) !== frozen).map((row) => [row.id, row]),
    );
    const ids = [...before.keys()];
    const changed = await bumpRecords(trx, 'key_sets', ids, { frozen_at: frozen ? at : null });
    if (frozen) restricts(trx, 'the freeze of the key sets', async () => areFrozen(trx, ids));
    await recordEach(
      trx,
      act,
      changed.map((after) => ({
        ...keySetEntry(frozen ? 'freeze' : 'thaw', after),
        before: auditedKeySet(before.get(after.id) ?? after),
        after: auditedKeySet(after),
      })),
    );
    return { keySets: chosen.length, changed: changed.length };
  });
}

async function chosenKeySets(
  trx: ChangeTransaction,
  { vaultId, sight, which }: { vaultId: string; sight: Sight; which: KeySetChoice },
): Promise<KeySet[]> {
  const seen = trx
    .selectFrom('key_sets')
    .selectAll()
    .where('vault_id', '=', vaultId)
    .where('removed_at', 'is', null)
    .where((eb) => seenBy(eb.ref('admin_group_id'), sight));
  if (which === 'all') return seen.execute();
  const wanted = new Set(which);
  const found = await seen.where('id', 'in', [...wanted]).execute();
  const missing = [...wanted].filter((id) => !found.some((keySet) => keySet.id === id));
  if (missing.length > 0)
    throw new VaultError(
      'not-found',
      `there is no key set ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ` (and ${missing.length - 5} more)` : ''}; nothing was done`,
    );
  return found;
}

async function areFrozen(trx: ChangeTransaction, ids: readonly string[]): Promise<boolean> {
  let n = 0;
  for (const some of inParts(ids)) {
    const counted = await trx
      .selectFrom('key_sets')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .where('id', 'in', some)
      .where('frozen_at', 'is not', null)
      .executeTakeFirstOrThrow();
    n += counted.n;
  }
  return n === ids.length;
}

function* inParts(ids: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < ids.length; at += idsPerBatch) yield ids.slice(at, at + idsPerBatch);
}
