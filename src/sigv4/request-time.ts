import { SignatureError } from './signature-error.ts';

/** XKS spec, Authentication: five minutes to either side. */
const MAX_SKEW_MS = 300_000;

const BASIC_FORMAT = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** Reads an x-amz-date such as `20260131T235959Z`; throws `malformed-date`. */
export function parseRequestTime(text: string): Date {
  const extended = text.replace(BASIC_FORMAT, '$1-$2-$3T$4:$5:$6.000Z');
  const time = new Date(extended);
  // V8 rolls 30 February over into March; only a time that reads back unchanged was one.
  if (extended === text || Number.isNaN(time.getTime()) || time.toISOString() !== extended)
    throw new SignatureError(
      'malformed-date',
      'The x-amz-date header is not a time of the form YYYYMMDDTHHMMSSZ; send the UTC time in that form',
    );
  return time;
}

/** Throws `clock-skew` when the request was signed more than five minutes away from `now`, in either direction. */
export function assertFresh(requestTime: Date, now: Date): void {
  const age = now.getTime() - requestTime.getTime();
  if (Math.abs(age) <= MAX_SKEW_MS) return;
  throw new SignatureError(
    'clock-skew',
    `The request was signed more than 300 s ${age > 0 ? 'before' : 'after'} this machine's time; ` +
      "compare this machine's clock with a time server",
  );
}
