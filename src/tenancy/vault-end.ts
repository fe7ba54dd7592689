import type { Transaction } from 'kysely';
import { record } from '../evidence/trail.ts';
import { restricts } from '../store/read-back.ts';
import type { Tables } from '../store/schema.ts';
import type { ChangeTransaction } from '../store/store.ts';
import { withoutRotation } from '../cloud/accounts/records.ts';
import { bumpRecords } from '../vault/edit-record.ts';
import type { Step } from '../vault/unfinished-work.ts';

/** What went in one step, as far as the trail names it. */
export interface WentWithVault {
  externalKeyIds: string[];
  externalKeyStores: string[];
  kmsKeys: string[];
}

/** Takes about so many rows, and answers how many: fewer than `most` where none is left. */
type Part = (trx: ChangeTransaction, vaultId: string, most: number, went: WentWithVault) => Promise<number>;

/**
 * Takes away what was in a vault that is deleted: its people, its credentials, its keys, whose key objects are destroyed
 * then, and what only points at AWS. Nothing of it has served or signed anybody in since the vault was deleted.
 */
export const endVault: Step = async (trx, act, { id }, most) => {
  const went: WentWithVault = { externalKeyIds: [], externalKeyStores: [], kmsKeys: [] };
  const isOver = await takeOut(trx, id, most, went);
  const vault = await trx.selectFrom('vaults').select('name').where('id', '=', id).executeTakeFirst();
  if (Object.values(went).some(({ length }) => length > 0))
    await record(trx, act, {
      action: 'vault.delete-contents',
      vaultId: id,
      target: { kind: 'vault', id, name: vault?.name ?? '' },
      before: { ...went },
    });
  return isOver ? undefined : '';
};

/** Whether nothing is left. */
export async function takeOut(
  trx: ChangeTransaction,
  vaultId: string,
  most: number,
  went: WentWithVault,
): Promise<boolean> {
  let left = most;
  for (const part of [endPeople, endAwsRecords, endCspAccounts, endKeySets]) {
    left -= await part(trx, vaultId, left, went);
    if (left <= 0) return false;
  }
  return true;
}

/** Sessions, recovery codes and memberships go with their users, and of those each has a few. */
const rowsOfUser = 20;

const endPeople: Part = async (trx, vaultId, most) => {
  let taken = 0;
  while (taken < most) {
    const user = await trx
      .selectFrom('users')
      .select('id')
      .where('vault_id', '=', vaultId)
      .executeTakeFirst();
    if (user === undefined) break;
    const apiKeys = await trx
      .selectFrom('api_keys')
      .select('id')
      .where('user_id', '=', user.id)
      .limit(most - taken)
      .execute();
    const ids = apiKeys.map(({ id }) => id);
    if (ids.length > 0) await trx.deleteFrom('api_keys').where('id', 'in', ids).execute();
    taken += ids.length;
    if (taken >= most) break;
    await trx.deleteFrom('users').where('id', '=', user.id).execute();
    taken += rowsOfUser;
  }
  return taken;
};

const endAwsRecords: Part = async (trx, vaultId, most, went) => {
  const keys = await trx
    .selectFrom('kms_keys')
    .select(['id', 'key_arn', 'cloud_status'])
    .where('vault_id', '=', vaultId)
    .limit(most)
    .execute();
  if (keys.length > 0) await trx.deleteFrom('kms_keys').where('id', 'in', idsOf(keys)).execute();
  for (const { key_arn, cloud_status } of keys)
    if (key_arn !== '' && cloud_status !== 'NOT_FOUND') went.kmsKeys.push(key_arn);
  if (keys.length >= most) return keys.length;
  const stores = await trx
    .selectFrom('external_key_stores')
    .select(['id', 'custom_key_store_id', 'region', 'state'])
    .where('vault_id', '=', vaultId)
    .limit(most - keys.length)
    .execute();
  if (stores.length > 0)
    await trx.deleteFrom('external_key_stores').where('id', 'in', idsOf(stores)).execute();
  for (const { custom_key_store_id, region, state } of stores)
    if (state !== 'NOT_FOUND') went.externalKeyStores.push(`${custom_key_store_id} ${region}`);
  return keys.length + stores.length;
};

/** How its AWS accounts were signed in to: nobody can see or use it again, and IAM has the access keys still. */
const endCspAccounts: Part = async (trx, vaultId, most) => {
  const accounts = await trx
    .selectFrom('csp_accounts')
    .select('id')
    .where('vault_id', '=', vaultId)
    .where((eb) =>
      eb.or([
        ...Object.keys(withoutRotation).map((column) =>
          eb(column as keyof typeof withoutRotation, 'is not', null),
        ),
        eb.exists(
          eb
            .selectFrom('csp_access_keys')
            .select('access_key_id')
            .whereRef('csp_access_keys.csp_account_id', '=', 'csp_accounts.id'),
        ),
      ]),
    )
    .limit(most)
    .execute();
  const ids = idsOf(accounts);
  if (ids.length === 0) return 0;
  await trx.deleteFrom('csp_access_keys').where('csp_account_id', 'in', ids).execute();
  await bumpRecords(trx, 'csp_accounts', ids, withoutRotation);
  return ids.length;
};

