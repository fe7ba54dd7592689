import type { Link } from './pool-entry.ts';
import type { TokenRequestKind } from '../messages.ts';

/* How long requests and hosts may take. */

/** Time limits and sizes of a pool, milliseconds. */
export interface PoolLimits {
  /**
   * A host that has not answered for this long is sick: it gets nothing new, and its work goes to another host too. Longer
   * where what it holds takes longer by what its operations took last.
   */
  sickAfter: number;
  /** A host that has not answered for this long is killed and replaced; longer likewise. */
  killAfter: number;
  /** How many requests may wait, in each room: what only one member of an HSM group may do takes no place of what any may. */
  queueLength: number;
  /** How often the health key is used on each host; never more than half a minute. */
  healthInterval: number;
}

/** What somebody besides the callers wants of a pool, or is told by it. */
export interface PoolOptions {
  /** Have hosts learn ahead of use where keys are. */
  fetchAhead?: boolean;
  /** From now on the host finds in time what is asked of it; `keys` is how many it knows. */
  onPrepared?: (hostId: number, keys: number) => void;
  /** What {@link TokenPool.borrow} gave is gone, and not by {@link TokenPool.removeHost}. */
  onBorrowedLost?: (id: number) => void;
}

export const defaultPoolLimits: PoolLimits = {
  sickAfter: 80,
  killAfter: 1000,
  queueLength: 2048,
  healthInterval: 10_000,
};

/**
 * Making a key may take seconds on an HSM, and is never repeated; going through all keys takes as long as there are
 * keys. A host is not killed for either before, milliseconds.
 */
export const slowTimeout = 15_000;
const slowWork: ReadonlySet<TokenRequestKind> = new Set<TokenRequestKind>([
  'generateKey',
  'destroyKey',
  'restrictKey',
  'listKeys',
  'learn',
]);

/** A host is sick, or to be killed, where it is silent for so many times what the work that it holds should take. */
const sickFactor = 2;
const killFactor = 8;
/** Silent for this many times that it is late: not sick yet, but what could not be done elsewhere in time any later is given to another host. */
const lateFactor = 1.25;

/** A host that may be searching gets so many times longer than a search took last, before it is killed. */
const searchTimeout = 4;

/** Whether it is slow by nature: that it takes its time says nothing. */
export function isSlowWork(kind: TokenRequestKind): boolean {
  return slowWork.has(kind);
}

/** How long a host may be silent with what it holds, before it is late, sick, and to be killed; milliseconds. */
export function timeoutWith(
  link: Link,
  { sickAfter, killAfter }: PoolLimits,
): { untilLate: number; untilSick: number; untilKilled: number } {
  const holdsSlowWork = [...link.inFlight.values()].some(({ request }) => isSlowWork(request.kind));
  return {
    untilLate: Math.max(sickAfter, lateFactor * link.workTime),
    untilSick: Math.max(sickAfter, sickFactor * link.workTime),
    untilKilled:
      Math.max(killAfter, killFactor * link.workTime, holdsSlowWork ? slowTimeout : 0) +
      // A search takes as long as the token has keys: that is no hang.
      searchTimeout * (link.ahead?.searchTime ?? 0),
  };
}
