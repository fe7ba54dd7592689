import { AwsError } from '../aws/aws-error.ts';
import { isAwsCode } from '../aws/kms-errors.ts';
import type { AwsKmsKey, KmsKeys } from '../aws/kms-keys.ts';
import { isGone, isSettling, notYetShown, orGone, removed } from '../aws/presence.ts';
import { answerLost, askedAt, isAwaited, notShown } from './awaited.ts';
import { dateOf, problemOf, type KmsKey } from './records.ts';

type AliasOf = Pick<KmsKey, 'alias' | 'key_id' | 'take_alias' | 'problem'>;

/**
 * Gives the KMS key its alias. One that it has already is as good as made: an answer was lost. One of another key stays
 * there unless somebody asked for it to be taken: true then. Who has it the alias itself tells: a list of those of a key
 * may be stale. Throws AwsError, `settling` while AWS has the alias and does not show whose it is.
 */
export async function giveAlias(kms: KmsKeys, row: AliasOf, now: Date): Promise<boolean> {
  return (await hasAlias(kms, row, now)) ? false : sendAlias(kms, row);
}

/**
 * Whether an earlier CreateAlias, whose answer was lost, or which AWS had obeyed already, has given it to the key. Throws
 * AwsError, `settling` while it may have and is not to be sent again yet.
 */
export async function hasAlias(kms: KmsKeys, row: AliasOf, now: Date): Promise<boolean> {
  const last = problemOf(row);
  if (last?.operation !== 'CreateAlias') return false;
  // Reading costs nothing of the few requests a second that CreateAlias has.
  const seen = await seenHolder(kms, row.alias);
  if (seen?.keyId === row.key_id) return true;
  if (seen !== undefined) return false;
  const since = askedAt(last);
  if (isAwaited(last, now, 'AlreadyExistsException'))
    throw notShown('CreateAlias', { code: last.code, since });
  // Where few wait AWS says sooner whether it has it.
  const isLost = last.fault === 'unreachable' || isAwaited(last, now, answerLost);
  if (isLost && kms.isBusy('CreateAlias')) throw notShown('CreateAlias', { code: answerLost, since });
  return false;
}

/** The same without a look before: whether it was taken from another key, as somebody had asked for. */
export async function sendAlias(kms: KmsKeys, row: AliasOf): Promise<boolean> {
  try {
    await kms.createAlias(row.alias, row.key_id);
    return false;
  } catch (error) {
    if (!isAwsCode(error, 'AlreadyExistsException')) throw error;
    const holder = await holderOf(kms, row.alias, error);
    if (holder?.keyId === row.key_id) return false;
    if (row.take_alias === 0) throw hadBy(holder?.arn, error);
    await kms.moveAlias(row.alias, row.key_id);
    return true;
  }
}

function hadBy(keyArn: string | undefined, error: AwsError): AwsError {
  const { fault, code, operation, message, remediation, requestId, certain } = error;
  return new AwsError(fault, code, operation, { message, remediation, requestId, certain, keyArn });
}

async function seenHolder(kms: KmsKeys, alias: string): Promise<AwsKmsKey | undefined> {
  try {
    return await kms.describe(alias);
  } catch (error) {
    if (error instanceof AwsError && (error.fault === 'not-found' || error.fault === 'denied'))
      return undefined;
    throw error;
  }
}

/** The key that has the alias, which is there; undefined where we may not see it. */
async function holderOf(kms: KmsKeys, alias: string, exists: AwsError): Promise<AwsKmsKey | undefined> {
  try {
    return await kms.describe(alias);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    if (error.fault === 'not-found') throw notYetShown(exists);
    if (error.fault === 'denied') return undefined;
    throw error;
  }
}

/**
 * Deletes an alias that the KMS key had from here before; one of another key stays. Throws AwsError, `settling` where AWS
 * does not show one that it may have.
 */
export async function dropAlias(
  kms: KmsKeys,
  alias: string,
  { key_id, written_at }: Pick<KmsKey, 'key_id' | 'written_at'>,
  now: Date,
): Promise<void> {
  const sighting = { madeAt: dateOf(written_at), seenAt: null };
  const holder = await orGone(async () => kms.describe(alias), sighting, 0, now);
  if (isGone(holder) || holder.keyId !== key_id) return;
  await removed(async () => kms.deleteAlias(alias), { ...sighting, seenAt: now }, now);
}

/** So long what we wrote lately may read as it was before. */
export function readsMayBeStale({ written_at }: Pick<KmsKey, 'written_at'>, now: Date): boolean {
  return isSettling(dateOf(written_at), now);
}
