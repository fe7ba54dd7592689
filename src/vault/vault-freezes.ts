import type { Selectable } from 'kysely';
import { record, recordEach, type Act } from '../evidence/trail.ts';
import { restricts } from '../store/read-back.ts';
import type { VaultTable } from '../store/schema.ts';
import type { ChangeTransaction } from '../store/store.ts';
import { bumpRecord, bumpRecords, editRecord } from './edit-record.ts';
import { checkRowVersion, type VaultContext, type VaultTarget } from './context.ts';
import { isVaultFrozen } from './vault-frozen.ts';
import { findVault, recordInBoth, type Vault } from './vaults.ts';

/*
 * The emergency stop of a vault: one row, however many key sets it has, beside what its key sets and keys are by
 * themselves. It has two sides. The vault's own freeze is ended by its own administrators alone; whoever runs the appliance
 * may set it, and has no way to give back the use of anybody's keys. What the appliance holds besides, for a vault whose own
 * administrators may be the ones to be stopped, it alone lets go of. Nothing is usable before both are ended.
 */

/** On whose behalf somebody acts. */
export type FreezeSide = 'vault' | 'appliance';

/** From the moment this returns every request for a key of the vault is answered InvalidStateException. */
export async function freezeVault(
  context: VaultContext,
  act: Act,
  { vaultId, expected }: VaultTarget,
  side: FreezeSide,
): Promise<Vault> {
  return actOnFreeze(context, act, { vaultId, expected, verb: 'freeze' }, (before, at) => ({
    frozen_at: before.frozen_at ?? at,
    ...(side === 'appliance' ? { appliance_frozen_at: before.appliance_frozen_at ?? at } : {}),
  }));
}

/** Ends the freeze of one side. Keys may be used again, each as its own state and its key set have it, once none is left. */
export async function thawVault(
  context: VaultContext,
  act: Act,
  { vaultId, expected }: VaultTarget,
  side: FreezeSide,
): Promise<Vault> {
  return actOnFreeze(context, act, { vaultId, expected, verb: 'thaw' }, () =>
    side === 'vault' ? { frozen_at: null } : { appliance_frozen_at: null },
  );
}

/**
 * Freezes every vault that is not frozen, in one transaction: all of them, or none. Each vault's own administrators end
 * it for their vault. `frozen` were frozen by this, `before` had been already.
 */
export async function freezeAllVaults(
  context: VaultContext,
  act: Act,
): Promise<{ frozen: number; before: number }> {
  return context.store.change(act, async (trx) => {
    const at = trx.at.toISOString();
    const unfrozen = trx
      .selectFrom('vaults')
      .select('id')
      .where('deleted_at', 'is', null)
      .where('frozen_at', 'is', null);
    const frozen = await bumpRecords(trx, 'vaults', unfrozen, { frozen_at: at });
    const all = await trx
      .selectFrom('vaults')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .where('deleted_at', 'is', null)
      .executeTakeFirstOrThrow();
    restricts(trx, 'the freeze of all vaults', async () => {
      const left = await unfrozen.limit(1).executeTakeFirst();
      return left === undefined;
    });
    const before = all.n - frozen.length;
    await record(trx, act, {
      action: 'vault.freeze-all',
      vaultId: '',
      target: { kind: 'appliance', id: '', name: '' },
      after: { frozen: frozen.length, frozenBefore: before },
    });
    await recordEach(
      trx,
      act,
      frozen.map(({ id, name }) => ({
        action: 'vault.freeze',
        vaultId: id,
        target: { kind: 'vault', id, name },
        before: { frozenSince: null },
        after: { frozenSince: at },
      })),
    );
    return { frozen: frozen.length, before };
  });
}

/** A freeze that the store has lost, or a deletion: its own administrators end it. False where there is nothing to freeze. */
export async function freezeVaultAgain(trx: ChangeTransaction, act: Act, id: string): Promise<boolean> {
  const before = await trx.selectFrom('vaults').selectAll().where('id', '=', id).executeTakeFirst();
  if (before === undefined || before.deleted_at !== null || before.frozen_at !== null) return false;
  const after = await bumpRecord(trx, 'vaults', before, { frozen_at: trx.at.toISOString() });
  freezeWillStand(trx, after);
  await recordInBoth(trx, act, after, {
    action: 'vault.freeze',
    before: shownFreezes(before),
    after: shownFreezes(after),
  });
  return true;
}

type Freezes = Partial<Pick<Selectable<VaultTable>, 'frozen_at' | 'appliance_frozen_at'>>;

/** One act on one vault in one transaction. What changes nothing is no act. */
async function actOnFreeze(
  context: VaultContext,
  act: Act,
  on: VaultTarget & { verb: string },
  plan: (before: Vault, at: string) => Freezes,
): Promise<Vault> {
  return context.store.change(act, async (trx) => {
    const before = await findVault(trx, on.vaultId);
    checkRowVersion(before, on.expected);
    const change = plan(before, trx.at.toISOString());
    const { key_sets: _, cloud_keys: __, ...row } = before;
    const after = await editRecord(trx, 'vaults', row, change);
    if (after === undefined) return before;
    if (on.verb === 'freeze') freezeWillStand(trx, after);
    await recordInBoth(trx, act, after, {
      action: `vault.${on.verb}`,
      before: shownFreezes(before),
      after: shownFreezes(after),
    });
    return { ...before, ...after };
  });
}

function shownFreezes(vault: Selectable<VaultTable>): Record<string, unknown> {
  return { frozenSince: vault.frozen_at, frozenByApplianceSince: vault.appliance_frozen_at };
}

/** A freeze is in the store when it is answered, or the act fails. */
function freezeWillStand(trx: ChangeTransaction, wanted: Selectable<VaultTable>): void {
  restricts(trx, 'the freeze of the vault', async () => {
    const now = await trx
      .selectFrom('vaults')
      .select(['frozen_at', 'appliance_frozen_at'])
      .where('id', '=', wanted.id)
      .executeTakeFirst();
    return (
      now?.frozen_at === wanted.frozen_at &&
      now.appliance_frozen_at === wanted.appliance_frozen_at &&
      isVaultFrozen(wanted)
    );
  });
}
