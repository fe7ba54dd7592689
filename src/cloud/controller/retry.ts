/* When AWS is asked again, for everything that is wanted there: key stores, KMS keys, access keys. */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** First and longest pause between tries, milliseconds; each is twice the one before. */
interface Pauses {
  first: number;
  max: number;
  /** After so many tries the pauses are those of `afterwards`. */
  tries?: number;
  afterwards?: Pauses;
}

/** What somebody has to put right, here or in AWS; whoever did asks for a retry. */
const lasting: Pauses = { first: 15 * minute, max: 6 * hour };

/** What passes by itself: none waits for longer than a minute after it has, unless it lasts for hours. */
const passing: Pauses = {
  first: 2 * second,
  max: 45 * second,
  tries: 40,
  afterwards: { first: 5 * minute, max: 15 * minute },
};

const byFault: Readonly<Record<string, Pauses>> = {
  // Made or changed by us and not shown yet: awaited for minutes. What has not come by then is told as what it is.
  settling: { first: second, max: 4 * second },
  // How fast AWS is asked the pace of the account says (src/cloud/aws/pace.ts): no key waits beside that for its own failures.
  throttled: { first: second, max: 10 * second },
  unreachable: passing,
  'aws-trouble': passing,
  token: passing,
  internal: passing,
  searching: { first: second, max: second },
};

/** What was just allowed, or made, in IAM by somebody else takes some seconds, sometimes minutes, until all of AWS knows. */
const mayPass: Pauses = { first: 3 * second, max: 30 * second, tries: 8, afterwards: lasting };
const mayPassFaults = new Set(['denied', 'invalid', 'not-found', 'credentials']);

/** No try is put off for longer, milliseconds: a time that is much later was written by a clock in the future. */
export const longestPause = lasting.max;

/** When a try that failed for the `failures`th time in a row is repeated: with jitter, so that 2,000 do not come back at once. */
export function nextTry(
  fault: string,
  failures: number,
  now: Date,
  random: () => number = Math.random,
): Date {
  let pauses = byFault[fault] ?? (mayPassFaults.has(fault) ? mayPass : lasting);
  let before = Math.max(failures - 1, 0);
  while (pauses.tries !== undefined && before >= pauses.tries && pauses.afterwards !== undefined) {
    before -= pauses.tries;
    pauses = pauses.afterwards;
  }
  const pause = Math.min(pauses.first * 2 ** Math.min(before, 20), pauses.max);
  return new Date(now.getTime() + Math.round(pause * (0.5 + random() / 2)));
}
