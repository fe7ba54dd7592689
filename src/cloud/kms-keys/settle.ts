import { isAwsCode } from '../aws/kms-errors.ts';
import type { KmsKeys } from '../aws/kms-keys.ts';
import { isGone, isSettling, lastsAfterSeen, notYetShown, orGone } from '../aws/presence.ts';
import type { Step, Turn } from '../controller/resource.ts';
import { cloudStatusOf, seenGone } from './look.ts';
import { dateOf, problemOf, seenOf, sightingOf, type KmsKey, type KmsKeyRow } from './records.ts';
import { confirmed } from './unshown.ts';
import { done, soonChecked, written, type KmsKeyChange } from './changes.ts';
import { kmsOf } from './connection.ts';
import { operationOf } from './tasks.ts';

type Wanted = NonNullable<KmsKeyRow['wanted']>;

interface End {
  /** AWS's word. */
  state: string;
  deletionAt: string | null;
}

/** The state that AWS has the key in once the input is fulfilled, and how that is told in the trail. */
const ends = {
  ENABLE: { state: 'Enabled', verb: 'enabled' },
  DISABLE: { state: 'Disabled', verb: 'disabled' },
  SCHEDULE_DELETION: { state: 'PendingDeletion', verb: 'deletion-scheduled' },
  CANCEL_DELETION: { state: 'Disabled', verb: 'deletion-cancelled' },
} as const satisfies Record<Wanted, { state: string; verb: string }>;

/** What each is as the state that was asked for. */
export const wantedStates = {
  ENABLE: 'ENABLED',
  DISABLE: 'DISABLED',
  SCHEDULE_DELETION: 'PENDING_DELETION',
  CANCEL_DELETION: 'DISABLED',
} as const satisfies Record<Wanted, KmsKeyRow['cloud_wish']>;

/** Has AWS do what was asked for. A wish that changed meanwhile stays. */
export function wantedStep({ context }: Turn, row: KmsKey, wanted: Wanted): Step<'kms_keys', KmsKey> {
  return {
    operation: operationOf(row),
    changes: true,
    call: async () => {
      const end = await fulfil(await kmsOf(context, row), row, wanted, context.now());
      return (now) => {
        const isSame = now.wanted === wanted;
        return {
          ...done(ends[wanted].verb, now, ended(now, wanted, end, context.now())),
          keepsPause: !isSame,
        };
      };
    },
  };
}

function ended(now: KmsKey, wanted: Wanted, { state, deletionAt }: End, at: Date): KmsKeyChange {
  return {
    ...(now.wanted === wanted ? { wanted: null, wanted_days: null } : {}),
    ...{ cloud_status: cloudStatusOf(state), cloud_status_at: at.toISOString() },
    ...(state === 'NotFound' ? {} : { ...written(at), ...confirmed(now, { state }, at) }),
    next_check_at: soonChecked(at),
    // A deletion that somebody cancelled in AWS, and then enabled the key: it is not to be disabled for that.
    ...(wanted === 'CANCEL_DELETION' && state === 'Enabled' ? { cloud_wish: 'ENABLED' as const } : {}),
    seen: withState(now, state, deletionAt),
  };
}

async function fulfil(kms: KmsKeys, row: KmsKey, wanted: Wanted, now: Date): Promise<End> {
  const { key_id, wanted_days } = row;
  const change = async () => ({
    state: ends[wanted].state,
    deletionAt: await ask(kms, key_id, wanted, wanted_days ?? 30),
  });
  try {
    // What is gone can be neither used nor deleted: both inputs hold.
    if (wanted !== 'DISABLE' && wanted !== 'SCHEDULE_DELETION') return await change();
    const result = await orGone(change, sightingOf(row), lastsAfterSeen.kmsKey, now);
    return isGone(result) ? seenGone(result) : result;
  } catch (error) {
    if (!isAwsCode(error, 'KMSInvalidStateException')) throw error;
    // As it is wanted already: by an earlier request whose answer was lost, or by somebody in AWS.
    const key = await kms.describe(key_id);
    if (holds(wanted, key.state)) return key;
    throw isSettling(dateOf(row.written_at), now) || isStale(row, wanted, key.state)
      ? notYetShown(error)
      : error;
  }
}

/** States from which AWS does what is wanted: where it shows one and refuses, it shows what was before. */
const from = {
  ENABLE: ['Enabled', 'Disabled'],
  DISABLE: ['Enabled', 'Disabled'],
  SCHEDULE_DELETION: ['Enabled', 'Disabled'],
  CANCEL_DELETION: ['PendingDeletion'],
} as const satisfies Record<Wanted, readonly string[]>;

/** At intervals of seconds that is ten minutes: what lasts for longer is told as what it is. */
const maxStaleLooks = 150;

/** Such as after a request that was obeyed, whose answer was lost, and which was sent once more. */
function isStale(row: KmsKey, wanted: Wanted, state: string): boolean {
  const last = problemOf(row);
  const looks = last?.fault === 'settling' ? last.times : 0;
  return looks < maxStaleLooks && (from[wanted] as readonly string[]).includes(state);
}

/** One that is pending deletion cannot be used either. */
function holds(wanted: Wanted, state: string): boolean {
  if (wanted === 'CANCEL_DELETION') return state !== 'PendingDeletion';
  return state === ends[wanted].state || (wanted === 'DISABLE' && state === 'PendingDeletion');
}

async function ask(kms: KmsKeys, keyId: string, wanted: Wanted, days: number): Promise<string | null> {
  switch (wanted) {
    case 'ENABLE':
      await kms.enable(keyId);
      return null;
    case 'DISABLE':
      await kms.disable(keyId);
      return null;
    case 'SCHEDULE_DELETION':
      return kms.scheduleDeletion(keyId, days);
    case 'CANCEL_DELETION':
      await kms.cancelDeletion(keyId);
      return null;
  }
}

function withState(row: KmsKey, state: string, deletionAt: string | null): string | null {
  const seen = seenOf(row);
  return seen === null ? null : JSON.stringify({ ...seen, state, deletionAt });
}
