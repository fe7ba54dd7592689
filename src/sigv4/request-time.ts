import { SignatureError } from './signature-error.ts';

/** XKS spec, Authentication: five minutes to either side. */
const MAX_SKEW_MS = 300_000;

const BASIC_FORMAT = /^\d{8}T\d{6}Z$/;

/** What was read last: the requests of a second are many, and say the same. */
let last = { text: '', time: Number.NaN };

/** Reads an x-amz-date such as `20260131T235959Z`; throws `malformed-date`. */
export function parseRequestTime(text: string): Date {
  if (text === last.text && text !== '') return new Date(last.time);
  const at = (from: number, to: number) => text.slice(from, to);
  const day = `${at(0, 4)}-${at(4, 6)}-${at(6, 8)}`;
  const time = new Date(
    BASIC_FORMAT.test(text) ? `${day}T${at(9, 11)}:${at(11, 13)}:${at(13, 15)}.000Z` : Number.NaN,
  );
  // V8 rolls 30 February over into March, and 24:00 into the next day: only a time of the day that it names was one.
  if (Number.isNaN(time.getTime()) || time.getUTCDate() !== Number(at(6, 8)))
    throw new SignatureError(
      'malformed-date',
      'The x-amz-date header is not a time of the form YYYYMMDDTHHMMSSZ; send the UTC time in that form',
    );
  last = { text, time: time.getTime() };
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
