import { monotonicNow } from '../../clock.ts';
import { TokenError } from '../faults.ts';
import type { ResponseFrame } from '../response-frames.ts';
import type { HostState } from './host-link.ts';
import type { Entry, Link } from './pool-entry.ts';

/** An answer that is older than this says nothing about health (XKS spec: a cached result MUST not be older than one minute). */
const healthMaxAge = 50_000;

/** Without any host for this long, requests fail at once instead of waiting out their deadline. */
const failFastAfter = 1000;

export type HealthStatus = 'ACTIVE' | 'DEGRADED' | 'UNAVAILABLE';

/** The hosts of a pool, its own and borrowed ones: how they are, and which of them an operation goes to. */
export class PoolHosts {
  readonly #expected: number;
  readonly #links = new Map<number, Link>();
  #withoutHostSince = monotonicNow();
  /** Whether processes beside this one lack hosts of the token: what is healthy here is not all of it. */
  othersLackHosts = false;
  readonly #watchers = new Set<(healthy: boolean) => void>();
  /** What all watchers know. */
  #toldHealthy = false;

  /** `expected` is how many of its own there are once all have started. */
  constructor(expected: number) {
    this.#expected = expected;
  }

  add(link: Link): void {
    this.#links.set(link.id, link);
  }

  get(id: number): Link | undefined {
    return this.#links.get(id);
  }

