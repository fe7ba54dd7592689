import { AwsError } from '../aws/aws-error.ts';
import { notYetShown } from '../aws/presence.ts';
import type { Problem } from '../controller/problem.ts';
import { problemOf, type KmsKey } from './records.ts';

/*
 * What AWS has, or may have, of a request of ours and does not show yet: it is looked for before it is asked for again.
 */

/** AWS has a KMS key for the external key. */
export const keyInUse = 'XksKeyAlreadyInUseException';

/** Where no answer came, and AWS shows nothing that it made. */
export const answerLost = 'AnswerLost';

/**
 * So long, milliseconds, what AWS may have is only looked for: it shows within seconds as a rule, and a request for a KMS
 * key more is one that another waits for. What AWS said that it has is awaited longer. Then it is asked for again: it was
 * not done, or somebody has removed what was in the way.
 */
const lookedFor = { lost: 25_000, there: 60_000 };

/** Of which request, and since when, ISO 8601; undefined where AWS was asked just now. */
export interface AwaitedRequest {
  code: string;
  since: string | undefined;
}

/** Whether AWS has, or may have, what we asked for, does not show it yet, and was asked too lately to be asked again. */
export function isAwaited(last: Problem, now: Date, ...codes: string[]): boolean {
  if (last.fault !== 'settling' || !codes.includes(last.code)) return false;
  // A time in the future was written by a clock that stood wrong.
  const waited = Math.abs(now.getTime() - Date.parse(askedAt(last)));
  return waited < (last.code === answerLost ? lookedFor.lost : lookedFor.there);
}

export function askedAt({ since, at }: Problem): string {
  return since ?? at;
}

/**
 * What CreateKey was sent for already, and is looked for before it is sent again; undefined where it is to be sent. Where
 * few wait for the few requests a second that AWS takes, it says sooner than any list whether it has it.
 */
export function awaitedKey(row: KmsKey, now: Date, isBusy: boolean): AwaitedRequest | undefined {
  const last = problemOf(row);
  const code = last === null ? undefined : mayHaveMade(row, last);
  // A search that is under way comes to its end.
  if (last === null || code === undefined)
    return row.search === null ? undefined : { code: keyInUse, since: undefined };
  const isRecent = last.fault === 'unreachable' || isAwaited(last, now, code);
  const isLookedFor = row.search !== null || (isRecent && (code === keyInUse || isBusy));
  return isLookedFor ? { code, since: askedAt(last) } : undefined;
}

/** Whether AWS has a KMS key, or may have made one: by the failure of CreateKey. */
function mayHaveMade(
  { create_sent }: Pick<KmsKey, 'create_sent'>,
  { fault, code, operation }: Problem,
): string | undefined {
  if (fault === 'settling' || fault === 'searching')
    return [keyInUse, answerLost].find((one) => one === code);
  return create_sent === 1 && operation === 'CreateKey' && fault === 'unreachable' ? answerLost : undefined;
}

/** As a failure that passes by itself. */
export function notShown(operation: 'CreateKey' | 'CreateAlias', { code, since }: AwaitedRequest): AwsError {
  if (code !== answerLost)
    return notYetShown(new AwsError('settling', code, operation, { message: '', remediation: '', since }));
  return new AwsError('settling', answerLost, operation, {
    message: `no answer came to ${operation}, and AWS does not show that it did it, which may take seconds, sometimes minutes`,
    remediation: 'nothing: Holdfast looks again every few seconds, and repeats it where it was not done',
    since,
  });
}
