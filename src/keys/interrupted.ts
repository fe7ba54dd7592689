import { forgetCreation } from '../evidence/trail.ts';
import { leaveUnrecorded } from '../store/act-transaction.ts';
import type { ActTransaction } from '../store/store.ts';
import { TokenError } from '../token/faults.ts';
import { versionObjectId } from '../token/own-keys.ts';
import { noteOn } from '../vault/edit-record.ts';
import type { VaultContext } from '../vault/context.ts';
import type { KeyContext } from './followers.ts';
import type { CloudKeyRecord } from './key-records.ts';
import { destroyOnMembers, membersInUse } from './hsm/group-members.ts';
import { noteGone } from './hsm/hsms-not-asked.ts';
import { identityOfVersion } from './key-identities.ts';
import type { KeySet } from './key-sets/key-set-records.ts';
import { systemAct } from '../vault/system-act.ts';

/*
 * What is left of an act that did not come to its end: a CloudKey that is CREATING, a version that is PENDING. Only the
 * process in `made_by` may be at it; once that is gone, or '', reconcile ends the act (activateVersion) or undoes it. A
 * CREATING key whose version is PENDING no more was being undone.
 */

/** Nobody is at an act any more that is this old, milliseconds: the token is given a quarter of a minute. */
export const maxAct = 120_000;

/** What a key generation that failed has left in the token: nothing of ours, what is to be destroyed, or what may come yet. */
export type LeftKeyObject = 'none' | 'left' | 'may-come';

/** Where the token had a key object of this id already, that is not ours to destroy: a restored store does not know it. */
export function keyObjectAfter(error: unknown): LeftKeyObject {
  const wasThere = error instanceof TokenError && error.fault === 'key-duplicate';
  if (neverSent(error) || wasThere) return 'none';
  return wasAnswered(error) ? 'left' : 'may-come';
}

/**
 * The token did not make the key object. The record is taken back where it is sure that no key object stays behind. One
 * that a failure left in the token, and that it does not destroy now, is destroyed later; one that may come yet, since
 * the token was late, is left for reconcile, said to be nobody's. Where the token had a key object of this id already it
 * stays: its version is found by reconcile.
 */
export async function takeBackVersion(
  context: KeyContext,
  keySet: Pick<KeySet, 'token'>,
  key: Pick<CloudKeyRecord, 'id'>,
  version: number,
  error: unknown,
): Promise<void> {
  switch (keyObjectAfter(error)) {
    case 'none':
      return forgetVersion(context, key, version);
    case 'left':
      return rollBackVersion(context, keySet, key, version);
    case 'may-come':
      return abandon(context, key, version);
  }
}

/**
 * Undoes a version that is PENDING, the creation with a first one: destroys its key object and takes its record back. One
 * that is in use already stays; one that the token does not destroy now is destroyed by reconcile.
 */
export async function rollBackVersion(
  context: KeyContext,
  keySet: Pick<KeySet, 'token'>,
  key: Pick<CloudKeyRecord, 'id'>,
  version: number,
): Promise<void> {
  if (!(await claim(context, key, version))) return;
  try {
    await destroy(context, keySet, key, version);
  } catch {
    // The fault that led here is what the caller is told.
    return abandon(context, key, version);
  }
  await forgetVersion(context, key, version);
}

async function forgetVersion(
  context: KeyContext,
  key: Pick<CloudKeyRecord, 'id'>,
  version: number,
): Promise<void> {
  await context.store.change(systemAct(context, 'interrupted'), async (trx) => {
    leaveUnrecorded(trx, 'being made');
    if (version === 1) return deleteCreation(context, trx, key);
    await trx
      .deleteFrom('key_versions')
      .where('cloud_key_id', '=', key.id)
      .where('version', '=', version)
      .where('state', 'in', ['PENDING', 'DESTROYING'])
      .execute();
  });
}

/**
 * Undoes a creation that was left behind: destroys the key object, if there is one, and takes the record back with its
 * Idempotency-Key, so that name and external key id are free again. A CloudKey that is not CREATING (any more) is left
 * alone. For reconcile. Throws TokenError; then it can be repeated.
 */
export async function undoCreation(
  context: KeyContext,
  keySet: Pick<KeySet, 'token'>,
  key: Pick<CloudKeyRecord, 'id'>,
): Promise<void> {
  if (!(await claim(context, key, 1))) return;
  await destroy(context, keySet, key, 1);
  await context.store.change(systemAct(context, 'interrupted'), async (trx) => {
    leaveUnrecorded(trx, 'being made');
    await deleteCreation(context, trx, key);
  });
}

/**
 * Undoes a rotation that was left behind: destroys the key object, if there is one. The number stays spent, since a
 * token that was slow might make the object yet. A version that is not PENDING (any more) is left alone; one whose key object
 * may be in a token that was replaced, or in an HSM that was not asked, stays DESTROYING. For reconcile. Throws TokenError; then the version is DESTROYING.
 */