  /** Whether it was there. */
  delete(id: number): boolean {
    const was = this.#links.delete(id);
    if (was && this.#links.size === 0) this.#withoutHostSince = monotonicNow();
    return was;
  }

  get all(): IterableIterator<Link> {
    return this.#links.values();
  }

  /** Whether there has been no host for so long that none is to be expected within a deadline. */
  lackedAt(now: number): boolean {
    return this.#links.size === 0 && now - this.#withoutHostSince > failFastAfter;
  }

  /**
   * Those that have least to do come first, of those that find in time what is asked of them. One that is busy for too long
   * is passed over, since a quicker one may be free in time; one that is idle shows by the next how quick it is.
   */
  pick(entry: Entry): Link | undefined {
    let best: Link | undefined;
    const now = monotonicNow();
    const links = entry.ownHostsOnly ? this.#own : [...this.#links.values()];
    const candidates = links.filter((link) => !entry.tried.has(link) && !link.unfit);
    // One that is still learning, or is not ours, gets work only where no other can do it.
    const first = Math.min(...candidates.map(({ rank }) => rank));
    for (const link of candidates) {
      if (!link.hasRoom || link.rank > first) continue;
      if (link.inFlight.size > 0 && now + link.timeFor(entry) > entry.deadline) continue;
      if (best === undefined || link.inFlight.size < best.inFlight.size) best = link;
    }
    return best;
  }

  /** Whether `entry` comes too late where so much is done before it, in single operations. */
  wouldBeLate(entry: Entry, costBefore: number): boolean {
    return isTooMuch(entry, this.#pace(entry), costBefore, entry.enqueued);
  }

  /** Those that are late, or will be whatever comes, and what to tell whoever waits for them. */
  late(entries: Iterable<Entry>, now: number): [Entry, TokenError][] {
    const [ofAll, ofOwn] = [this.#pace(), this.#pace({ ownHostsOnly: true })];
    return [...entries].flatMap((entry) => {
      const error = lateness(entry, entry.ownHostsOnly ? ofOwn : ofAll, now);
      return error === undefined ? [] : [[entry, error]];
    });
  }

  /** What those hold and do that {@link pick} chooses from: of its own alone for what is not lent on. */
  #pace({ ownHostsOnly = false } = {}): Pace {
    const pace = { held: 0, hosts: 0, perMillisecond: 0, quickest: Infinity, lastAnswer: -Infinity };
    const links = (ownHostsOnly ? this.#own : [...this.#links.values()]).filter(
      (link) => !link.unfit && link.prepared,
    );
    const first = Math.min(...links.map(({ rank }) => rank));
    for (const link of links) {
      if (link.rank > first) continue;
      const hosts = link.borrowed?.hosts ?? 1;
      pace.hosts += hosts;
      pace.held += link.cost;
      pace.perMillisecond += hosts / link.operationTime;
      pace.quickest = Math.min(pace.quickest, link.operationTime);
      pace.lastAnswer = Math.max(pace.lastAnswer, link.lastAnswer);
    }
    return pace;
  }

  /** Whether another can be found for it: one that is up and was not asked, or one that is to come. */
  mayHaveAnotherFor({ tried, ownHostsOnly }: Entry): boolean {
    const staying = [...this.#links.values()].filter((link) => !link.leaving);
    const own = staying.filter(({ borrowed }) => borrowed === undefined);
    return own.length < this.#expected || (ownHostsOnly ? own : staying).some((link) => !tried.has(link));
  }

  /** Whether a host of its own has proven itself within the last minute. */
  get hasHealthy(): boolean {
    return this.#healthy.some(({ borrowed }) => borrowed === undefined);
  }

  /** Tells {@link hasHealthy} at once and at each change, until what it returns is called. */
  watch(tell: (healthy: boolean) => void): () => void {
    this.tellWatchers();
    this.#toldHealthy = this.hasHealthy;
    this.#watchers.add(tell);
    tell(this.#toldHealthy);
    return () => this.#watchers.delete(tell);
  }

  tellWatchers(): void {
    if (this.#watchers.size === 0) return;
    const healthy = this.hasHealthy;
    if (healthy === this.#toldHealthy) return;
    this.#toldHealthy = healthy;
    for (const tell of this.#watchers) tell(healthy);
  }

  /** Process ids and states, for logs and tests. */
  get shown(): { id: number; pid: number; state: HostState }[] {
    const known = this.#own.map(({ id, pid, state }) => ({ id, pid, state }));
    const missing = Math.max(0, this.#expected - known.length);
    return [
      ...known,
      ...Array.from({ length: missing }, () => ({ id: 0, pid: 0, state: 'starting' as const })),
    ];
  }

  /** How many of its own there are, and of these such as get nothing new. */
  get counts(): { hosts: number; sick: number } {
    return { hosts: this.#own.length, sick: this.#own.filter(({ unfit }) => unfit).length };
  }

  /** Whether one that has proven itself within the last minute finds in time what is asked of it. */
  get usable(): boolean {
    return this.#healthy.some(({ prepared }) => prepared);
  }

  get health(): HealthStatus {
    const healthy = this.#healthy;
    if (healthy.length === 0) return 'UNAVAILABLE';
    const own = healthy.filter(({ prepared, borrowed }) => prepared && borrowed === undefined);
    return own.length < this.#expected || this.othersLackHosts ? 'DEGRADED' : 'ACTIVE';
  }

  get #own(): Link[] {
    return [...this.#links.values()].filter(({ borrowed }) => borrowed === undefined);
  }

  get #healthy(): Link[] {
    const now = monotonicNow();
    return [...this.#links.values()].filter((link) => !link.unfit && now - link.lastHealthy < healthMaxAge);
  }
}

/** How fast hosts work, and what they have to do yet; in single operations. */
interface Pace {
  held: number;
  hosts: number;
  perMillisecond: number;
  /** What an operation takes at the quickest of them, and when one was answered last; milliseconds. */
  quickest: number;
  lastAnswer: number;
}

/**
 * How long until something is done where so much is done before it, milliseconds. Zero where it is not known: no host is well.
 */
function timeUntilDone({ held, hosts, perMillisecond }: Pace, before: number, cost: number): number {
  return perMillisecond === 0 ? 0 : (held + before + cost * hosts) / perMillisecond;
}

function lateness(entry: Entry, pace: Pace, now: number): TokenError | undefined {
  if (entry.deadline <= now)
    return entry.failure ?? new TokenError('timeout', entry.attempts === 0 ? 'queue' : 'token host');
  if (entry.attempts > 0) return undefined;
  // Others came before it, or hosts have gone.
  return isTooMuch(entry, pace, 0, now) ? overloaded() : undefined;
}

/**
 * Whether it will be late because so much is asked. A token that answers nothing, or takes longer for one operation than
 * anybody waits, is not asked too much: that is told as the failure that it is, when its time has come.
 */
function isTooMuch(entry: Entry, pace: Pace, costBefore: number, now: number): boolean {
  if (entry.cost * pace.quickest > entry.deadline - entry.enqueued) return false;
  if (now - pace.lastAnswer > Math.max(maxSilence, 2 * pace.quickest)) return false;
  return now + timeUntilDone(pace, costBefore, entry.cost) > entry.deadline;
}

/** Hosts that have answered nothing for so long may be hanging, milliseconds. */
const maxSilence = 100;

export function overloaded(): TokenError {
  return new TokenError('overloaded', 'pool');
}

/** Takes what a host said of its health. Any other failure of it ends the host; that it came too late says nothing. */
export function noteHealth(link: Link, answer: ResponseFrame['answer']): void {
  if (!(answer instanceof TokenError)) link.lastHealthy = monotonicNow();
  else if (answer.fault !== 'timeout') link.lastHealthy = -Infinity;
}
