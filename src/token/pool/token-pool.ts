import type { Socket } from 'node:net';
import { endsHost, TokenError } from '../faults.ts';
import { FetchAhead } from '../fetch-ahead.ts';
import { maxFrameBytes } from '../frame-bytes.ts';
import { monotonicNow, RunningClock } from '../../clock.ts';
import { writeRequest } from '../request-frames.ts';
import { unasked, type ResponseFrame } from '../response-frames.ts';
import { HostLink, type Borrowed, type HostState } from './host-link.ts';
import type { TokenRequest, TokenRequestKind, TokenResponses } from '../messages.ts';
import {
  Entry,
  worthAnotherHost,
  type CallOptions,
  type CallResult,
  type Link,
  type Settled,
} from './pool-entry.ts';

export type { CallOptions, CallResult, CallTimes } from './pool-entry.ts';

/** Time limits and sizes of a pool, milliseconds. */
export interface PoolLimits {
  /**
   * A host that has not answered for this long is sick: it gets nothing new, and its work goes to another host too. Longer
   * where what it holds takes longer by what its operations took last.
   */
  sickAfter: number;
  /** A host that has not answered for this long is killed and replaced; longer likewise. */
  killAfter: number;
  /** How many requests may wait. */
  queueLength: number;
  /** How often the health key is used on each host; never more than half a minute. */
  healthInterval: number;
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
const slowPatience = 15_000;
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

/** A host that may be searching gets so many times longer than a search took last, before it is killed. */
const searchPatience = 4;

/** What somebody besides the callers wants of a pool, or is told by it. */
export interface PoolOptions {
  /** Have hosts learn ahead of use where keys are. */
  fetchAhead?: boolean;
  /** From now on the host finds in time what is asked of it; `keys` is how many it knows. */
  onPrepared?: (hostId: number, keys: number) => void;
  /** What {@link TokenPool.borrow} gave is gone, and not by {@link TokenPool.removeHost}. */
  onBorrowedLost?: (id: number) => void;
}

/** An answer that is older than this says nothing about health (XKS spec: a cached result MUST not be older than one minute). */
const healthMaxAge = 50_000;

/** How often to look for what is late, and how long a step between two looks counts at the most; milliseconds. */
const sweepInterval = 5;
const longestStep = 50;

/** Without any host for this long, requests fail at once instead of waiting out their deadline. */
const failFastAfter = 1000;

export type HealthStatus = 'ACTIVE' | 'DEGRADED' | 'UNAVAILABLE';

/**
 * Spreads the operations on one token over its hosts. Every operation has a deadline and ends by it, whatever the
 * hosts do: with the right answer, or with an error of the right kind (promise 3).
 */
export class TokenPool {
  readonly name: string;
  readonly #limits: PoolLimits;
  readonly #links = new Map<number, Link>();
  readonly #expectedHosts: number;
  readonly #askKill: (hostId: number) => void;
  readonly #options: PoolOptions;
  readonly #queue: Entry[] = [];
  /** All that wait or are under way, oldest first. */
  readonly #open = new Map<number, Entry>();
  #lastId = 0;
  #flushPlanned = false;
  #sweeper: NodeJS.Timeout | undefined;
  /** What a host did not answer while we were stopped or stood still ourselves is no silence of its. */
  readonly #running = new RunningClock(longestStep);
  readonly #healthTimer: NodeJS.Timeout;
  #withoutHostSince = monotonicNow();
  #othersLackHosts = false;
  readonly #watchers = new Set<(healthy: boolean) => void>();
  /** What all watchers know. */
  #toldHealthy = false;
  #closed = false;

  constructor(
    name: string,
    expectedHosts: number,
    askKill: (hostId: number) => void,
    limits: PoolLimits = defaultPoolLimits,
    options: PoolOptions = {},
  ) {
    this.#options = options;
    this.name = name;
    this.#expectedHosts = expectedHosts;
    this.#askKill = askKill;
    this.#limits = limits;
    this.#healthTimer = setInterval(() => this.#checkHealth(), limits.healthInterval).unref();
  }

