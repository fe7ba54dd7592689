import { recordEach, type Act } from '../evidence/trail.ts';
import type { CloudKeyState } from '../store/schema.ts';
import type { VaultContext } from '../vault/context.ts';
import { idsOfKeysCalled } from './key-names.ts';
import { effectiveState, frozenSince } from './key-records.ts';

/** A CloudKey of whichever vault, as far as whoever looks after the appliance may know it. */
export interface FoundKey {
  id: string;
  name: string;
  vaultId: string;
  vaultName: string;
  keySetId: string;
  keySetName: string;
  state: CloudKeyState;
  /** What a request for it meets. */
  effectiveState: CloudKeyState | 'FROZEN';
  frozenSince: string | null;
}

/**
 * The CloudKeys that somebody calls so, in all vaults that there are; none by a part of its name. That it was asked stands
 * in the trail of the appliance, and in that of each vault in which one was found.
 */
export async function lookUpCloudKeys(
  { store, now }: Pick<VaultContext, 'store' | 'now'>,
  act: Act,
  called: string,
): Promise<FoundKey[]> {
  return store.write(act, async (trx) => {
    const ids = await idsOfKeysCalled(trx, 'all', called);
    const rows = await trx
      .selectFrom('cloud_keys')
      .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
      .innerJoin('vaults', 'vaults.id', 'key_sets.vault_id')
      .select(['cloud_keys.id', 'cloud_keys.name', 'cloud_keys.state', 'cloud_keys.expires_at'])
      .select(['key_sets.id as key_set_id', 'key_sets.name as key_set_name'])
      .select(['vaults.id as vault_id', 'vaults.name as vault_name', frozenSince.as('frozen_since')])
      .where('cloud_keys.id', 'in', ids)
      .where('key_sets.removed_at', 'is', null)
      .where('vaults.deleted_at', 'is', null)
      .orderBy('vaults.name')
      .orderBy('cloud_keys.id')
      .execute();
    const entry = (vaultId: string, found: number) => ({
      action: 'cloud-key.look-up',
      vaultId,
      target: { kind: 'cloud-key', id: '', name: called },
      after: { found },
    });
    const perVault = Map.groupBy(rows, ({ vault_id }) => vault_id);
    await recordEach(trx, act, [
      entry('', rows.length),
      ...[...perVault].map(([vaultId, { length }]) => entry(vaultId, length)),
    ]);
    const at = now();
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      vaultId: row.vault_id,
      vaultName: row.vault_name,
      keySetId: row.key_set_id,
      keySetName: row.key_set_name,
      state: row.state,
      effectiveState: effectiveState(row, at),
      frozenSince: row.frozen_since,
    }));
  });
}
