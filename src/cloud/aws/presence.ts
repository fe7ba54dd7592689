import { AwsError } from './aws-error.ts';

/*
 * What it means that AWS does not find something. Its services are eventually consistent: what was just made, changed or
 * deleted shows "usually within seconds, in some cases after several minutes" (KMS Developer Guide, "AWS KMS eventual
 * consistency"; IAM User Guide, "Changes that I make are not always immediately visible"). So NotFound is an answer only
 * about what was made long enough ago, and this is the one place that takes it for one.
 */

/** What is known of when AWS had it. */
export interface Sighting {
  /** When its making may have taken effect last: a request for it was sent, or answered. Null where we had no part in it. */
  madeAt: Date | null;
  /** When AWS showed it last; null for never. */
  seenAt: Date | null;
  /** When AWS will let it go, where AWS announced that. */
  goesAt?: Date | null;
}

const minute = 60_000;
const day = 24 * 60 * minute;

/** So long after its making or its last change NotFound, and a list without it, are no answer, milliseconds. */
export const settleTime = 10 * minute;

/**
 * How long, at the least, AWS still has what it has shown, milliseconds: a KMS key waits seven days for its deletion,
 * whoever asks for it. Other things are gone at once.
 */
export const lastsAfterSeen = { kmsKey: 7 * day, any: settleTime } as const;

declare const certainty: unique symbol;

/** AWS certainly has it no more. Made by {@link orGone} and {@link removed} alone, so that nothing else can conclude it. */
export interface Gone {
  readonly [certainty]: 'gone';
}

const gone = Object.freeze({}) as Gone;

export function isGone(value: unknown): value is Gone {
  return value === gone;
}

/** For what follows from it: whoever got round the type is stopped here. */
export function mustBeGone(value: Gone): void {
  if (!isGone(value)) throw new TypeError('it is not certain that AWS has it no more');
}

/** Looks for it: what AWS shows, or the certainty that it is gone. Throws AwsError, `settling` where it is too early to say. */
export async function orGone<T>(
  look: () => Promise<T>,
  sighting: Sighting,
  lasts: number,
  now: Date,
): Promise<T | Gone> {
  try {
    return await look();
  } catch (error) {
    return concludeGone(error, sighting, lasts, now);
  }
}

/** Has AWS delete it. Throws AwsError, `settling` where AWS does not find what it may have all the same. */
export async function removed(remove: () => Promise<unknown>, sighting: Sighting, now: Date): Promise<Gone> {
  try {
    await remove();
    return gone;
  } catch (error) {
    return concludeGone(error, sighting, lastsAfterSeen.any, now);
  }
}

function concludeGone(error: unknown, sighting: Sighting, lasts: number, now: Date): Gone {
  if (!(error instanceof AwsError) || error.fault !== 'not-found') throw error;
  if (mayBeThere(sighting, lasts, now)) throw notYetShown(error);
  return gone;
}

/** Whether AWS may have it though it does not find it at this moment. */
export function mayBeThere({ madeAt, seenAt, goesAt = null }: Sighting, lasts: number, now: Date): boolean {
  if (goesAt !== null && goesAt <= now) return false;
  return isWithin(madeAt, settleTime, now) || isWithin(seenAt, lasts, now);
}

/** Whether what was done then may not show yet. A time in the future was written by a clock that stood wrong. */
export function isSettling(doneAt: Date | null, now: Date, span: number = settleTime): boolean {
  return isWithin(doneAt, span, now);
}

function isWithin(at: Date | null, span: number, now: Date): boolean {
  return at !== null && Math.abs(now.getTime() - at.getTime()) < span;
}

/** An {@link AwsError} that passes by itself: what was asked about does not show yet, and is asked about again in seconds. */
export function notYetShown(error: AwsError): AwsError {
  const { code, operation, requestId, since } = error;
  return new AwsError('settling', code, operation, {
    message: `AWS does not show yet what it has, which takes seconds, sometimes minutes: ${operation} (${code})`,
    remediation: 'nothing: Holdfast asks again every few seconds',
    requestId,
    since,
  });
}