const endKeySets: Part = async (trx, vaultId, most, went) => {
  let left = most;
  while (left > 0) {
    const keySet = await trx
      .selectFrom('key_sets')
      .select('id')
      .where('vault_id', '=', vaultId)
      .where('removed_at', 'is', null)
      .executeTakeFirst();
    if (keySet === undefined) break;
    left -= await withdrawCredentials(trx, keySet.id, left);
    if (left > 0) left -= await endKeys(trx, keySet.id, left, went);
    if (left <= 0) break;
    await closeKeySet(trx, keySet.id);
    left--;
  }
  return most - left;
};

async function withdrawCredentials(trx: ChangeTransaction, keySetId: string, most: number): Promise<number> {
  const live = await trx
    .selectFrom('xks_credentials')
    .select('access_key_id')
    .where('key_set_id', '=', keySetId)
    .where('withdrawn_at', 'is', null)
    .limit(most)
    .execute();
  const ids = live.map(({ access_key_id }) => access_key_id);
  if (ids.length === 0) return 0;
  const withdrawn = { withdrawn_at: trx.at.toISOString(), withdrawn_why: 'WITHDRAWN' } as const;
  await bumpRecords(trx, 'xks_credentials', ids, withdrawn);
  restricts(trx, 'the end of the vault', async () => {
    const left = await trx
      .selectFrom('xks_credentials')
      .select('access_key_id')
      .where('access_key_id', 'in', ids)
      .where('withdrawn_at', 'is', null)
      .executeTakeFirst();
    return left === undefined;
  });
  return ids.length;
}

/** Tombstones keep the external key ids. Answers how many rows were written: of keys, and of their versions. */
async function endKeys(
  trx: ChangeTransaction,
  keySetId: string,
  most: number,
  went: WentWithVault,
): Promise<number> {
  const mostKeys = Math.ceil(most / 2);
  const keys = await trx
    .selectFrom('cloud_keys')
    .select(['id', 'external_key_id'])
    .where('key_set_id', '=', keySetId)
    .where('state', '<>', 'DELETED')
    .limit(mostKeys)
    .execute();
  if (keys.length === 0) return 0;
  const ids = idsOf(keys);
  const doomed = await doom(trx, ids, most);
  // They may have more versions: then they end when those are done.
  if (doomed >= most) return most;
  await end(trx, ids);
  went.externalKeyIds.push(...keys.map(({ external_key_id }) => external_key_id));
  return keys.length >= mostKeys ? most : keys.length + doomed;
}

/** Their key objects are destroyed by the work that also ends scheduled deletions. */
async function doom(trx: Transaction<Tables>, keyIds: readonly string[], most: number): Promise<number> {
  const living = await trx
    .selectFrom('key_versions')
    .select(['cloud_key_id', 'version'])
    .where('cloud_key_id', 'in', keyIds)
    .where('state', 'in', ['PENDING', 'ACTIVE'])
    .limit(most)
    .execute();
  const doomed = trx
    .updateTable('key_versions')
    .set({ state: 'DESTROYING' })
    .where('state', 'in', ['PENDING', 'ACTIVE']);
  if (living.length < most) await doomed.where('cloud_key_id', 'in', keyIds).execute();
  else
    for (const [id, of] of Map.groupBy(living, ({ cloud_key_id }) => cloud_key_id))
      await doomed
        .where('cloud_key_id', '=', id)
        .where(
          'version',
          'in',
          of.map(({ version }) => version),
        )
        .execute();
  return living.length;
}

async function end(trx: ChangeTransaction, ids: readonly string[]): Promise<void> {
  await bumpRecords(trx, 'cloud_keys', ids, {
    state: 'DELETED',
    deletion_at: null,
    deleted_at: trx.at.toISOString(),
    next_rotation_at: null,
  });
  restricts(trx, 'the end of the vault', async () => {
    const left = await trx
      .selectFrom('cloud_keys')
      .select('id')
      .where('id', 'in', ids)
      .where('state', '<>', 'DELETED')
      .executeTakeFirst();
    return left === undefined;
  });
}

async function closeKeySet(trx: ChangeTransaction, id: string): Promise<void> {
  await bumpRecords(trx, 'key_sets', [id], {
    external_key_store: 0,
    // It may be given to another key set.
    path_prefix: '',
    removed_at: trx.at.toISOString(),
  });
}

function idsOf(rows: readonly { id: string }[]): string[] {
  return rows.map(({ id }) => id);
}
