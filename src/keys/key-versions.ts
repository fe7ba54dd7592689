import type { Transaction } from 'kysely';
import { record, type Act } from '../evidence/trail.ts';
import { leaveUnrecorded, type SeenVersion } from '../store/act-transaction.ts';
import { serves } from '../store/read-back.ts';
import type { Tables } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { versionObjectId } from '../token/own-keys.ts';
import { bumpRecord } from '../vault/edit-record.ts';
import { rotateAt } from './encryption-limits.ts';
import { checkRowVersion, type VaultContext } from '../vault/context.ts';
import type { KeyContext } from './followers.ts';
import { rollBackVersion, takeBackVersion } from './interrupted.ts';
import { generateVersion, versionToMake } from './key-generation.ts';
import { auditedKey, keyEntry, keyState, type CloudKeyRecord } from './key-records.ts';
import type { KeySet } from './key-sets/key-set-records.ts';
import { isBeingPlanned } from './rotation-plan.ts';
import { rotationAfter, rotationDays } from './rotation-time.ts';
import { VaultError } from '../vault/vault-error.ts';

/**
 * Why a new version is made: someone asked; its schedule says so; the current one nears its limit of encryptions; or a
 * process was stopped between making it and using it.
 */
export type RotationReason = 'asked' | 'schedule' | 'limit' | 'interrupted';

/** A version that is finished this long after it was begun may have been in use, milliseconds. */
const longAgo = 60 * 60 * 1000;
/** A version PENDING for longer than this is not being made any more, milliseconds: twice what the token is given. */
const underWay = 30_000;

/**
 * Makes a new version; new ciphertext uses it from the moment this returns, old ciphertext stays readable. The number
 * is one more than any the key has had, so that two rotations at once, or one that was interrupted, never meet.
 *
 * By schedule several processes may come at once: where `key` is not as it was any more, or another is at it, nothing is
 * done, and the key is answered as it is. Throws VaultError `conflict` for a key that is neither AVAILABLE nor DISABLED,
 * `precondition`; TokenError.
 */
export async function rotateCloudKey(
  context: KeyContext,
  act: Act,
  key: CloudKeyRecord,
  why: 'asked' | 'schedule',
  expected?: SeenVersion,
): Promise<CloudKeyRecord> {
  const begun = await context.store.change(act, async (trx) => {
    leaveUnrecorded(trx, 'being made');
    const { key: current, keySet } = await existing(trx, key.id);
    checkRowVersion(current, expected);
    // The row has another version once the token has made the key: until then it is the rotation that tells of itself.
    if (expected !== undefined && (await isBeingRotated(trx, current, trx.at)))
      throw new VaultError('precondition', 'it is being rotated; look at it again, then try again');
    if (why === 'schedule' && !(await isDue(trx, key, current, act.at))) return { current };
    checkRotatable(current, act.at);
    return { current, keySet, version: await beginVersion(trx, context.instance, current, trx.at) };
  });
  if (begun.version === undefined) return begun.current;
  const proof = await makeKeyObject(context, begun.keySet, begun.current, begun.version);
  return activateOrRollBack(context, act, begun.keySet, begun.current, begun.version, why, proof);
}

/**
 * Puts a version into use that was just made for this act; undone where that is refused, as when whoever asked for it may
 * no longer.
 */
// oxlint-disable-next-line max-params -- no two of one type: they cannot change places
export async function activateOrRollBack(
  context: KeyContext,
  act: Act,
  keySet: Pick<KeySet, 'token'>,
  key: CloudKeyRecord,
  version: number,
  why: RotationReason,
  proof: Buffer | null,
): Promise<CloudKeyRecord> {
  try {
    return await activateVersion(context, act, key, version, why, proof);
  } catch (error) {
    // What cannot be undone now is left for reconcile; the caller is told what led here.
    await rollBackVersion(context, keySet, key, version).catch(() => undefined);
    throw error;
  }
}

/**
 * Makes the key object of a version that is on record as PENDING, and gives its proof, null for a key that can have none.
 * Where that fails the record is taken back.
 */
export async function makeKeyObject(
  context: KeyContext,
  keySet: Pick<KeySet, 'id' | 'vault_id' | 'token'>,
  key: CloudKeyRecord,
  version: number,
): Promise<Buffer | null> {
  try {
    return await generateVersion(context.tokens.pool(keySet.token), versionToMake(keySet, key, version));
  } catch (error) {
    await takeBackVersion(context, keySet, key, version, error);
    throw error;
  }
}

/**
 * Puts a version into use whose key object is in the token, and a CREATING key with it; on the record as the creation or
 * the rotation that it ends. A version that is not PENDING, or with `madeBy` not that process's (any more), or of a DELETED
 * key, is left as it is.
 */
