import { isIPv6 } from 'node:net';
import { monotonicNow } from './clock.ts';

/** More waits than this process can do: of what people sign in with, since that takes long. */
export class BusyError extends Error {
  /** Seconds. */
  readonly retryAfter = 5;

  constructor() {
    super('too many sign-ins at once');
    this.name = 'BusyError';
  }
}

export interface FairQueueLimits {
  /** Pieces of work that run at once. */
  concurrency: number;
  /** Pieces that wait in one lane; one more is refused. */
  waitingInLane: number;
  /** Pieces that wait altogether. */
  waiting: number;
}

interface Waiting {
  go: () => void;
  refuse: (error: BusyError) => void;
}

/** How long work that was done counts against whoever had it done, milliseconds: at least once, at most twice this. */
const remembered = 60_000;
/** So many shares are remembered; then the older half is forgotten early. */
const maxRemembered = 4_096;

/**
 * Work that costs much, a bounded number at once. What waits stands in lanes that are served in turn, so that whoever
 * fills a lane waits in it alone; lanes of one share (see {@link shareOf}) have one turn among them. Where no more may
 * wait, the newest of the share that has most goes: by what waits and by what was done for it lately. So however many
 * addresses flood, one that has asked for nothing yet is let in.
 */
export class FairQueue {
  readonly #limits: FairQueueLimits;
  readonly #now: () => number;
  /** Share → its lanes, both in the order in which they are served next; an empty one is not kept. */
  readonly #shares = new Map<string, Map<string, Waiting[]>>();
  /** Pieces of work done for each share, of this minute and the one before. */
  #done = new Map<string, number>();
  #doneBefore = new Map<string, number>();
  #doneSince: number;
  #running = 0;
  #waiting = 0;

  /** `now` counts milliseconds, whatever the calendar does. */
  constructor(limits: FairQueueLimits, now: () => number = monotonicNow) {
    this.#limits = limits;
    this.#now = now;
    this.#doneSince = now();
  }

  /** Throws BusyError where too much waits already. */
  async run<T>(lane: string, work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limits.concurrency) this.#running += 1;
    else await this.#wait(lane);
    this.#count(shareOf(lane));
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  async #wait(name: string): Promise<void> {
    const share = shareOf(name);
    if ((this.#shares.get(share)?.get(name)?.length ?? 0) >= this.#limits.waitingInLane)
      throw new BusyError();
    if (this.#waiting >= this.#limits.waiting) this.#makeRoomFor(share);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const lanes = this.#shares.get(share) ?? new Map<string, Waiting[]>();
    this.#shares.set(share, lanes);
    lanes.set(name, [...(lanes.get(name) ?? []), { go: resolve, refuse: reject }]);
    this.#waiting += 1;
    // Resolved by #next, which hands its place among the running over.
    await promise;
  }

  /** Refuses the newest of the fullest share. Throws BusyError where none has more than the newcomer would. */
  #makeRoomFor(newcomer: string): void {
    let [fullest, max] = ['', this.#weightOf(newcomer) + 1];
    for (const share of this.#shares.keys()) {
      const weight = this.#weightOf(share);
      if (weight > max) [fullest, max] = [share, weight];
    }
    const lanes = this.#shares.get(fullest);
    if (lanes === undefined) throw new BusyError();
    const [name, lane] = [...lanes].reduce((one, other) => (other[1].length > one[1].length ? other : one));
    const last = lane.pop();
    this.#tidy(fullest, lanes, name, lane);
    this.#waiting -= 1;
    last?.refuse(new BusyError());
  }

  #weightOf(share: string): number {
    let weight = (this.#done.get(share) ?? 0) + (this.#doneBefore.get(share) ?? 0);
    for (const lane of this.#shares.get(share)?.values() ?? []) weight += lane.length;
    return weight;
  }

  #count(share: string): void {
    const now = this.#now();
    if (now - this.#doneSince >= remembered || this.#done.size >= maxRemembered) {
      this.#doneBefore = now - this.#doneSince >= 2 * remembered ? new Map() : this.#done;
      this.#done = new Map();
      this.#doneSince = now;
    }
    this.#done.set(share, (this.#done.get(share) ?? 0) + 1);
  }

  #next(): void {
    const [first] = this.#shares;
    const [lane] = first?.[1] ?? [];
    if (first === undefined || lane === undefined) {
      this.#running -= 1;
      return;
    }
    const [share, lanes] = first;
    const [name, waiting] = lane;
    const next = waiting.shift();
    // To the end of the row, where it has more.
    this.#shares.delete(share);
    lanes.delete(name);
    if (waiting.length > 0) lanes.set(name, waiting);
    if (lanes.size > 0) this.#shares.set(share, lanes);
    this.#waiting -= 1;
    next?.go();
  }

  #tidy(share: string, lanes: Map<string, Waiting[]>, name: string, lane: readonly Waiting[]): void {
    if (lane.length === 0) lanes.delete(name);
    if (lanes.size === 0) this.#shares.delete(share);
  }
}

/** Lanes with one share among them: those of an IPv6 network of 56 bits, which is what one customer is given. */
export function shareOf(lane: string): string {
  const groups = lane.split(':');
  if (groups.length !== 4) return lane;
  const [a, b, c, d = ''] = groups;
  return [a, b, c, (Number.parseInt(d, 16) >> 8).toString(16)].join(':');
}

/** Who shares a lane: one IPv4 address, or one IPv6 network of 64 bits, since a host has as many addresses there as it likes. */
export function laneOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [before = '', after] = address.toLowerCase().split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const zeros = after === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  const groups = [...head, ...Array.from({ length: zeros }, () => '0'), ...tail];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
