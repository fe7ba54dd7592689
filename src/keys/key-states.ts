import type { Transaction } from 'kysely';
import { record, type Act } from '../evidence/trail.ts';
import type { Tables } from '../store/schema.ts';
import type { ActTransaction, ChangeTransaction } from '../store/store.ts';
import type { Edit } from '../vault/edits.ts';
import { checkRowVersion, type Target } from '../vault/context.ts';
import { checkKeyName } from './key-checks.ts';
import {
  auditedKey,
  findCloudKeyIn,
  keyEntry,
  keyState,
  keyWillStand,
  type CloudKeyRecord,
  type UsedCloudKey,
} from './key-records.ts';
import { findKeySetIn } from './key-sets/key-set-records.ts';
import { parseKeyInput, type CloudKeyInput } from './key-input.ts';
import type { CloudSide, KeyContext, KeyFollower } from './followers.ts';
import { deletionDays } from '../vault/limits.ts';
import { nextRotation, rotationDays } from './rotation-time.ts';
import { VaultError } from '../vault/vault-error.ts';
import { bumpRecord, editRecord } from '../vault/edit-record.ts';

const day = 86_400_000;

/**
 * Changes what is told of a CloudKey. A later `expiresAt` makes an EXPIRED one DISABLED: it serves again once it is
 * enabled. A new schedule counts from the last rotation. What its KMS keys have as it has it follows; with `applyToKms`
 * AWS is given it too, else it shows there as drift.
 */
export async function updateCloudKey(
  context: KeyContext,
  act: Act,
  { vaultId, sight, id, expected }: Target,
  input: Edit<CloudKeyInput>,
  applyToKms = false,
): Promise<UsedCloudKey> {
  const change = parseKeyInput(input, act.at);
  return actOnKey(context, act, { vaultId, sight, id, expected, verb: 'update' }, async (trx, before) => {
    const state = keyState(before, act.at);
    if (state === 'PENDING_DELETION')
      throw new VaultError('conflict', 'the CloudKey will be deleted', 'cancel its deletion first');
    if (state === 'CREATING' || state === 'DELETED') throw notThere(state);
    const wanted = { ...before, ...change };
    await checkKeyName(trx, wanted);
    const isRescheduled =
      wanted.rotation !== before.rotation || wanted.rotation_days !== before.rotation_days;
    for (const follower of context.followers) await follower.changed(trx, act, before, wanted, applyToKms);
    return {
      ...change,
      ...(isRescheduled ? await plannedRotation(trx, vaultId, wanted, act.at) : {}),
      ...(state === 'EXPIRED' && change.expires_at !== undefined ? { state: 'DISABLED' as const } : {}),
    };
  });
}

/**
 * From the moment this returns every later request of every worker is refused (promise 2). With `both` the KMS keys are
 * wanted disabled from then on too; AWS is asked afterwards and nothing waits for it.
 */
export async function disableCloudKey(
  context: KeyContext,
  act: Act,
  { vaultId, sight, id, expected }: Target,
  cloud: CloudSide = 'ours',
): Promise<UsedCloudKey> {
  return actOnKey(context, act, { vaultId, sight, id, expected, verb: 'disable' }, async (trx, before) => {
    checkAble(before, act.at);
    if (cloud === 'both') await wantedOfFollowers(context, trx, act, id, 'DISABLE');
    return { state: 'DISABLED' };
  });
}

export async function enableCloudKey(
  context: KeyContext,
  act: Act,
  { vaultId, sight, id, expected }: Target,
  cloud: CloudSide = 'ours',
): Promise<UsedCloudKey> {
  return actOnKey(context, act, { vaultId, sight, id, expected, verb: 'enable' }, async (trx, before) => {
    checkAble(before, act.at);
    if (cloud === 'both') await wantedOfFollowers(context, trx, act, id, 'ENABLE');
    return { state: 'AVAILABLE' };
  });
}

/**
 * Disables a CloudKey at once, and has its key objects destroyed after so many days. Until then it can be cancelled;
 * what AWS encrypted with it cannot be read afterwards.
 */
export async function scheduleDeletion(
  context: KeyContext,
  act: Act,
  { vaultId, sight, id, expected }: Target,
  days: number,
  cloud: CloudSide = 'ours',
): Promise<UsedCloudKey> {
  const { min, max } = deletionDays;
  if (!Number.isInteger(days) || days < min || days > max)
    throw new VaultError('invalid', `the waiting time is a whole number of days from ${min} to ${max}`);
  const deletion_at = new Date(act.at.getTime() + days * day).toISOString();
  return actOnKey(
    context,
    act,
    { vaultId, sight, id, expected, verb: 'schedule-deletion' },
    async (trx, before) => {
      const state = keyState(before, act.at);
      if (state === 'CREATING' || state === 'DELETED') throw notThere(state);
      if (state === 'PENDING_DELETION')
        throw new VaultError(
          'conflict',
          'the deletion of the CloudKey is already scheduled',
          'cancel it first to choose another waiting time',
        );
      if (cloud === 'both') await wantedOfFollowers(context, trx, act, id, 'SCHEDULE_DELETION', days);
      return { state: 'PENDING_DELETION', deletion_at, next_rotation_at: null };
    },
  );
}

