import { setTimeout as delay } from 'node:timers/promises';
import { AwsError } from '../aws/aws-error.ts';
import { isSettling, removed } from '../aws/presence.ts';
import { deleteAccessKey, listAccessKeys } from '../aws/iam-access-keys.ts';
import { isKnownToKms, whoIs } from '../aws/identity-check.ts';
import {
  noProblem,
  NotYetError,
  openCurrent,
  userAccount,
  userOf,
  type Rotation,
} from './access-key-rotation-context.ts';
import { takeStep } from './access-key-rotation-records.ts';
import type { AwsContext } from './context.ts';
import { keysOf } from './access-keys.ts';
import { openKey, regionOf, type CspAccessKey, type OpenKey } from './sign-in.ts';
import type { CspAccountRecord } from './records.ts';
import { rotationAfter } from '../../keys/rotation-time.ts';
import { VaultError } from '../../vault/vault-error.ts';

/* The later steps of a rotation: the new access key is tried, put in the place of the old one, and that is deleted. */

/**
 * Tries the new access key wherever it will be needed, then switches over in one transaction. Throws NotYetError while
 * AWS does not know it everywhere.
 */
export async function verifyAndSwitch(
  rotation: Rotation,
  account: CspAccountRecord,
): Promise<CspAccountRecord> {
  const { context, act } = rotation;
  const keys = await keysOf(context.store.db, account.id);
  const next = keys.find(({ state }) => state === 'NEXT');
  const before = keys.find(({ state }) => state === 'CURRENT');
  if (next === undefined || before === undefined) return restart(rotation, account);
  const open = await openKey(context, account, next);
  try {
    await untilKnown(rotation, account, open, await openKey(context, account, before));
  } catch (error) {
    if (!(error instanceof AwsError) || error.fault !== 'credentials') throw error;
    return giveUpUnknown(rotation, account, before, next);
  }
  const { access_key_rotation_days: days, next_access_key_rotation_at: due } = account;
  const now = context.now();
  const switched = await takeStep(
    context,
    act,
    account,
    {
      access_key_rotation: 'SWITCHED',
      access_key_rotation_known: null,
      next_access_key_rotation_at:
        rotationAfter(due === null ? null : new Date(due), days, now)?.toISOString() ?? null,
      ...noProblem,
    },
    {
      also: async (trx) => {
        const set = async (key: CspAccessKey, state: CspAccessKey['state']) =>
          trx
            .updateTable('csp_access_keys')
            .set({ state })
            .where('csp_account_id', '=', account.id)
            .where('access_key_id', '=', key.access_key_id)
            .execute();
        await set(before, 'OLD');
        await set(next, 'CURRENT');
      },
      event: {
        verb: 'rotate-access-key',
        before: { accessKeyId: before.access_key_id },
        after: { accessKeyId: next.access_key_id },
      },
    },
  );
  context.aws.forget(account.id);
  return switched;
}

async function untilKnown(
  { context, pauses }: Rotation,
  account: CspAccountRecord,
  next: OpenKey,
  current: OpenKey,
): Promise<void> {
  const aws = userAccount(context, account, next);
  const regions = account.type === 'role' ? [] : await regionsOf(context, account, current);
  const attempt = async () => {
    const { accountId } = await whoIs(aws);
    if (account.type === 'access-key' && accountId !== account.aws_account_id)
      throw new VaultError(
        'conflict',
        'the new access key is of another AWS account',
        'tell Holdfast’s makers',
      );
    for (const region of regions) await isKnownToKms(aws, region);
  };
  for (const pause of pauses) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (!(error instanceof AwsError) || error.fault !== 'credentials') throw error;
      await delay(pause);
    }
  }
  await attempt();
}

/** Where the account is used: its default Region and those of its external key stores, as far as KMS takes it there. */
async function regionsOf(
  context: AwsContext,
  account: CspAccountRecord,
  current: OpenKey,
): Promise<string[]> {
  const stores = await context.store.db
    .selectFrom('external_key_stores')
    .select('region')
    .distinct()
    .where('csp_account_id', '=', account.id)
    .execute();
  const aws = userAccount(context, account, current);
  const known: string[] = [];
  for (const region of new Set([regionOf(account), ...stores.map((one) => one.region)])) {
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

/** AWS does not know the new access key: it has not spread yet, or somebody has deleted or deactivated it. */
async function giveUpUnknown(
  rotation: Rotation,
  account: CspAccountRecord,
  current: CspAccessKey,
  next: CspAccessKey,
): Promise<CspAccountRecord> {
  const { context } = rotation;
  const madeAt = new Date(next.created_at);
  const aws = userAccount(context, account, await openKey(context, account, current));
  const listed = (await listAccessKeys(aws, await userOf(aws))).find(({ id }) => id === next.access_key_id);
  if (listed?.active === false)
    throw new VaultError(
      'conflict',
      `the new access key, ${next.access_key_id}, was made inactive in IAM`,
      'activate it in IAM, or delete it there: then another is made',
    );
  if (listed !== undefined || isSettling(madeAt, context.now())) throw new NotYetError();
  return restart(rotation, account);
}

/** Begins again: what the rotation had made is there no more. */
async function restart({ context, act }: Rotation, account: CspAccountRecord): Promise<CspAccountRecord> {
  return takeStep(
    context,
    act,
    account,
    { access_key_rotation: 'CREATING' },
    {
      also: async (trx) => {
        await trx
          .deleteFrom('csp_access_keys')
          .where('csp_account_id', '=', account.id)
          .where('state', '=', 'NEXT')
          .execute();
      },
    },
  );
}

/** Deletes the old access key in IAM, with the new one, and ends the rotation. */
export async function deleteOld(
  { context, act }: Rotation,
  account: CspAccountRecord,
): Promise<CspAccountRecord> {
  const keys = await keysOf(context.store.db, account.id);
  const old = keys.filter(({ state }) => state === 'OLD');
  const aws = userAccount(context, account, await openCurrent(context, account));
  try {
    const userName = await userOf(aws);
    for (const { access_key_id: id, created_at } of old) {
      const sighting = { madeAt: new Date(created_at), seenAt: null };
      await removed(async () => deleteAccessKey(aws, userName, id), sighting, context.now());
    }
  } catch (error) {
    // What AWS was tried with knew it; another part of AWS may not yet.
    const isNew = keys.some(
      ({ state, created_at }) => state === 'CURRENT' && isSettling(new Date(created_at), context.now()),
    );
    if (isNew && error instanceof AwsError && error.fault === 'credentials') throw new NotYetError();
    throw error;
  }
  return takeStep(
    context,
    act,
    account,
    { access_key_rotation: null, access_key_rotation_known: null, ...noProblem },
    {
      also: async (trx) => {
        await trx
          .deleteFrom('csp_access_keys')
          .where('csp_account_id', '=', account.id)
          .where('state', '=', 'OLD')
          .execute();
      },
      event: {
        verb: 'delete-old-access-key',
        before: { accessKeyIds: old.map(({ access_key_id }) => access_key_id) },
      },
    },
  );
}
