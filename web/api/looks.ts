import { ProblemError } from './problem.ts';

/** Milliseconds between two looks. */
export const pace = { pending: 1_000, list: 5_000, status: 10_000, rare: 60_000 } as const;

/** Milliseconds until something is looked at again; false for never. */
export type Every = number | false;

/** What the node says of itself, as opposed to what it says of AWS or of a token. */
const ofTheNode = new Set(['unreachable', 'internal', 'store-unavailable', 'store-full']);

/** Nothing came, or somebody between answered, or the node that it has failed: what is shown may be true no more. */
export function isSilent(error: unknown): boolean {
  return error instanceof ProblemError && ofTheNode.has(error.kind);
}

/** Asking again would not change it. */
export function isFinal(error: unknown): boolean {
  if (!(error instanceof ProblemError) || isSilent(error)) return false;
  return error.status >= 400 && error.status < 500 && error.status !== 429;
}

/**
 * When what is looked at `every` so often is looked at next: not after an answer that will be the same. What could not be
 * asked is asked again soon, however seldom it changes; what AWS or a token did not answer only as often as ever, since it
 * is they who are asked each time.
 */
export function nextLook(error: unknown, every: Every): Every {
  if (isFinal(error)) return false;
  if (!isSilent(error)) return every;
  return Math.min(every === false ? pace.list : every, pace.list);
}
