import { AwsError } from '../aws/aws-error.ts';
import { deleteAccessKey, listAccessKeys } from '../aws/iam-access-keys.ts';
import { isKnownToKms, whoIs } from '../aws/identity-check.ts';
import { isSettling, removed } from '../aws/presence.ts';
import type { ReadingAwsContext } from '../controller/context.ts';
import { Waiting, type Turn } from '../controller/resource.ts';
import type { ActTransaction } from '../../store/store.ts';
import { rotationAfter } from '../../keys/rotation-time.ts';
import { VaultError } from '../../vault/vault-error.ts';
import { isAsRead, type AccessKeyPlan, type AccessKeyStep } from './access-key-creating.ts';
import { currentUser, userAccount, userOf, type RotatedAccount } from './access-key-sign-in.ts';
import { isShared } from './access-keys.ts';
import { accountEntry } from './records.ts';
import { openKey, regionOf, type CspAccessKey, type OpenKey } from './sign-in.ts';

/* VERIFYING and SWITCHED: the new access key is tried, put in the place of the old one, and that is deleted. */

/** Whether the new access key is known wherever it will be needed; where it is not, how IAM lists it. */
export interface SeenWhileVerifying {
  step: 'VERIFYING';
  next: 'known' | 'active' | 'inactive' | 'unlisted' | 'unmade';
}

function keysOf({ keys }: RotatedAccount) {
  return {
    next: keys.find(({ state }) => state === 'NEXT'),
    current: keys.find(({ state }) => state === 'CURRENT'),
  };
}

export async function observeVerifying({ context }: Turn, row: RotatedAccount): Promise<SeenWhileVerifying> {
  const { next, current } = keysOf(row);
  if (next === undefined || current === undefined) return { step: 'VERIFYING', next: 'unmade' };
  try {
    await tryNext(context, row, await openKey(context, row, next));
    return { step: 'VERIFYING', next: 'known' };
  } catch (error) {
    if (!(error instanceof AwsError) || error.fault !== 'credentials') throw error;
  }
  const aws = await currentUser(context, row);
  const listed = (await listAccessKeys(aws, await userOf(aws))).find(({ id }) => id === next.access_key_id);
  if (listed === undefined) return { step: 'VERIFYING', next: 'unlisted' };
  return { step: 'VERIFYING', next: listed.active ? 'active' : 'inactive' };
}

/** Throws AwsError `credentials` where a part of AWS does not know it. */
async function tryNext(context: ReadingAwsContext, row: RotatedAccount, next: OpenKey): Promise<void> {
  const aws = userAccount(context, row, next);
  const { accountId } = await whoIs(aws);
  if (row.type === 'access-key' && accountId !== row.aws_account_id)
    throw new VaultError(
      'conflict',
      'the new access key is of another AWS account',
      'tell Holdfast’s makers',
    );
  if (row.type === 'role') return;
  for (const region of await regionsOf(context, row)) await isKnownToKms(aws, region);
}

/** Where the account is used: its default Region and those of its external key stores, as far as KMS takes it there. */
async function regionsOf(context: ReadingAwsContext, row: RotatedAccount): Promise<string[]> {
  const stores = await context.store.db
    .selectFrom('external_key_stores')
    .select('region')
    .distinct()
    .where('csp_account_id', '=', row.id)
    .execute();
  const aws = await currentUser(context, row);
  const known: string[] = [];
  for (const region of new Set([regionOf(row), ...stores.map((one) => one.region)])) {
    try {
      await isKnownToKms(aws, region);
      known.push(region);
    } catch (error) {
      // A Region that is not enabled in the AWS account: the new access key will not be known there either.
      if (!(error instanceof AwsError) || error.fault !== 'credentials') throw error;
    }
  }
  return known;
}

/** What is not known may not have spread yet; or somebody has deleted or deactivated it. */
export function stepOfVerifying(
  row: RotatedAccount,
  { next: seen }: SeenWhileVerifying,
  now: Date,
): AccessKeyStep | Waiting {
  const { next, current } = keysOf(row);
  if (next === undefined || current === undefined) return recordOnly(restarted(row));
  switch (seen) {
    case 'known':
      return recordOnly(switched(row, current, next, now));
    case 'inactive':
      throw new VaultError(
        'conflict',
        `the new access key, ${next.access_key_id}, was made inactive in IAM`,
        'activate it in IAM, or delete it there: then another is made',
      );
    case 'unmade':
    case 'unlisted':
      return isSettling(new Date(next.created_at), now) ? notYet() : recordOnly(restarted(row));
    case 'active':
      return notYet();
  }
}