export async function undoVersion(
  context: VaultContext,
  keySet: Pick<KeySet, 'token'>,
  key: Pick<CloudKeyRecord, 'id'>,
  version: number,
): Promise<void> {
  if (!(await claim(context, key, version))) return;
  const { destroyed, serials } = await destroy(context, keySet, key, version, 'every member');
  await context.store.change(systemAct(context, 'interrupted'), async (trx) => {
    leaveUnrecorded(trx, 'being made');
    const row = await trx
      .selectFrom('key_versions')
      .select('left_in')
      .where('cloud_key_id', '=', key.id)
      .where('version', '=', version)
      .executeTakeFirst();
    // It is in a token that was replaced.
    if (destroyed === 0 && row?.left_in !== null) return;
    const named = { cloudKeyId: key.id, version, token: keySet.token };
    if ((await noteGone(trx, named, serials)) !== undefined) return;
    await trx
      .updateTable('key_versions')
      .set({ state: 'DESTROYED', destroyed_at: context.now().toISOString() })
      .where('cloud_key_id', '=', key.id)
      .where('version', '=', version)
      .where('state', '=', 'DESTROYING')
      .execute();
  });
}

/**
 * Before a key object is destroyed its version is made DESTROYING: from then on nobody can put it into use, however late
 * its maker is. False where somebody has: then it must stay.
 */
async function claim(
  context: VaultContext,
  { id }: Pick<CloudKeyRecord, 'id'>,
  version: number,
): Promise<boolean> {
  return context.store.change(systemAct(context, 'interrupted'), async (trx) => {
    leaveUnrecorded(trx, 'being made');
    const claimed = await trx
      .updateTable('key_versions')
      .set({ state: 'DESTROYING' })
      .where('cloud_key_id', '=', id)
      .where('version', '=', version)
      .where('state', '=', 'PENDING')
      .executeTakeFirst();
    if (claimed.numUpdatedRows > 0n) return true;
    // An undoing of a creation that was interrupted itself.
    const creating = await trx
      .selectFrom('cloud_keys')
      .select('id')
      .where('id', '=', id)
      .where('state', '=', 'CREATING')
      .executeTakeFirst();
    return version === 1 && creating !== undefined;
  });
}

async function deleteCreation(
  { followers }: KeyContext,
  trx: ActTransaction,
  { id }: Pick<CloudKeyRecord, 'id'>,
): Promise<void> {
  const creating = await trx
    .selectFrom('cloud_keys')
    .select('id')
    .where('id', '=', id)
    .where('state', '=', 'CREATING')
    .executeTakeFirst();
  if (creating === undefined) return;
  for (const follower of followers) await follower.undone(trx, id);
  await trx.deleteFrom('key_versions').where('cloud_key_id', '=', id).execute();
  await trx.deleteFrom('cloud_keys').where('id', '=', id).execute();
  await forgetCreation(trx, id);
}

async function abandon(
  context: VaultContext,
  { id }: Pick<CloudKeyRecord, 'id'>,
  version: number,
): Promise<void> {
  await context.store.change(systemAct(context, 'interrupted'), async (trx) => {
    leaveUnrecorded(trx, 'being made');
    await trx
      .updateTable('key_versions')
      .set({ made_by: '' })
      .where('cloud_key_id', '=', id)
      .where('version', '=', version)
      .where('state', 'in', ['PENDING', 'DESTROYING'])
      .execute();
    await noteOn(trx, 'cloud_keys')
      .set({ made_by: '' })
      .where('id', '=', id)
      .where('state', '=', 'CREATING')
      .execute();
  });
}

/**
 * Only what carries the id and the label of this version: it was never in use, so that it has no proof. Returns what
 * `destroyOnMembers` does. Of an HSM group a member that is down holds up only what is to be on record as DESTROYED: what it may
 * have of a record that is taken back, nobody has used, and reconcile tells it as an orphan.
 */
async function destroy(
  context: VaultContext,
  keySet: Pick<KeySet, 'token'>,
  { id }: Pick<CloudKeyRecord, 'id'>,
  version: number,
  on: 'every member' | 'members in use' = 'members in use',
): ReturnType<typeof destroyOnMembers> {
  const key = await context.store.db
    .selectFrom('cloud_keys')
    .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
    .select(['key_sets.vault_id as vaultId', 'key_set_id as keySetId', 'external_key_id as externalKeyId'])
    .where('cloud_keys.id', '=', id)
    .executeTakeFirst();
  // Somebody was at the same undoing, and has ended it.
  if (key === undefined) return { destroyed: 0, serials: [] };
  const objectId = versionObjectId(id, version);
  const facts = { ...key, cloudKeyId: id, version, objectId };
  const identity = identityOfVersion({ ...facts, origin: 'holdfast', label: null, proof: null });
  const pool = context.tokens.pool(keySet.token);
  const members = on === 'every member' ? pool.members : membersInUse(pool);
  return destroyOnMembers(pool, { key: objectId, identity }, members);
}

/** No host had the request: the making of a key is never repeated, so what failed before a host had it was not done. */
function neverSent(error: unknown): boolean {
  return (
    error instanceof TokenError &&
    (error.fault === 'unavailable' ||
      error.fault === 'overloaded' ||
      error.fault === 'other-token' ||
      error.call === 'queue')
  );
}

/** A host told of the failure. One that was late, or died over it, may have the token make the key yet. */
function wasAnswered(error: unknown): boolean {
  return error instanceof TokenError && error.fault !== 'timeout' && error.call !== 'token host';
}
