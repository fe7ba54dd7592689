import { setTimeout as delay } from 'node:timers/promises';
import { monotonicNow } from '../clock.ts';
import type { BackOff } from './back-off.ts';
import type { DueKmsKey } from './kms-key-due.ts';
import type { Attempt } from './kms-key-pipeline.ts';

/** Faults of a whole account: what comes next in its lane would fail as well. */
const ofWholeAccount = new Set(['credentials', 'throttled', 'unreachable']);

export interface LaneOptions {
  backOff: BackOff;
  /** Name of the work, for its back-off. */
  what: string;
  /** Least milliseconds from the beginning of one to that of the next in a lane. */
  pace: number;
  /** Most milliseconds for all. */
  budget: number;
  mayGoOn: () => Promise<boolean>;
  signal: AbortSignal;
}

export interface LanesRun {
  tried: number;
  failed: number;
  /** Budget or count ran out: there is more to do at once. */
  more: boolean;
}

/**
 * Does the work lane by lane, all lanes at once and one after another within each: an account that AWS throttles, or
 * that does not answer, holds up its own keys alone, and no account gets more requests than its pace.
 */
export async function inLanes(
  due: readonly DueKmsKey[],
  work: (id: string) => Promise<Attempt>,
  { backOff, what, pace, budget, mayGoOn, signal }: LaneOptions,
): Promise<LanesRun> {
  const until = monotonicNow() + budget;
  const run: LanesRun = { tried: 0, failed: 0, more: false };
  const lanes = Map.groupBy(due, ({ lane }) => lane);
  await Promise.all(
    [...lanes].map(async ([lane, keys]) => {
      const task = `${what} in ${lane}`;
      if (!backOff.mayTry(task)) return;
      for (const [index, { id }] of keys.entries()) {
        if (monotonicNow() > until || !(await mayGoOn())) {
          run.more = true;
          return;
        }
        const began = monotonicNow();
        const { fault } = await work(id);
        run.tried++;
        if (fault !== undefined) run.failed++;
        if (fault !== undefined && ofWholeAccount.has(fault)) {
          backOff.failed(task);
          return;
        }
        backOff.succeeded(task);
        const rest = began + pace - monotonicNow();
        if (rest > 0 && index < keys.length - 1)
          await delay(rest, undefined, { signal }).catch(() => undefined);
      }
    }),
  );
  return run;
}
