import type { Socket } from 'node:net';
import { TokenError } from './faults.ts';
import { FrameCutter, monotonicNow, readResponse, writeRequest, type TokenAnswer } from './frames.ts';
import type { TokenRequest, TokenRequestKind, TokenResponses } from './messages.ts';

/** Time limits and sizes of a pool, milliseconds. */
export interface PoolLimits {
  /** A host that has not answered for this long is sick: it gets nothing new, and its work goes to another host too. */
  sickAfter: number;
  /** A host that has not answered for this long is killed and replaced. */
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

/** An answer that is older than this says nothing about health (XKS spec: a cached result MUST not be older than one minute). */
const healthMaxAge = 50_000;

/** How much work one host holds at once: what it does in about this time, milliseconds. Larger batches, fewer system calls. */
const batchTime = 2;
const largestBatch = 24;
/** Another host is asked at most once: an operation that two hosts could not do in time is told as late. */
const mostAttempts = 2;
/** Without any host for this long, requests fail at once instead of waiting out their deadline. */
const failFastAfter = 1000;

export type HostState = 'starting' | 'ready' | 'busy' | 'sick' | 'dead';
export type HealthStatus = 'ACTIVE' | 'DEGRADED' | 'UNAVAILABLE';

export interface CallOptions {
  /** When the caller stops waiting, by {@link monotonicNow}. */
  deadline: number;
  /** Called before each time the request is handed to a host; may throw to refuse. Counts encryptions. */
  onAttempt?: (() => void) | undefined;
}

/** Where the time of a call went. */
export interface CallTimes {
  /** Waiting for a host, and for the messages to travel, milliseconds. */
  queue: number;
  /** In the token host, milliseconds. */
  token: number;
  /** Process id of the token host that answered. */
  host: number;
}

export interface CallResult<K extends TokenRequestKind> extends CallTimes {
  value: TokenResponses[K];
}

interface Entry {
  id: number;
  request: TokenRequest;
  deadline: number;
  onAttempt: (() => void) | undefined;
  enqueued: number;
  attempts: number;
  /** Hosts that hold it now. */
  on: Set<Link>;
  tried: Set<Link>;
  settle: (result: { answer: TokenAnswer; times: CallTimes } | TokenError) => void;
  settled: boolean;
}

/** One running token host as the pool sees it. */
interface Link {
  id: number;
  pid: number;
  socket: Socket;
  cutter: FrameCutter;
  inFlight: Map<number, { entry: Entry; sent: number }>;
  out: Buffer[];
  lastProgress: number;
  /** Moving average of what one operation takes in the host, milliseconds. */
  operationTime: number;
  sick: boolean;
  killAsked: boolean;
  lastHealthy: number;
}

/** What a retry may repeat: an encrypt makes a new IV, a decrypt changes nothing. Making a key is never repeated. */
const repeatable: ReadonlySet<TokenRequestKind> = new Set<TokenRequestKind>([
  'encrypt',
  'decrypt',
  'inspectKey',
  'findKey',
  'protect',
  'reveal',
  'health',
  'destroyKey',
]);

/** Faults that another host may not have. */
const worthAnotherHost = new Set(['device', 'session-lost', 'verify-failed', 'iv-refused', 'pin-refused']);

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
  readonly #queue: Entry[] = [];
  /** All that wait or are under way, oldest first. */
  readonly #open = new Map<number, Entry>();
  #lastId = 0;
  #flushPlanned = false;
  #sweeper: NodeJS.Timeout | undefined;
  readonly #healthTimer: NodeJS.Timeout;
  #withoutHostSince = monotonicNow();
  #closed = false;

  constructor(
    name: string,
    expectedHosts: number,
    askKill: (hostId: number) => void,
    limits: PoolLimits = defaultPoolLimits,
  ) {
    this.name = name;
    this.#expectedHosts = expectedHosts;
    this.#askKill = askKill;
    this.#limits = limits;
    this.#healthTimer = setInterval(() => this.#checkHealth(), limits.healthInterval).unref();
  }