/** The CloudKey is DISABLED afterwards. One that is DISABLED already stays as it is. */
export async function cancelDeletion(
  context: KeyContext,
  act: Act,
  { vaultId, sight, id, expected }: Target,
  cloud: CloudSide = 'ours',
): Promise<UsedCloudKey> {
  return actOnKey(
    context,
    act,
    { vaultId, sight, id, expected, verb: 'cancel-deletion' },
    async (trx, before) => {
      const state = keyState(before, act.at);
      if (state === 'CREATING' || state === 'DELETED') throw notThere(state);
      if (cloud === 'both' && (state === 'DISABLED' || state === 'PENDING_DELETION'))
        await wantedOfFollowers(context, trx, act, id, 'CANCEL_DELETION');
      if (state === 'DISABLED') return {};
      if (state !== 'PENDING_DELETION')
        throw new VaultError('conflict', 'the deletion of the CloudKey is not scheduled');
      const planned = await plannedRotation(trx, vaultId, before, act.at);
      return { state: 'DISABLED', deletion_at: null, ...planned };
    },
  );
}

/** Writes that its end has passed: requests are refused from that moment on in any case. */
export async function expireKey(
  trx: ChangeTransaction,
  act: Act,
  vaultId: string,
  before: CloudKeyRecord,
): Promise<void> {
  const after = await bumpRecord(trx, 'cloud_keys', before, { state: 'EXPIRED' });
  keyWillStand(trx, after);
  await record(trx, act, {
    ...keyEntry('expire', vaultId, after),
    before: auditedKey(before),
    after: auditedKey(after),
  });
}

/** What is wanted of what follows the CloudKey, in the transaction of the act on it. */
async function wantedOfFollowers(
  { followers }: Pick<KeyContext, 'followers'>,
  ...wanted: Parameters<KeyFollower['wanted']>
): Promise<void> {
  for (const follower of followers) await follower.wanted(...wanted);
}

type Change = Partial<
  Omit<CloudKeyRecord, 'id' | 'key_set_id' | 'row_version' | 'created_at' | 'updated_at'>
>;

/** One act on one CloudKey in one transaction. What changes nothing is no act. */
async function actOnKey(
  context: KeyContext,
  act: Act,
  on: Target & { verb: string },
  plan: (trx: ActTransaction, before: UsedCloudKey) => Promise<Change>,
): Promise<UsedCloudKey> {
  return context.store.change(act, async (trx) => {
    const before = await findCloudKeyIn(trx, on.vaultId, on.sight, on.id);
    checkRowVersion(before, on.expected);
    const change = await plan(trx, before);
    const row = await editRecord(trx, 'cloud_keys', before, change);
    if (row === undefined) return before;
    if (takesAway(before, row)) keyWillStand(trx, row);
    await record(trx, act, {
      ...keyEntry(on.verb, on.vaultId, row),
      before: auditedKey(before),
      after: auditedKey(row),
    });
    return { ...before, ...row };
  });
}

/** Whether requests that were answered before are refused after it, now or from an earlier time on. */
function takesAway(before: CloudKeyRecord, after: CloudKeyRecord): boolean {
  return (
    (before.state === 'AVAILABLE' && after.state !== 'AVAILABLE') ||
    before.expires_at !== after.expires_at ||
    before.deletion_at !== after.deletion_at
  );
}

async function plannedRotation(
  trx: Transaction<Tables>,
  vaultId: string,
  key: CloudKeyRecord,
  now: Date,
): Promise<{ next_rotation_at: string | null }> {
  const keySet = await findKeySetIn(trx, vaultId, 'all', key.key_set_id);
  const next = nextRotation(new Date(key.rotated_at), rotationDays(key, keySet), now);
  return { next_rotation_at: next?.toISOString() ?? null };
}

/** Only what is AVAILABLE or DISABLED is disabled or enabled. */
function checkAble(key: CloudKeyRecord, now: Date): void {
  const state = keyState(key, now);
  switch (state) {
    case 'AVAILABLE':
    case 'DISABLED':
      return;
    case 'EXPIRED':
      throw new VaultError('conflict', 'the CloudKey has expired', 'give it a later expiresAt first');
    case 'PENDING_DELETION':
      throw new VaultError('conflict', 'the CloudKey will be deleted', 'cancel its deletion first');
    case 'CREATING':
    case 'DELETED':
      throw notThere(state);
  }
}

function notThere(state: 'CREATING' | 'DELETED'): VaultError {
  return state === 'CREATING'
    ? new VaultError('conflict', 'the CloudKey is being made', 'wait a moment, then try again')
    : new VaultError('conflict', 'the CloudKey was deleted, which is permanent');
}