/** AWS does not know the new access key everywhere yet. */
function notYet(): Waiting {
  return new Waiting(null, 'settling');
}

function recordOnly(plan: AccessKeyPlan): AccessKeyStep {
  return { operation: '', changes: false, call: async () => plan };
}

function switched(row: RotatedAccount, current: CspAccessKey, next: CspAccessKey, at: Date): AccessKeyPlan {
  return (now) => {
    if (!isAsRead(now, row)) return undefined;
    const { access_key_rotation_days: days, next_access_key_rotation_at: due } = now;
    return {
      change: {
        access_key_rotation: 'SWITCHED',
        access_key_rotation_known: null,
        next_access_key_rotation_at:
          rotationAfter(due === null ? null : new Date(due), days, at)?.toISOString() ?? null,
      },
      also: async (trx) => {
        const set = async (key: CspAccessKey, state: CspAccessKey['state']) =>
          trx
            .updateTable('csp_access_keys')
            .set({ state })
            .where('csp_account_id', '=', row.id)
            .where('access_key_id', '=', key.access_key_id)
            .execute();
        await set(current, 'OLD');
        await set(next, 'CURRENT');
      },
      entries: [
        {
          ...accountEntry('rotate-access-key', now),
          before: { accessKeyId: current.access_key_id },
          after: { accessKeyId: next.access_key_id },
        },
      ],
      again: true,
    };
  };
}

/** Begins again: what the rotation had made is there no more. */
function restarted(row: RotatedAccount): AccessKeyPlan {
  return (now) =>
    isAsRead(now, row)
      ? { change: { access_key_rotation: 'CREATING' }, also: forget(row, 'NEXT'), again: true }
      : undefined;
}

function forget({ id }: RotatedAccount, state: CspAccessKey['state']) {
  return async (trx: ActTransaction): Promise<void> => {
    await trx
      .deleteFrom('csp_access_keys')
      .where('csp_account_id', '=', id)
      .where('state', '=', state)
      .execute();
  };
}

/** Deletes the old access key in IAM, with the new one, and ends the rotation. */
export function stepOfSwitched({ context }: Turn, row: RotatedAccount): AccessKeyStep {
  const old = row.keys.filter(({ state }) => state === 'OLD');
  return {
    ...{ operation: 'DeleteAccessKey', changes: true },
    call: async () => {
      // What is signed in with from now on.
      context.aws.forget(row.id);
      const aws = await currentUser(context, row);
      try {
        const userName = await userOf(aws);
        for (const { access_key_id: id, created_at } of old) {
          // Since the rotation began; the other account would sign in no more.
          if (await isShared(context.store.db, row.id, id)) throw sharedSince(id);
          const sighting = { madeAt: new Date(created_at), seenAt: null };
          await removed(async () => deleteAccessKey(aws, userName, id), sighting, context.now());
        }
      } catch (error) {
        // What AWS was tried with knew it; another part of AWS may not yet.
        const isNew = row.keys.some(
          ({ state, created_at }) => state === 'CURRENT' && isSettling(new Date(created_at), context.now()),
        );
        if (isNew && error instanceof AwsError && error.fault === 'credentials') return notYet();
        throw error;
      }
      return (now) =>
        isAsRead(now, row)
          ? {
              change: { access_key_rotation: null, access_key_rotation_known: null },
              also: forget(row, 'OLD'),
              entries: [
                {
                  ...accountEntry('delete-old-access-key', now),
                  before: { accessKeyIds: old.map(({ access_key_id }) => access_key_id) },
                },
              ],
            }
          : undefined;
    },
  };
}

function sharedSince(accessKeyId: string): VaultError {
  return new VaultError(
    'conflict',
    `another CSP account signs in with the access key ${accessKeyId}, which was replaced here: it is not deleted in IAM`,
    'give that CSP account an access key of its own: then this one is deleted',
  );
}