  /** Takes a host that is ready: it has just passed its self-test, which is a real encrypt and decrypt. */
  addHost(id: number, pid: number, socket: Socket): void {
    const now = monotonicNow();
    const link: Link = {
      id,
      pid,
      socket,
      cutter: new FrameCutter(),
      inFlight: new Map(),
      out: [],
      lastProgress: now,
      operationTime: 1,
      sick: false,
      killAsked: false,
      lastHealthy: now,
    };
    this.#links.set(id, link);
    socket.on('data', (chunk: Buffer) => this.#receive(link, chunk));
    socket.on('error', () => this.#drop(link));
    socket.on('close', () => this.#drop(link));
    this.#dispatch();
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
    const known = [...this.#links.values()].map((link) => ({
      id: link.id,
      pid: link.pid,
      state: stateOf(link),
    }));
    const missing = Math.max(0, this.#expectedHosts - known.length);
    return [
      ...known,
      ...Array.from({ length: missing }, () => ({ id: 0, pid: 0, state: 'starting' as const })),
    ];
  }

  get usable(): boolean {
    return [...this.#links.values()].some((link) => !link.sick);
  }

  /**
   * ACTIVE when every host has proven itself within the last minute, DEGRADED when some have, UNAVAILABLE when none
   * has (XKS spec, GetHealthStatus, healthStatus).
   */
  get health(): HealthStatus {
    const now = monotonicNow();
    const healthy = [...this.#links.values()].filter(
      (link) => !link.sick && now - link.lastHealthy < healthMaxAge,
    );
    if (healthy.length === 0) return 'UNAVAILABLE';
    return healthy.length < this.#expectedHosts ? 'DEGRADED' : 'ACTIVE';
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

  #entry(request: TokenRequest, { deadline, onAttempt }: CallOptions, settle: Entry['settle']): Entry {
    const entry: Entry = {
      id: (this.#lastId = (this.#lastId + 1) >>> 0),
      request,
      deadline,
      onAttempt,
      enqueued: monotonicNow(),
      attempts: 0,
      on: new Set(),
      tried: new Set(),
      settle,
      settled: false,
    };
    this.#open.set(entry.id, entry);
    this.#sweeper ??= setInterval(() => this.#sweep(), 5);
    return entry;
  }

  #settle(entry: Entry, result: { answer: TokenAnswer; times: CallTimes } | TokenError): void {
    if (entry.settled) return;
    entry.settled = true;
    this.#open.delete(entry.id);
    entry.settle(result);
  }

  /** Hands waiting requests to the hosts that have least to do. */
  #dispatch(): void {
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
    for (const link of this.#links.values()) {
      if (link.sick || entry.tried.has(link)) continue;
      const window = Math.max(1, Math.min(largestBatch, Math.floor(batchTime / link.operationTime)));
      if (link.inFlight.size >= window) continue;
      if (best === undefined || link.inFlight.size < best.inFlight.size) best = link;
    }
    return best;
  }

  #send(entry: Entry, link: Link): void {
    try {
      entry.onAttempt?.();
    } catch (error) {
      if (entry.on.size === 0)
        this.#settle(entry, error instanceof TokenError ? error : new TokenError('internal', 'pool'));
      return;
    }
    entry.attempts++;
    entry.on.add(link);
    entry.tried.add(link);
    const now = monotonicNow();
    if (link.inFlight.size === 0) link.lastProgress = now;
    link.inFlight.set(entry.id, { entry, sent: now });
    link.out.push(writeRequest({ id: entry.id, deadline: entry.deadline, request: entry.request }));
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    // The check phase comes after all the I/O of this event-loop turn: one write for everything it brought.
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#flushPlanned = false;
    for (const link of this.#links.values()) {
      const [first] = link.out;
      if (first === undefined) continue;
      link.socket.write(link.out.length === 1 ? first : Buffer.concat(link.out));
      link.out = [];
    }
  }

  #receive(link: Link, chunk: Buffer): void {
    let frames: Buffer[];
    try {
      frames = link.cutter.push(chunk);
    } catch {
      this.#askKill(link.id);
      return this.#drop(link);
    }
    const now = monotonicNow();
    for (const frame of frames) {
      const { id, microseconds, answer } = readResponse(frame);
      const sent = link.inFlight.get(id);
      if (sent === undefined) continue;
      link.inFlight.delete(id);
      const token = microseconds / 1000;
      link.operationTime += (Math.max(token, 0.02) - link.operationTime) / 16;
      const { entry } = sent;
      entry.on.delete(link);
      if (entry.request.kind === 'health') link.lastHealthy = answer instanceof TokenError ? 0 : now;
      if (answer instanceof TokenError) this.#failed(entry, answer);
      else
        this.#settle(entry, {
          answer,
          times: { token, queue: now - entry.enqueued - token, host: link.pid },
        });
    }
    link.lastProgress = now;
    link.sick = false;
    this.#dispatch();
  }

  /** A host could not do it: another may, while there is time. */
  #failed(entry: Entry, error: TokenError): void {
    if (entry.settled || entry.on.size > 0) return;
    if (worthAnotherHost.has(error.fault) && this.#requeue(entry)) return;
    this.#settle(entry, error);
  }

  #requeue(entry: Entry): boolean {
    if (
      entry.attempts >= mostAttempts ||
      !repeatable.has(entry.request.kind) ||
      monotonicNow() >= entry.deadline
    )
      return false;
    this.#queue.unshift(entry);
    return true;
  }

  #drop(link: Link): void {
    if (!this.#links.delete(link.id)) return;
    if (this.#links.size === 0) this.#withoutHostSince = monotonicNow();
    link.socket.destroy();
    for (const { entry } of link.inFlight.values()) {
      entry.on.delete(link);
      this.#failed(entry, new TokenError('device', 'token host'));
    }
    link.inFlight.clear();
    this.#dispatch();
  }

  /** Every few milliseconds while anything is open: what is late, who is sick, who must go. */
  #sweep(): void {
    const now = monotonicNow();
    for (const entry of this.#open.values())
      if (entry.deadline <= now)
        this.#settle(entry, new TokenError('timeout', entry.attempts === 0 ? 'queue' : 'token host'));
    for (const link of this.#links.values()) this.#judge(link, now);
    if (this.#links.size === 0 && now - this.#withoutHostSince > failFastAfter)
      for (const entry of this.#open.values()) this.#settle(entry, new TokenError('unavailable', 'pool'));
    while (this.#queue[0]?.settled === true) this.#queue.shift();
    this.#dispatch();
    const busy = this.#open.size > 0 || [...this.#links.values()].some((link) => link.inFlight.size > 0);
    if (!busy) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }

  #judge(link: Link, now: number): void {
    if (link.inFlight.size === 0) return;
    const silent = now - link.lastProgress;
    if (silent > this.#limits.killAfter && !link.killAsked) {
      link.killAsked = true;
      this.#askKill(link.id);
    }
    if (silent <= this.#limits.sickAfter || link.sick) return;
    link.sick = true;
    // Its requests are tried elsewhere as well; the first answer counts.
    for (const { entry } of link.inFlight.values())
      if (!entry.settled && entry.on.size === 1) this.#requeue(entry);
  }

  #checkHealth(): void {
    const deadline = monotonicNow() + this.#limits.killAfter;
    for (const link of this.#links.values()) {
      if (link.sick) continue;
      const entry = this.#entry({ kind: 'health' }, { deadline }, () => undefined);
      this.#send(entry, link);
    }
  }
}

function stateOf(link: Link): HostState {
  if (link.killAsked) return 'dead';
  if (link.sick) return 'sick';
  return link.inFlight.size > 0 ? 'busy' : 'ready';
}
