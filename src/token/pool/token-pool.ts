import type { Socket } from 'node:net';
import { endsHost, TokenError } from '../faults.ts';
import { FetchAhead } from '../fetch-ahead.ts';
import { maxFrameBytes } from '../frame-bytes.ts';
import { monotonicNow, RunningClock } from '../../clock.ts';
import { writeRequest } from '../request-frames.ts';
import { unasked, type ResponseFrame } from '../response-frames.ts';
import { HostLink, type Borrowed, type LinkOptions } from './host-link.ts';
import type { TokenRequest, TokenResponses } from '../messages.ts';
import {
  Entry,
  lacksMember,
  worthAnotherHost,
  type CallOptions,
  type CallResult,
  type Link,
  type Settled,
} from './pool-entry.ts';
import { MissedKeys } from './missed-keys.ts';
import { noteHealth, overloaded, type HostsLoad, type MemberHosts } from './pool-hosts.ts';
import { ToldHosts } from './told-hosts.ts';
import { WaitingRooms } from './waiting-rooms.ts';
import {
  defaultPoolLimits,
  isSlowWork,
  timeoutWith,
  slowTimeout,
  type PoolLimits,
  type PoolOptions,
} from './pool-limits.ts';

/** How often to look for what is late, and how long a step between two looks counts at the most; milliseconds. */
const sweepInterval = 5;
const maxStep = 50;

/**
 * Spreads the operations on one token over its hosts. Every operation has a deadline and ends by it, whatever the
 * hosts do: with the right answer, or with an error of the right kind (promise 3).
 */
export class TokenPool extends ToldHosts {
  readonly #limits: PoolLimits;
  readonly #askKill: (hostId: number) => void;
  readonly #options: PoolOptions;
  readonly #waiting = new WaitingRooms<Entry>();
  /** A host could not do it, and it waits for another: before what has not been tried yet. */
  readonly #again: Entry[] = [];
  /** All that wait or are under way, oldest first. */
  readonly #open = new Map<number, Entry>();
  /** Of an HSM group. */
  readonly #missed = new MissedKeys();
  #lastId = 0;
  #flushPlanned = false;
  #sweeper: NodeJS.Timeout | undefined;
  /** What a host did not answer while we were stopped or stood still ourselves is no silence of its. */
  readonly #running = new RunningClock(maxStep);
  readonly #healthTimer: NodeJS.Timeout;
  #closed = false;

  constructor(
    name: string,
    members: number | readonly MemberHosts[],
    askKill: (hostId: number) => void,
    limits: PoolLimits = defaultPoolLimits,
    options: PoolOptions = {},
  ) {
    super(name, members);
    this.#options = options;
    this.#askKill = askKill;
    this.#limits = limits;
    this.#healthTimer = setInterval(() => this.#checkHealth(), limits.healthInterval).unref();
  }