// oxlint-disable-next-line max-params -- no two of one type: they cannot change places
export async function activateVersion(
  context: Pick<VaultContext, 'now'> & { store: Pick<Store, 'change'> },
  act: Act,
  { id }: Pick<CloudKeyRecord, 'id'>,
  version: number,
  why: RotationReason,
  proof: Buffer | null,
  madeBy?: string,
): Promise<CloudKeyRecord> {
  return context.store.change(act, async (trx) => {
    if (why === 'limit') serves(trx);
    const { key: before, keySet } = await existing(trx, id);
    if (before.state === 'DELETED') return before;
    const activated = await trx
      .updateTable('key_versions')
      .set((eb) => ({
        state: 'ACTIVE' as const,
        proof,
        // The proof is an encryption too.
        encryptions_leased: eb('encryptions_leased', '+', proof === null ? 0 : 1),
      }))
      .where('cloud_key_id', '=', id)
      .where('version', '=', version)
      .where('state', '=', 'PENDING')
      .$if(madeBy !== undefined, (own) => own.where('made_by', '=', madeBy ?? ''))
      .executeTakeFirst();
    if (activated.numUpdatedRows === 0n) return before;
    if (why === 'interrupted') await countAsUsed(trx, id, version, context.now());
    const isNew = before.state === 'CREATING';
    // The wall clock again: the token may have taken its time, and the next rotation counts from the activation.
    const now = context.now();
    const due = before.next_rotation_at === null ? null : new Date(before.next_rotation_at);
    // A key that was scheduled for deletion meanwhile keeps that state, and is not rotated again.
    const rotates = isNew || ['AVAILABLE', 'DISABLED', 'EXPIRED'].includes(before.state);
    const next = rotates ? rotationAfter(isNew ? null : due, rotationDays(before, keySet), now) : null;
    const after = await bumpRecord(trx, 'cloud_keys', before, {
      // Of two rotations at once the later version stays current, whichever ends first.
      current_version: Math.max(before.current_version, version),
      ...(isNew ? { state: 'AVAILABLE' as const } : {}),
      rotated_at: now.toISOString(),
      next_rotation_at: next?.toISOString() ?? null,
    });
    await record(trx, act, {
      ...keyEntry(isNew ? 'create' : 'rotate', keySet.vault_id, after),
      ...(isNew
        ? { after: auditedKey(after) }
        : { before: auditedKey(before), after: { ...auditedKey(after), version, why } }),
    });
    return after;
  });
}

/**
 * A version that was begun long ago and is found unfinished: perhaps the store is an older one that was put back, and the
 * version was in use since. It counts as worn out, so that the next encryption has another made.
 */
async function countAsUsed(trx: Transaction<Tables>, id: string, version: number, now: Date): Promise<void> {
  await trx
    .updateTable('key_versions')
    .set({ encryptions_leased: rotateAt })
    .where('cloud_key_id', '=', id)
    .where('version', '=', version)
    .where('created_at', '<', new Date(now.getTime() - longAgo).toISOString())
    .execute();
}

interface KeyAndSet {
  key: CloudKeyRecord;
  keySet: KeySet;
}

export async function readKeyAndSet(trx: Transaction<Tables>, id: string): Promise<KeyAndSet | undefined> {
  const key = await trx.selectFrom('cloud_keys').selectAll().where('id', '=', id).executeTakeFirst();
  if (key === undefined) return undefined;
  const keySet = await trx
    .selectFrom('key_sets')
    .selectAll()
    .where('id', '=', key.key_set_id)
    .executeTakeFirstOrThrow();
  return { key, keySet };
}

async function existing(trx: Transaction<Tables>, id: string): Promise<KeyAndSet> {
  const found = await readKeyAndSet(trx, id);
  if (found === undefined) throw new VaultError('not-found', 'there is no such CloudKey');
  return found;
}

async function isDue(
  trx: Transaction<Tables>,
  seen: CloudKeyRecord,
  current: CloudKeyRecord,
  now: Date,
): Promise<boolean> {
  if (current.current_version !== seen.current_version) return false;
  if (current.rotation === 'INHERIT' && (await isBeingPlanned(trx, current.key_set_id))) return false;
  if (current.next_rotation_at === null || current.next_rotation_at > now.toISOString()) return false;
  return !(await isBeingRotated(trx, current, now));
}

/** Whether a version of it that was begun in the last `within` milliseconds is being made, as far as anybody can tell. */
export async function isBeingRotated(
  trx: Transaction<Tables>,
  { id }: Pick<CloudKeyRecord, 'id'>,
  now: Date,
  within = underWay,
): Promise<boolean> {
  const other = await trx
    .selectFrom('key_versions')
    .select('version')
    .where('cloud_key_id', '=', id)
    .where('state', '=', 'PENDING')
    .where('made_by', '<>', '')
    .where('created_at', '>', new Date(now.getTime() - within).toISOString())
    // One that was begun while the clock stood ahead is not waited for until then.
    .where('created_at', '<', new Date(now.getTime() + within).toISOString())
    .executeTakeFirst();
  return other !== undefined;
}

export function isRotatable(key: CloudKeyRecord, now: Date): boolean {
  return ['AVAILABLE', 'DISABLED'].includes(keyState(key, now));
}

function checkRotatable(key: CloudKeyRecord, now: Date): void {
  if (!isRotatable(key, now))
    throw new VaultError(
      'conflict',
      `the CloudKey is ${keyState(key, now)}: only AVAILABLE and DISABLED ones are rotated`,
    );
}

/** Puts on record, as PENDING and in the hands of `madeBy`, that the key object of a next version is being made. */
export async function beginVersion(
  trx: Transaction<Tables>,
  madeBy: string,
  { id }: Pick<CloudKeyRecord, 'id'>,
  now: Date,
): Promise<number> {
  const { latest } = await trx
    .selectFrom('key_versions')
    .select((eb) => eb.fn.max('version').as('latest'))
    .where('cloud_key_id', '=', id)
    .executeTakeFirstOrThrow();
  const version = latest + 1;
  await trx
    .insertInto('key_versions')
    .values({
      cloud_key_id: id,
      version,
      object_id: versionObjectId(id, version),
      state: 'PENDING',
      origin: 'holdfast',
      made_by: madeBy,
      created_at: now.toISOString(),
      destroyed_at: null,
    })
    .execute();
  return version;
}
