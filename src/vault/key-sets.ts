import { randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import { record, type Act } from '../audit/trail.ts';
import type { Tables } from '../store/schema.ts';
import { changes, type Edit } from './edits.ts';
import { checkRowVersion, type House, type Sight } from './house.ts';
import { checkClash, checkCspAccount, checkToken, checkUnused } from './key-set-checks.ts';
import {
  auditedKeySet,
  findKeySetIn,
  keySetEntry,
  type CountedKeySet,
  type KeySet,
} from './key-set-records.ts';
import { parseQuota, parseRotationDays, type QuotaWish } from './limits.ts';
import { parseDescription, parseName, parsePathPrefix } from './names.ts';
import { planRotations } from './rotation-plan.ts';
import { checkOwner } from './sight.ts';

export {
  findKeySet,
  getKeySet,
  keySetOrders,
  listKeySets,
  type CountedKeySet,
  type KeySet,
  type KeySetFilter,
} from './key-set-records.ts';

/** What may be told of a key set, and changed later. */
export interface KeySetWish {
  name: string;
  description?: string | undefined;
  /** Required of those who see only what is their admin groups'. */
  adminGroupId?: string | null | undefined;
  /** One of the vault that they see. */
  cspAccountId?: string | null | undefined;
  /** One of the vault's tokens. */
  token: string;
  /** True if left out. */
  externalKeyStore?: boolean | undefined;
  /** With or without slashes around it; '' or nothing for none. */
  pathPrefix?: string | undefined;
  /** Days between rotations of its CloudKeys that have no schedule of their own; null for never. */
  rotationDays?: number | null | undefined;
  quota?: QuotaWish | null | undefined;
}

/**
 * Makes a key set. A non-empty path prefix belongs to one key set only, of whichever vault; several may have none, told
 * apart by their credentials. Throws NameError; VaultError `invalid`, `conflict`, `forbidden`.
 */
export async function createKeySet(
  house: House,
  act: Act,
  vaultId: string,
  sight: Sight,
  wish: KeySetWish,
): Promise<CountedKeySet> {
  const now = act.at.toISOString();
  const row = {
    id: randomUUID(),
    vault_id: vaultId,
    admin_group_id: null,
    csp_account_id: null,
    description: '',
    path_prefix: '',
    rotation_days: null,
    frozen_at: null,
    quota_rate: null,
    quota_burst: null,
    created_at: now,
    updated_at: now,
    ...parseWish(wish),
    name: parseName(wish.name),
    token: wish.token,
  };
  return house.store.change(async (trx) => {
    await checkOwner(trx, vaultId, sight, row.admin_group_id);
    await checkCspAccount(trx, sight, row);
    await checkToken(trx, house, row);
    await checkClash(trx, row);
    const made = await trx.insertInto('key_sets').values(row).returningAll().executeTakeFirstOrThrow();
    await record(trx, act, { ...keySetEntry('create', made), after: auditedKeySet(made), creates: true });
    return { ...made, cloud_keys: 0 };
  });
}

/**
 * Changes a key set. Token and path prefix stay once it has CloudKeys or live credentials: the keys are in the token,
 * and AWS knows the path. A new schedule is at once that of all its CloudKeys that inherit it.
 */
export async function updateKeySet(
  house: House,
  act: Act,
  vaultId: string,
  sight: Sight,
  id: string,
  wish: Edit<KeySetWish>,
  expected?: number,
): Promise<CountedKeySet> {
  const change = parseWish(wish);
  return actOnKeySet(house, act, { vaultId, sight, id, expected, verb: 'update' }, async (trx, before) => {
    const wanted = { ...before, ...change };
    if (wanted.admin_group_id !== before.admin_group_id)
      await checkOwner(trx, vaultId, sight, wanted.admin_group_id);
    if (wanted.csp_account_id !== before.csp_account_id) await checkCspAccount(trx, sight, wanted);
    if (wanted.token !== before.token || wanted.path_prefix !== before.path_prefix) {
      await checkUnused(trx, before, act.at, 'token and path prefix cannot change');
      await checkToken(trx, house, wanted);
    }
    await checkClash(trx, wanted);
    if (wanted.rotation_days !== before.rotation_days) await planRotations(trx, wanted, act.at);
    return change;
  });
}

/** From the moment this returns every request for one of its keys is answered InvalidStateException. */
export async function freezeKeySet(
  house: House,
  act: Act,
  vaultId: string,
  sight: Sight,
  id: string,
  expected?: number,
): Promise<CountedKeySet> {
  return actOnKeySet(house, act, { vaultId, sight, id, expected, verb: 'freeze' }, async (_, before) =>
    before.frozen_at === null ? { frozen_at: act.at.toISOString() } : {},
  );
}

/** Its keys may be used again, each as its own state has it. */
export async function thawKeySet(
  house: House,
  act: Act,
  vaultId: string,
  sight: Sight,
  id: string,
  expected?: number,
): Promise<CountedKeySet> {
  return actOnKeySet(house, act, { vaultId, sight, id, expected, verb: 'thaw' }, async () => ({
    frozen_at: null,
  }));
}

/**
 * Deletes a key set that has no CloudKey but DELETED ones and no live credential. Their external key ids stay spent:
 * AWS may have bound KMS keys to them.
 */
export async function deleteKeySet(
  house: House,
  act: Act,
  vaultId: string,
  sight: Sight,
  id: string,
  expected?: number,
): Promise<void> {
  await house.store.change(async (trx) => {
    const before = await findKeySetIn(trx, vaultId, sight, id);
    checkRowVersion(before, expected);
    await checkUnused(trx, before, act.at, 'it cannot be deleted');
    await removeKeySet(trx, before, act.at);
    await record(trx, act, { ...keySetEntry('delete', before), before: auditedKeySet(before) });
  });
}

/** Takes the rows away, with the tombstones and withdrawn credentials. What is in the token must be gone already. */
export async function removeKeySet(
  trx: Transaction<Tables>,
  { id }: Pick<KeySet, 'id'>,
  now: Date,
): Promise<void> {
  const keys = () => trx.selectFrom('cloud_keys').where('key_set_id', '=', id);
  const credentials = () => trx.selectFrom('xks_credentials').where('key_set_id', '=', id);
  await trx
    .insertInto('spent_external_keys')
    .columns(['external_key_id', 'cloud_key_id', 'spent_at'])
    .expression(keys().select((eb) => ['external_key_id', 'id', eb.val(now.toISOString()).as('spent_at')]))
    .execute();
  await trx
    .deleteFrom('uses')
    .where((eb) =>
      eb.or([eb('id', 'in', keys().select('id')), eb('id', 'in', credentials().select('access_key_id'))]),
    )
    .execute();
  await trx.deleteFrom('key_versions').where('cloud_key_id', 'in', keys().select('id')).execute();
  await trx.deleteFrom('cloud_keys').where('key_set_id', '=', id).execute();
  await trx.deleteFrom('xks_credentials').where('key_set_id', '=', id).execute();
  await trx.deleteFrom('key_sets').where('id', '=', id).execute();
}

type Change = Partial<Omit<KeySet, 'id' | 'vault_id' | 'row_version' | 'created_at' | 'updated_at'>>;

/** One act on one key set in one transaction. What changes nothing is no act. */
async function actOnKeySet(
  house: House,
  act: Act,
  on: { vaultId: string; sight: Sight; id: string; expected: number | undefined; verb: string },
  plan: (trx: Transaction<Tables>, before: CountedKeySet) => Promise<Change>,
): Promise<CountedKeySet> {
  return house.store.change(async (trx) => {
    const before = await findKeySetIn(trx, on.vaultId, on.sight, on.id);
    checkRowVersion(before, on.expected);
    const change = await plan(trx, before);
    if (!changes<KeySet>(before, change)) return before;
    const after = await trx
      .updateTable('key_sets')
      .set((eb) => ({ ...change, row_version: eb('row_version', '+', 1), updated_at: act.at.toISOString() }))
      .where('id', '=', on.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await record(trx, act, {
      ...keySetEntry(on.verb, after),
      before: auditedKeySet(before),
      after: auditedKeySet(after),
    });
    return { ...after, cloud_keys: before.cloud_keys };
  });
}

/** What is told, parsed; what is left out stays out. */
function parseWish(wish: Edit<KeySetWish>): Change {
  return {
    ...(wish.name === undefined ? {} : { name: parseName(wish.name) }),
    ...(wish.description === undefined ? {} : { description: parseDescription(wish.description) }),
    ...(wish.adminGroupId === undefined ? {} : { admin_group_id: wish.adminGroupId }),
    ...(wish.cspAccountId === undefined ? {} : { csp_account_id: wish.cspAccountId }),
    ...(wish.token === undefined ? {} : { token: wish.token }),
    ...(wish.externalKeyStore === undefined ? {} : { external_key_store: wish.externalKeyStore ? 1 : 0 }),
    ...(wish.pathPrefix === undefined ? {} : { path_prefix: parsePathPrefix(wish.pathPrefix) }),
    ...(wish.rotationDays === undefined ? {} : { rotation_days: parseRotationDays(wish.rotationDays) }),
    ...(wish.quota === undefined ? {} : parseQuota(wish.quota)),
  };
}