  /** Takes a host that has passed its self-test, and what an operation took it then, milliseconds. */
  addHost(id: number, pid: number, socket: Socket, operationTime?: number): void {
    const link: Link = new HostLink(id, pid, socket, operationTime);
    this.#links.set(id, link);
    socket.on('data', (chunk: Buffer) => this.#receive(link, chunk));
    socket.on('error', () => this.#drop(link));
    socket.on('close', () => this.#drop(link));
    if (this.#options.fetchAhead === true) this.#fetchAhead(link);
    else this.#options.onPrepared?.(id, 0);
    this.#tellWatchers();
    this.#dispatch();
  }

  /**
   * Takes the hosts of another process, `pid`, for what none of our own can do: the work of a process whose hosts are gone
   * is not refused while others' stand idle. Its id is negative, so that it is no host's.
   */
  borrow(id: number, pid: number, socket: Socket, borrowed: Borrowed): void {
    const link: Link = new HostLink(id, pid, socket, 1, borrowed);
    this.#links.set(id, link);
    socket.on('data', (chunk: Buffer) => this.#receive(link, chunk));
    const lost = () => {
      if (!this.#links.has(id)) return;
      this.#drop(link);
      this.#options.onBorrowedLost?.(id);
    };
    socket.on('error', lost);
    socket.on('close', lost);
    this.#dispatch();
  }

  /** What the other process has changed. */
  lenderHas(id: number, { hosts, prepared }: Borrowed): void {
    const borrowed = this.#links.get(id)?.borrowed;
    if (borrowed === undefined) return;
    borrowed.hosts = hosts;
    borrowed.prepared = prepared;
    this.#dispatch();
  }

  /** Whether a host of its own has proven itself within the last minute: what is told to who borrows them. */
  get hasHealthyHost(): boolean {
    return this.#healthy.some(({ borrowed }) => borrowed === undefined);
  }

  /** Tells {@link hasHealthyHost} at once and at each change, until what it returns is called. */
  watchHosts(tell: (healthy: boolean) => void): () => void {
    this.#tellWatchers();
    this.#toldHealthy = this.hasHealthyHost;
    this.#watchers.add(tell);
    tell(this.#toldHealthy);
    return () => this.#watchers.delete(tell);
  }

  #tellWatchers(): void {
    if (this.#watchers.size === 0) return;
    const healthy = this.hasHealthyHost;
    if (healthy === this.#toldHealthy) return;
    this.#toldHealthy = healthy;
    for (const tell of this.#watchers) tell(healthy);
  }

  /** Whether processes beside this one lack hosts of the token: what is healthy here is not all of it. */
  set othersLackHosts(lack: boolean) {
    this.#othersLackHosts = lack;
  }

  #fetchAhead(link: Link): void {
    const ahead: FetchAhead = new FetchAhead(
      async (milliseconds) =>
        new Promise((resolve) => {
          const entry = this.#entry(
            { kind: 'learn', milliseconds },
            { deadline: monotonicNow() + slowPatience },
            (result) =>
              resolve(
                result instanceof TokenError ? result : (result.answer.value as TokenResponses['learn']),
              ),
          );
          this.#send(entry, link);
        }),
      () => link.inFlight.size > 0,
      () => this.#options.onPrepared?.(link.id, ahead.known),
    );
    link.ahead = ahead;
    ahead.start();
  }

  removeHost(id: number): void {
    const link = this.#links.get(id);
    if (link !== undefined) this.#drop(link);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#healthTimer);
    for (const link of [...this.#links.values()]) this.#drop(link);
    for (const entry of [...this.#open.values()]) this.#settle(entry, new TokenError('unavailable', 'pool'));
  }

  /** Process ids and states of the hosts, for logs and tests. */
  get hosts(): { id: number; pid: number; state: HostState }[] {
    const known = this.#own.map((link) => ({
      id: link.id,
      pid: link.pid,
      state: link.state,
    }));
    const missing = Math.max(0, this.#expectedHosts - known.length);
    return [
      ...known,
      ...Array.from({ length: missing }, () => ({ id: 0, pid: 0, state: 'starting' as const })),
    ];
  }

  /** Whether a host that has proven itself within the last minute finds in time what is asked of it: what /ready tells. */
  get usable(): boolean {
    return this.#healthy.some(({ prepared }) => prepared);
  }

  /**
   * ACTIVE when every host has proven itself within the last minute, DEGRADED when some have, UNAVAILABLE when none
   * has, nor any that could be borrowed (XKS spec, GetHealthStatus, healthStatus).
   */
  get health(): HealthStatus {
    const healthy = this.#healthy;
    if (healthy.length === 0) return 'UNAVAILABLE';
    const own = healthy.filter(({ prepared, borrowed }) => prepared && borrowed === undefined);
    return own.length < this.#expectedHosts || this.#othersLackHosts ? 'DEGRADED' : 'ACTIVE';
  }

  get #own(): Link[] {
    return [...this.#links.values()].filter(({ borrowed }) => borrowed === undefined);
  }

  get #healthy(): Link[] {
    const now = monotonicNow();
    return [...this.#links.values()].filter((link) => !link.unfit && now - link.lastHealthy < healthMaxAge);
  }

  /** Does one operation. Rejects with TokenError; never later than `deadline`. */
  async call<R extends TokenRequest>(request: R, options: CallOptions): Promise<CallResult<R['kind']>> {
    return new Promise((resolve, reject) => {
      const entry = this.#entry(request, options, (result) => {
        if (result instanceof TokenError) reject(result);
        else resolve({ value: result.answer.value as TokenResponses[R['kind']], ...result.times });
      });
      if (this.#closed) return this.#settle(entry, new TokenError('unavailable', 'pool'));
      if (this.#queue.length >= this.#limits.queueLength)
        return this.#settle(entry, new TokenError('overloaded', 'pool'));
      if (this.#links.size === 0 && entry.enqueued - this.#withoutHostSince > failFastAfter)
        return this.#settle(entry, new TokenError('unavailable', 'pool'));
      this.#queue.push(entry);
      this.#dispatch();
    });
  }

  #entry(request: TokenRequest, options: CallOptions, settle: (result: Settled) => void): Entry {
    const entry = new Entry((this.#lastId = (this.#lastId % 0xffff_ffff) + 1), request, options, settle);
    this.#open.set(entry.id, entry);
    if (this.#sweeper === undefined) {
      this.#running.advance();
      this.#sweeper = setInterval(() => this.#sweep(), sweepInterval);
    }
    return entry;
  }

  #settle(entry: Entry, result: Settled): void {
    this.#open.delete(entry.id);
    entry.settle(result);
  }

  /** Hands waiting requests to the hosts that have least to do. */
  #dispatch(): void {
    if (this.#closed) return;
    for (let at = 0; at < this.#queue.length;) {
      const entry = this.#queue[at];
      if (entry === undefined || entry.settled) {
        this.#queue.splice(at, 1);
        continue;
      }
      const link = this.#pick(entry);
      if (link !== undefined) {
        this.#queue.splice(at, 1);
        this.#send(entry, link);
      } else if (entry.tried.size > 0) {
        // It waits for a host that it has not tried; those behind it need not.
        at++;
      } else {
        return;
      }
    }
  }

  #pick(entry: Entry): Link | undefined {
    let best: Link | undefined;
    const links = entry.ownHostsOnly ? this.#own : [...this.#links.values()];
    const candidates = links.filter((link) => !entry.tried.has(link) && !link.unfit);
    // One that is still learning, or is not ours, gets work only where no other can do it.
    const first = Math.min(...candidates.map(({ rank }) => rank));
    for (const link of candidates) {
      if (!link.hasRoom || link.rank > first) continue;
      if (best === undefined || link.inFlight.size < best.inFlight.size) best = link;
    }
    return best;
  }

  #send(entry: Entry, link: Link): void {
    const frame = writeRequest({ id: entry.id, deadline: entry.deadline, request: entry.request });
    if (frame.length > maxFrameBytes) return this.#settle(entry, new TokenError('data-refused', 'pool'));
    const refused = entry.begin(link);
    if (refused !== undefined) {
      // Where another host has it already, its answer still counts.
      if (entry.on.size === 0) this.#settle(entry, refused);
      return;
    }
    link.send(entry.id, entry, frame, this.#running.now());
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    // The check phase comes after all the I/O of this event-loop turn: one write for everything it brought.
    setImmediate(() => {
      this.#flushPlanned = false;
      for (const link of this.#links.values()) link.flush();
    });
  }

  #receive(link: Link, chunk: Buffer): void {
    try {
      for (const response of link.receive(chunk)) this.#take(link, response);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.#giveUp(link);
    }
    link.lastProgress = this.#running.now();
    link.killAskedAt = undefined;
    link.sick = false;
    this.#tellWatchers();
    this.#dispatch();
  }

  #take(link: Link, { id, microseconds, learning, answer }: ResponseFrame): void {
    const entry = link.inFlight.get(id);
    // Unasked a lender says how its hosts are.
    if (id === unasked && link.borrowed !== undefined) noteHealth(link, answer);
    if (entry === undefined) return;
    if (!(answer instanceof TokenError) && answer.kind !== entry.request.kind)
      throw new RangeError('an answer to another question');
    link.inFlight.delete(id);
    entry.on.delete(link);
    link.ahead?.heard(learning);
    if (entry.request.kind === 'health') noteHealth(link, answer);
    if (answer instanceof TokenError) {
      // Of hosts that are borrowed only the one that failed ends.
      if (endsHost(answer.fault) && link.borrowed === undefined) link.leaving = true;
      return this.#failed(entry, answer);
    }
    const token = microseconds / 1000;
    const queue = Math.max(0, monotonicNow() - entry.enqueued - token);
    this.#settle(entry, { answer, times: { token, queue, host: link.pid } });
  }

  /** A host could not do it: another may, while there is time. */
  #failed(entry: Entry, error: TokenError): void {
    if (entry.settled) return;
    // What the token says of the request itself would be said by every host.
    if (!worthAnotherHost(error.fault)) return this.#settle(entry, error);
    entry.failure = error;
    if (entry.on.size === 0 && !this.#requeue(entry)) this.#settle(entry, error);
  }

  /**
   * Of hosts that are not lent any more nothing is known: that is no failure of the device. But what is never repeated may
   * have been done there, or be done yet, and `unavailable` would say that no host had it.
   */
  #goesElsewhere(entry: Entry): void {
    if (entry.settled || entry.on.size > 0 || this.#requeue(entry)) return;
    const lost = entry.isRepeatable
      ? new TokenError('unavailable', 'lent hosts')
      : new TokenError('device', 'token host');
    this.#settle(entry, entry.failure ?? lost);
  }

  #requeue(entry: Entry): boolean {
    if (this.#queue.includes(entry)) return true;
    if (this.#closed || !entry.mayBeRepeated || !this.#mayFindAnotherHost(entry)) return false;
    this.#queue.unshift(entry);
    return true;
  }

  /** One that is up and was not asked, or one that is to come. */
  #mayFindAnotherHost({ tried, ownHostsOnly }: Entry): boolean {
    const staying = [...this.#links.values()].filter((link) => !link.leaving);
    const own = staying.filter(({ borrowed }) => borrowed === undefined);
    return (
      own.length < this.#expectedHosts || (ownHostsOnly ? own : staying).some((link) => !tried.has(link))
    );
  }

  /** A host that answers nonsense: its work goes elsewhere. */
  #giveUp(link: Link): void {
    if (link.borrowed === undefined) this.#askKill(link.id);
    else this.#options.onBorrowedLost?.(link.id);
    this.#drop(link);
  }

  #drop(link: Link): void {
    if (!this.#links.delete(link.id)) return;
    if (this.#links.size === 0) this.#withoutHostSince = monotonicNow();
    link.leaving = true;
    link.destroy();
    for (const entry of link.inFlight.values()) {
      entry.on.delete(link);
      if (link.borrowed === undefined) this.#failed(entry, new TokenError('device', 'token host'));
      else this.#goesElsewhere(entry);
    }
    link.inFlight.clear();
    this.#tellWatchers();
    this.#dispatch();
  }

  /** Every few milliseconds while anything is open: what is late, who is sick, who must go. */
  #sweep(): void {
    const now = monotonicNow();
    this.#running.advance();
    for (const entry of this.#open.values())
      if (entry.deadline <= now)
        this.#settle(
          entry,
          entry.failure ?? new TokenError('timeout', entry.attempts === 0 ? 'queue' : 'token host'),
        );
    for (const link of this.#links.values()) this.#judge(link);
    this.#tellWatchers();
    if (this.#links.size === 0 && now - this.#withoutHostSince > failFastAfter)
      for (const entry of this.#open.values())
        this.#settle(entry, entry.failure ?? new TokenError('unavailable', 'pool'));
    this.#dispatch();
    const busy = this.#open.size > 0 || [...this.#links.values()].some((link) => link.inFlight.size > 0);
    if (!busy) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }

  #judge(link: Link): void {
    if (link.inFlight.size === 0) return;
    const now = this.#running.now();
    const silent = now - link.lastProgress;
    const { sickAfter, killAfter } = this.#limits;
    const patience =
      Math.max(killAfter, killFactor * link.workTime, doesSlowWork(link) ? slowPatience : 0) +
      // A search takes as long as the token has keys: that is no hang.
      searchPatience * (link.ahead?.searchTime ?? 0);
    // Again after as long: a host that did not get the CPU is spared.
    if (
      link.borrowed === undefined &&
      silent > patience &&
      now - (link.killAskedAt ?? -Infinity) > patience
    ) {
      link.killAskedAt = now;
      this.#askKill(link.id);
    }
    if (silent <= Math.max(sickAfter, sickFactor * link.workTime) || link.sick) return;
    link.sick = true;
    // Its requests are tried elsewhere as well; the first answer counts. What is slow by nature says nothing yet.
    for (const entry of link.inFlight.values())
      if (!entry.settled && entry.on.size === 1 && !slowWork.has(entry.request.kind)) this.#requeue(entry);
  }

  #checkHealth(): void {
    this.#tellWatchers();
    const deadline = monotonicNow() + this.#limits.killAfter;
    for (const link of this.#links.values()) {
      if (link.sick || link.leaving) continue;
      const entry = this.#entry({ kind: 'health' }, { deadline }, () => undefined);
      this.#send(entry, link);
    }
  }
}

/** Any other failure of it ends the host; that it came too late says nothing. */
function noteHealth(link: Link, answer: ResponseFrame['answer']): void {
  if (!(answer instanceof TokenError)) link.lastHealthy = monotonicNow();
  else if (answer.fault !== 'timeout') link.lastHealthy = -Infinity;
}

function doesSlowWork(link: Link): boolean {
  return [...link.inFlight.values()].some(({ request }) => slowWork.has(request.kind));
}
