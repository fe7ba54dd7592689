import type { Transaction } from 'kysely';
import type { Act } from '../evidence/trail.ts';
import type { SeenVersion } from '../store/act-transaction.ts';
import type { CloudKeyState, Tables } from '../store/schema.ts';
import { leftInAws } from '../cloud/key-stores/checks.ts';
import { dropProvider } from '../identity/oidc/providers.ts';
import { checkRowVersion, type VaultContext } from '../vault/context.ts';
import { VaultError } from '../vault/vault-error.ts';
import { beginWork } from '../vault/unfinished-work.ts';
import { takeOut } from './vault-end.ts';
import type { WentWithVault } from '../vault/vault-part.ts';
import { closeVault, findVault, recordInBoth, shownInTrail, type Vault } from '../vault/vaults.ts';
import { counted } from '../counted.ts';

/** In any other state no request of AWS is answered with a key. */
const mayBeUsed: readonly CloudKeyState[] = ['CREATING', 'AVAILABLE'];

/**
 * Deletes a vault: its people at once, and out of view what was in it; nothing is served from it any more. With key sets in
 * it the caller must repeat its name, and no key of it may be in use any more: its key objects are then destroyed, for ever,
 * by the work that also ends scheduled deletions. The rows of its keys stay as tombstones: no external key id is ever used
 * again. What it has in AWS stays there; that is told before, and stands in the trail. Rows beyond the first few are brought
 * after it by the schedule ({@link endVault}).
 *
 * Throws VaultError `not-found`, `precondition`, and `conflict` with what to do first.
 */
export async function deleteVault(
  context: VaultContext,
  act: Act,
  vaultId: string,
  confirm: string | undefined,
  expected: SeenVersion | undefined,
): Promise<void> {
  const isOver = await context.store.change(act, async (trx) => {
    const vault = await findVault(trx, vaultId);
    checkRowVersion(vault, expected);
    await checkMayGo(trx, context, vault, confirm);
    const left = await leftInAws(trx, vaultId);
    await dropProvider(trx, vaultId);
    await closeVault(trx, vault);
    const went: WentWithVault = { externalKeyIds: [], externalKeyStores: [], kmsKeys: [] };
    const finished = await beginWork(trx, act, 'vault-end', vaultId, async (_trx, _act, { id }, max) =>
      (await takeOut(trx, id, max, went)) ? undefined : '',
    );
    const { externalKeyIds, ...wentInAws } = went;
    await recordInBoth(trx, act, vault, {
      action: 'vault.delete',
      before: {
        ...shownInTrail(vault),
        cloudKeys: vault.cloud_keys,
        // Those that went with it at once; of what followed there are events of its own.
        externalKeyIds,
        leftInAws: { ...wentInAws, counted: left },
      },
    });
    return finished;
  });
  if (!isOver) context.onWorkLeft?.();
}

/** Throws VaultError `conflict` where it must not go. */
async function checkMayGo(
  trx: Transaction<Tables>,
  context: VaultContext,
  vault: Vault,
  confirm: string | undefined,
): Promise<void> {
  const inUse = await keysInUse(trx, vault.id, context.now().toISOString());
  if (inUse > 0)
    throw new VaultError(
      'conflict',
      `${inUse} of its CloudKeys may still be used by AWS`,
      'schedule their deletion, or disable them, and see in CloudTrail that nothing needs them',
    );
  if (vault.key_sets > 0 && confirm !== vault.name) {
    const { externalKeyStores, kmsKeys } = await leftInAws(trx, vault.id);
    const inAws =
      externalKeyStores === 0 && kmsKeys === 0
        ? ''
        : `; in AWS ${counted(externalKeyStores, 'external key store')} and ${counted(kmsKeys, 'KMS key')} would stay behind, and nothing encrypted with them could be read again`;
    throw new VaultError(
      'conflict',
      `the vault is not empty: ${counted(vault.key_sets, 'key set')}, ${counted(vault.cloud_keys, 'CloudKey')} whose key objects would be destroyed forever${inAws}`,
      'repeat its name (confirm=<name>) where this is meant',
    );
  }
}

/** Past its end a key is EXPIRED, whether the schedule has written so or not. */
async function keysInUse(trx: Transaction<Tables>, vaultId: string, now: string): Promise<number> {
  const { inUse } = await trx
    .selectFrom('key_sets')
    .innerJoin('cloud_keys', 'cloud_keys.key_set_id', 'key_sets.id')
    .select((eb) => eb.fn.countAll<number>().as('inUse'))
    .where('key_sets.vault_id', '=', vaultId)
    .where('cloud_keys.state', 'in', mayBeUsed)
    .where((eb) =>
      eb.or([
        eb('cloud_keys.state', '<>', 'AVAILABLE'),
        eb('cloud_keys.expires_at', 'is', null),
        eb('cloud_keys.expires_at', '>', now),
      ]),
    )
    .executeTakeFirstOrThrow();
  return inUse;
}