  /** Takes a host of a member that has passed its self-test, and what an operation took it then, milliseconds; and of which HSM it is. */
  addHost(
    id: number,
    pid: number,
    socket: Socket,
    { operationTime, member = this.name, serial }: Omit<LinkOptions, 'borrowed'> = {},
  ): void {
    const link: Link = new HostLink(id, pid, socket, { operationTime, member, serial });
    this.#missed.forget(member);
    this.links.add(link);
    socket.on('data', (chunk: Buffer) => this.#receive(link, chunk));
    socket.on('error', () => this.#drop(link));
    socket.on('close', () => this.#drop(link));
    if (this.#options.fetchAhead === true) this.#fetchAhead(link);
    else this.#options.onPrepared?.(id, 0);
    this.links.tellWatchers();
    this.#dispatch();
  }

  /**
   * Takes the hosts of another process, `pid`, for what none of our own can do: the work of a process whose hosts are gone
   * is not refused while others' stand idle. Its id is negative, so that it is no host's.
   */
  borrow(id: number, pid: number, socket: Socket, borrowed: Borrowed): void {
    const link: Link = new HostLink(id, pid, socket, { borrowed });
    this.links.add(link);
    socket.on('data', (chunk: Buffer) => this.#receive(link, chunk));
    const lost = () => {
      if (this.links.get(id) === undefined) return;
      this.#drop(link);
      this.#options.onBorrowedLost?.(id);
    };
    socket.on('error', lost);
    socket.on('close', lost);
    this.#dispatch();
  }

  /** What the other process has changed. */
  lenderHas(id: number, { hosts, prepared }: Borrowed): void {
    const borrowed = this.links.get(id)?.borrowed;
    if (borrowed === undefined) return;
    borrowed.hosts = hosts;
    borrowed.prepared = prepared;
    this.#dispatch();
  }

  #fetchAhead(link: Link): void {
    const ahead: FetchAhead = new FetchAhead(
      async (milliseconds) =>
        new Promise((resolve) => {
          const entry = this.#entry(
            { kind: 'learn', milliseconds },
            { deadline: monotonicNow() + slowTimeout },
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
    const link = this.links.get(id);
    if (link !== undefined) this.#drop(link);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#healthTimer);
    for (const link of [...this.links.all]) this.#drop(link);
    for (const entry of [...this.#open.values()]) this.#settle(entry, new TokenError('unavailable', 'pool'));
  }

  /** Its hosts and what they are asked, in numbers, at this moment. */
  get load(): HostsLoad & { waiting: number; underWay: number } {
    const { length: waiting, cost } = this.#waiting;
    return { ...this.links.loadAfter(cost), waiting, underWay: Math.max(0, this.#open.size - waiting) };
  }

  /** Does one operation. Rejects with TokenError, `internal` where a group is asked for what has to name its member; never later than `deadline`. */
  async call<R extends TokenRequest>(request: R, options: CallOptions): Promise<CallResult<R['kind']>> {
    return new Promise((resolve, reject) => {
      const entry = this.#entry(request, options, (result) => {
        if (result instanceof TokenError) reject(result);
        else resolve({ value: result.answer.value as TokenResponses[R['kind']], ...result.times });
      });
      if (this.links.isGroup && lacksMember(request, options))
        return this.#settle(entry, new TokenError('internal', 'HSM group', undefined, 'it names no member'));
      if (this.#closed) return this.#settle(entry, new TokenError('unavailable', 'pool'));
      if (this.links.lacks(entry, entry.enqueued))
        return this.#settle(entry, new TokenError('unavailable', 'pool'));
      this.#enqueue(entry);
    });
  }

  /** Has it wait, unless a host takes it at once. What would be late is told so now: its caller may try elsewhere, or later. */
  #enqueue(entry: Entry): void {
    const room = this.#waiting.roomOf(entry);
    const link = room.length === 0 ? this.links.pick(entry) : undefined;
    if (link !== undefined) return this.#send(entry, link);
    if (this.links.wouldBeLate(entry, room.costBefore(entry))) return this.#settle(entry, overloaded());
    if (room.length >= this.#limits.queueLength) {
      const dropped = room.dropFor(entry);
      this.#settle(dropped ?? entry, overloaded());
      if (dropped === undefined) return;
    }
    room.add(entry);
    this.#dispatch();
  }

  #entry(request: TokenRequest, options: CallOptions, settle: (result: Settled) => void): Entry {
    const id = (this.#lastId = (this.#lastId % 0xffff_ffff) + 1);
    const onlyMember = this.links.onlyMemberFor(request);
    const entry = new Entry(
      ...([id, request, { ...options, onlyMember }, settle] as const),
      this.#missed.membersWithout(request),
    );
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
    for (const entry of [...this.#again]) {
      const link = entry.settled ? undefined : this.links.pick(entry);
      if (link === undefined && !entry.settled) continue;
      this.#again.splice(this.#again.indexOf(entry), 1);
      if (link !== undefined) this.#send(entry, link);
    }
    this.#waiting.dispatch(
      (entry) => this.links.pick(entry),
      (entry, link) => this.#send(entry, link),
    );
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
      for (const link of this.links.all) link.flush();
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
    this.links.tellWatchers();
    this.#dispatch();
  }

  #take(link: Link, { id, microseconds, learning, answer }: ResponseFrame): void {
    const entry = link.inFlight.get(id);
    // Unasked a lender says how its hosts are.
    if (id === unasked && link.borrowed !== undefined) noteHealth(link, answer, microseconds);
    if (entry === undefined) return;
    if (!(answer instanceof TokenError) && answer.kind !== entry.request.kind)
      throw new RangeError('an answer to another question');
    link.inFlight.delete(id);
    entry.on.delete(link);
    link.ahead?.heard(learning);
    if (entry.request.kind === 'health') noteHealth(link, answer, microseconds);
    if (answer instanceof TokenError) {
      // Of hosts that are borrowed only the one that failed ends.
      if (endsHost(answer.fault) && link.borrowed === undefined) link.leaving = true;
      return this.#failed(entry, answer, link);
    }
    const token = microseconds / 1000;
    const queue = Math.max(0, monotonicNow() - entry.enqueued - token);
    if (entry.avoided.has(link.member)) this.#missed.forget(link.member, entry.request);
    const { notOn } = entry;
    const times = {
      token,
      queue,
      host: link.pid,
      serial: link.serial,
      ...(notOn.size === 0 ? {} : { notOn }),
    };
    this.#settle(entry, { answer, times });
  }

  /** A host could not do it: another may, while there is time. */
  #failed(entry: Entry, error: TokenError, { member, borrowed }: Link): void {
    if (entry.settled) return;
    if (this.links.isGroup && borrowed === undefined && entry.isOfMember(error.fault))
      return this.#missedOn(member, entry, error);
    // What the token says of the request itself would be said by every host.
    if (!worthAnotherHost(error.fault)) return this.#settle(entry, error);
    entry.failure = error;
    if (entry.on.size === 0 && !this.#requeue(entry)) this.#settle(entry, error);
  }

  /** A member says that its key object will not do: that is no answer while another member may have it. */
  #missedOn(member: string, entry: Entry, error: TokenError): void {
    this.#missed.note(entry.request, member);
    entry.refusedBy(member, error);
    if (entry.on.size === 0 && !this.#requeue(entry)) this.#settle(entry, entry.failure ?? error);
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
    if (this.#again.includes(entry)) return true;
    if (this.#closed || !entry.mayBeRepeated || !this.links.mayHaveAnotherFor(entry)) return false;
    this.#again.unshift(entry);
    return true;
  }

  /** A host that answers nonsense: its work goes elsewhere. */
  #giveUp(link: Link): void {
    if (link.borrowed === undefined) this.#askKill(link.id);
    else this.#options.onBorrowedLost?.(link.id);
    this.#drop(link);
  }

  #drop(link: Link): void {
    if (!this.links.delete(link.id)) return;
    link.leaving = true;
    link.destroy();
    for (const entry of link.inFlight.values()) {
      entry.on.delete(link);
      if (link.borrowed === undefined) this.#failed(entry, new TokenError('device', 'token host'), link);
      else this.#goesElsewhere(entry);
    }
    link.inFlight.clear();
    this.links.tellWatchers();
    this.#dispatch();
  }

  /** Every few milliseconds while anything is open: what is late, who is sick, who must go. */
  #sweep(): void {
    const now = monotonicNow();
    this.#running.advance();
    for (const [entry, error] of this.links.late(this.#open.values(), now)) this.#settle(entry, error);
    this.#waiting.forgetSettled();
    for (const link of this.links.all) this.#judge(link);
    this.links.tellWatchers();
    if (this.links.missesMember)
      for (const entry of this.#open.values())
        if (entry.on.size === 0 && this.links.lacks(entry, now))
          this.#settle(entry, entry.failure ?? new TokenError('unavailable', 'pool'));
    this.#dispatch();
    const busy = this.#open.size > 0 || [...this.links.all].some((link) => link.inFlight.size > 0);
    if (!busy) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }

  #judge(link: Link): void {
    if (link.inFlight.size === 0) return;
    const now = this.#running.now();
    const silent = now - link.lastProgress;
    const { untilLate, untilSick, untilKilled } = timeoutWith(link, this.#limits);
    // Again after as long: a host that did not get the CPU is spared.
    if (
      link.borrowed === undefined &&
      silent > untilKilled &&
      now - (link.killAskedAt ?? -Infinity) > untilKilled
    ) {
      link.killAskedAt = now;
      this.#askKill(link.id);
    }
    if (silent <= untilLate || link.sick) return;
    link.sick = silent > untilSick;
    // Its requests are tried elsewhere as well, of one that is only late those that must be now; the first answer counts. What is slow by
    // nature says nothing yet.
    for (const entry of link.inFlight.values())
      if (!entry.settled && entry.on.size === 1 && !isSlowWork(entry.request.kind))
        if (link.sick || this.links.isLastChance(entry, link)) this.#requeue(entry);
  }

  #checkHealth(): void {
    this.links.tellWatchers();
    const deadline = monotonicNow() + this.#limits.killAfter;
    for (const link of this.links.all) {
      // Asked once more, one that hangs would have so much more to do, and so much longer before it is found to hang.
      if (link.sick || link.leaving || link.isAskedFor('health')) continue;
      const entry = this.#entry({ kind: 'health' }, { deadline }, () => undefined);
      this.#send(entry, link);
    }
  }
}
