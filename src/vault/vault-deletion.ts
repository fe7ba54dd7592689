import type { Transaction } from 'kysely';
import type { Act } from '../audit/trail.ts';
import { restricts } from '../store/read-back.ts';
import type { CloudKeyState, Tables } from '../store/schema.ts';
import { forgetAws, leftInAws } from './external-key-store-checks.ts';
import { checkRowVersion, type House } from './house.ts';
import { withoutRotation } from './csp-account-records.ts';
import { VaultError } from './vault-error.ts';
import { findVault, recordInBoth, shownInTrail, type Vault } from './vaults.ts';

/** No request of AWS is answered with a key in one of these. */
const outOfUse: ReadonlySet<CloudKeyState> = new Set(['DISABLED', 'EXPIRED', 'PENDING_DELETION', 'DELETED']);

/**
 * Deletes a vault: its people at once, and out of view what was in it. With key sets in it the caller must repeat its
 * name, and no key of it may be in use any more: its key objects are then destroyed, for ever, by the work that also
 * ends scheduled deletions. The rows of its keys stay as tombstones: no external key id is ever used again. What it has in
 * AWS stays there; that is told before, and stands in the trail.
 *
 * Throws VaultError `not-found`, `precondition`, and `conflict` with what to do first.
 */
export async function deleteVault(
  house: House,
  act: Act,
  vaultId: string,
  confirm: string | undefined,
  expected: number | undefined,
): Promise<void> {
  await house.store.change(act, async (trx) => {
    const vault = await findVault(trx, vaultId);
    checkRowVersion(vault, expected);
    const keys = await keysToDestroy(trx, house, vault, confirm);
    const now = house.now().toISOString();
    const left = await leftInAws(trx, vaultId);
    await takePeopleOut(trx, vaultId);
    await forgetAws(trx, vaultId);
    await withdrawEverything(trx, vaultId, now);
    restricts(trx, 'the end of the vault', async () => nothingIsServed(trx, vaultId));
    await trx
      .updateTable('vaults')
      .set((eb) => ({
        deleted_at: now,
        // A request that was under way makes no key set in it any more.
        tokens: '[]',
        updated_at: now,
        row_version: eb('row_version', '+', 1),
      }))
      .where('id', '=', vaultId)
      .execute();
    await recordInBoth(trx, act, vault, {
      action: 'vault.delete',
      before: { ...shownInTrail(vault), externalKeyIds: keys, leftInAws: left },
    });
  });
}

/** External key ids of the keys that go with the vault. Throws VaultError `conflict` where it must not go. */
async function keysToDestroy(
  trx: Transaction<Tables>,
  house: House,
  vault: Vault,
  confirm: string | undefined,
): Promise<string[]> {
  const keys = await trx
    .selectFrom('cloud_keys')
    .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
    .select(['cloud_keys.external_key_id', 'cloud_keys.state', 'cloud_keys.expires_at'])
    .where('key_sets.vault_id', '=', vault.id)
    .where('cloud_keys.state', '<>', 'DELETED')
    .execute();
  const now = house.now().toISOString();
  // Past its end a key is EXPIRED, whether the schedule has written so or not.
  const inUse = keys.filter(
    ({ state, expires_at }) =>
      !outOfUse.has(state) && !(state === 'AVAILABLE' && expires_at !== null && expires_at <= now),
  );
  if (inUse.length > 0)
    throw new VaultError(
      'conflict',
      `${inUse.length} of its CloudKeys may still be used by AWS`,
      'schedule their deletion, or disable them, and see in CloudTrail that nothing needs them',
    );
  if (vault.key_sets > 0 && confirm !== vault.name) {
    const { externalKeyStores, kmsKeys } = await leftInAws(trx, vault.id);
    const inAws =
      externalKeyStores.length + kmsKeys.length === 0
        ? ''
        : `; in AWS ${externalKeyStores.length} external key stores and ${kmsKeys.length} KMS keys would stay behind, and nothing encrypted with them could be read again`;
    throw new VaultError(
      'conflict',
      `the vault is not empty: ${vault.key_sets} key sets, ${keys.length} CloudKeys whose key objects would be destroyed for ever${inAws}`,
      'repeat its name (confirm=<name>) where this is meant',
    );
  }
  return keys.map(({ external_key_id }) => external_key_id);
}

/** Sessions, API keys, recovery codes and memberships go with their users. */
async function takePeopleOut(trx: Transaction<Tables>, vaultId: string): Promise<void> {
  await trx.deleteFrom('users').where('vault_id', '=', vaultId).execute();
  await trx.deleteFrom('oidc_providers').where('vault_id', '=', vaultId).execute();
  await trx.deleteFrom('oidc_sign_ins').where('vault_id', '=', vaultId).execute();
}

async function withdrawEverything(trx: Transaction<Tables>, vaultId: string, now: string): Promise<void> {
  // How its AWS accounts were signed in to: nobody can see or use it again, and IAM has the access keys still.
  const accounts = trx.selectFrom('csp_accounts').select('id').where('vault_id', '=', vaultId);
  await trx.deleteFrom('csp_access_keys').where('csp_account_id', 'in', accounts).execute();
  await trx.updateTable('csp_accounts').set(withoutRotation).where('vault_id', '=', vaultId).execute();
  const keySets = trx.selectFrom('key_sets').select('id').where('vault_id', '=', vaultId);
  await trx
    .updateTable('xks_credentials')
    .set((eb) => ({
      withdrawn_at: now,
      withdrawn_why: 'WITHDRAWN',
      row_version: eb('row_version', '+', 1),
    }))
    .where('key_set_id', 'in', keySets)
    .where('withdrawn_at', 'is', null)
    .execute();
  const keys = trx.selectFrom('cloud_keys').select('id').where('key_set_id', 'in', keySets);
  await trx
    .updateTable('key_versions')
    .set({ state: 'DESTROYING' })
    .where('cloud_key_id', 'in', keys)
    .where('state', 'in', ['PENDING', 'ACTIVE'])
    .execute();
  await trx
    .updateTable('cloud_keys')
    .set((eb) => ({
      state: 'DELETED',
      deletion_at: null,
      deleted_at: now,
      next_rotation_at: null,
      row_version: eb('row_version', '+', 1),
      updated_at: now,
    }))
    .where('key_set_id', 'in', keySets)
    .where('state', '<>', 'DELETED')
    .execute();
  await trx
    .updateTable('key_sets')
    // Its path prefix may be given to another key set.
    .set((eb) => ({
      external_key_store: 0,
      path_prefix: '',
      row_version: eb('row_version', '+', 1),
      updated_at: now,
    }))
    .where('vault_id', '=', vaultId)
    .execute();
}

async function nothingIsServed(trx: Transaction<Tables>, vaultId: string): Promise<boolean> {
  const keySets = trx.selectFrom('key_sets').select('id').where('vault_id', '=', vaultId);
  const key = await trx
    .selectFrom('cloud_keys')
    .select('id')
    .where('key_set_id', 'in', keySets)
    .where('state', '<>', 'DELETED')
    .executeTakeFirst();
  const credential = await trx
    .selectFrom('xks_credentials')
    .select('access_key_id')
    .where('key_set_id', 'in', keySets)
    .where('withdrawn_at', 'is', null)
    .executeTakeFirst();
  const vault = await trx
    .selectFrom('vaults')
    .select('deleted_at')
    .where('id', '=', vaultId)
    .executeTakeFirst();
  return key === undefined && credential === undefined && typeof vault?.deleted_at === 'string';
}
