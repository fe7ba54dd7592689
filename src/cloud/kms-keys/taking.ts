import { AwsError } from '../aws/aws-error.ts';
import type { KmsKeyFacts } from '../aws/kms-key-memory.ts';
import { KmsKeys } from '../aws/kms-keys.ts';
import { isGone, lastsAfterSeen, mayBeThere } from '../aws/presence.ts';
import { awsAccountOf, type AwsContext } from '../accounts/context.ts';
import { driftOf } from './drift.ts';
import { cloudStatusOf, readKey } from './look.ts';
import { accountOfStore } from './policy.ts';
import { answerLost, asTold, isAwaited, keyInUse, keyNotShown, notShownAfterLoss } from './problems.ts';
import { readinessOf } from './readiness.ts';
import { problemOf, sightingOf, type Applied, type KmsKey, type SeenKey } from './records.ts';
import { search } from './search.ts';
import type { Attempt } from './turns.ts';
import {
  settled,
  soonChecked,
  writeDone,
  writeFailure,
  writeGone,
  written,
  type KmsKeyChange,
} from './writes.ts';
import { VaultError } from '../../vault/vault-error.ts';

/* How a KMS key record gets its KMS key: from the answer to CreateKey, or, where that was lost, by looking for the key in AWS. */

export async function kmsOf(context: AwsContext, row: KmsKey): Promise<KmsKeys> {
  const account = await accountOfStore(context.store.db, row.external_key_store_id);
  if (account === undefined)
    throw new VaultError('conflict', 'the key store has no CSP account', 'give its key set one');
  return new KmsKeys(await awsAccountOf(context, account, row.region), row.region);
}

/**
 * What CreateKey was sent for already, and is looked for before it is sent again; undefined where it is to be sent. Where
 * few wait for the few requests a second that AWS takes, it says sooner than any list whether it has it.
 */
// oxlint-disable-next-line complexity -- one case for each thing that AWS may show
export async function awaitedKey(
  context: AwsContext,
  row: KmsKey,
): Promise<{ unshown?: AwsError } | undefined> {
  const last = problemOf(row);
  const isOpen = row.search !== null;
  if (last !== null && (last.fault === 'settling' || last.fault === 'searching')) {
    const mustWait = isOpen || isAwaited(last, context.now(), answerLost, keyInUse);
    if (last.code === keyInUse && mustWait) return { unshown: asTold(last) };
    if (last.code === answerLost && mustWait && (isOpen || (await isBusy(context, row))))
      return { unshown: notShownAfterLoss('CreateKey', last) };
  }
  const isLost = row.create_sent === 1 && last?.operation === 'CreateKey' && last.fault === 'unreachable';
  if (isLost && (isOpen || (await isBusy(context, row))))
    return { unshown: notShownAfterLoss('CreateKey', last) };
  return isOpen ? {} : undefined;
}

async function isBusy(context: AwsContext, row: KmsKey): Promise<boolean> {
  return (await kmsOf(context, row)).isBusy('CreateKey');
}

/** The external key is, or may be, in use, by the key that an earlier request of ours made or by another. */
// oxlint-disable-next-line complexity -- one case for each thing that AWS may show
export async function lookFor(
  context: AwsContext,
  row: KmsKey,
  unshown?: AwsError,
): Promise<'done' | Attempt> {
  const kms = await kmsOf(context, row);
  const result = await search(context, row, kms, unshown);
  const nobodyWaits = row.leaving !== null || (await readinessOf(context, row)) === 'over';
  if (result.kind === 'ours') {
    const seen = await lookAt(context, kms, result.key);
    if (seen !== undefined) {
      await takeKey(context, row, result.key, seen, nobodyWaits ? 'left' : 'found');
      return 'done';
    }
  }
  // What was asked for so lately is made all the same, and no list shows it yet.
  const mayCome = result.kind === 'none' && mayBeThere(sightingOf(row), lastsAfterSeen.any, context.now());
  if (mayCome || result.kind === 'unshown' || result.kind === 'ours') {
    const told = unshown?.code === answerLost ? unshown : keyNotShown(unshown?.since);
    const { fault } = await writeFailure(context, row, told, 'CreateKey');
    return { fault };
  }
  const isSure =
    result.kind === 'another' || (result.kind === 'none' && (result.certain || row.leaving === 'KEEP'));
  if (nobodyWaits && isSure) return gone(context, row);
  if (result.kind === 'on') return { fault: undefined };
  const arn = result.kind === 'another' ? result.keyArn : undefined;
  const { fault } = await writeFailure(context, row, result.error, 'CreateKey', arn);
  return { fault };
}

/** All that AWS says of a KMS key that was found; undefined where it does not show all of it yet. */
async function lookAt(
  context: AwsContext,
  kms: KmsKeys,
  { keyId }: KmsKeyFacts,
): Promise<SeenKey | undefined> {
  try {
    const seen = await readKey(kms, keyId, { madeAt: null, seenAt: context.now() }, context.now());
    if (isGone(seen)) throw new VaultError('not-found', 'the KMS key is there no more');
    return seen;
  } catch (error) {
    if (error instanceof AwsError && error.fault === 'settling') return undefined;
    throw error;
  }
}

/** The KMS key record has its KMS key. */
export async function takeKey(
  context: AwsContext,
  { id }: KmsKey,
  key: Pick<KmsKeyFacts, 'keyId' | 'arn'>,
  seen: SeenKey,
  how: 'made' | 'found' | 'left',
): Promise<void> {
  const now = context.now();
  const change = {
    ...settled,
    ...{ key_id: key.keyId, key_arn: key.arn, search: null, seen: JSON.stringify(seen), unshown: '{}' },
    ...{ cloud_status: cloudStatusOf(seen.state), cloud_status_at: now.toISOString() },
    ...written(now),
    next_check_at: soonChecked(now),
  };
  await writeDone(
    context,
    id,
    // One that nobody waits for any more gets no alias.
    (row): KmsKeyChange => ({
      ...change,
      ...(row.origin === 'MANUAL' ? { origin: 'HOLDFAST' as const } : {}),
      step: row.alias === '' || how === 'left' ? 'DONE' : 'ALIAS',
      // What was asked for while it was being made.
      ...(how === 'left' ? {} : { to_apply: JSON.stringify(otherwise(row, seen)) }),
    }),
    how === 'made' ? 'made' : 'found',
  );
}

function otherwise(row: KmsKey, seen: SeenKey): Applied[] {
  const found = driftOf({ ...row, seen: JSON.stringify(seen) }).map(({ what }) => what);
  return found.filter((what) => what === 'policy' || what === 'description' || what === 'tags');
}

/** There is no KMS key, and none is wanted any more. */
export async function gone(context: AwsContext, row: KmsKey): Promise<'done'> {
  await writeGone(context, row, 'NEVER_MADE');
  return 'done';
}
