import { isIPv6 } from 'node:net';
import { BusyError } from './identity-error.ts';

export interface FairQueueLimits {
  /** Pieces of work that run at once. */
  atOnce: number;
  /** Pieces that wait in one lane; one more is refused. */
  waitingInLane: number;
  /** Pieces that wait altogether. */
  waiting: number;
}

/**
 * Work that costs much, a bounded number at once. What waits stands in lanes that are served in turn, so that whoever
 * fills a lane waits in it alone.
 */
export class FairQueue {
  readonly #limits: FairQueueLimits;
  /** In the order in which they are served next; an empty lane is not kept. */
  readonly #lanes = new Map<string, (() => void)[]>();
  #running = 0;
  #waiting = 0;

  constructor(limits: FairQueueLimits) {
    this.#limits = limits;
  }

  /** Throws BusyError where too much waits already. */
  async run<T>(lane: string, work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limits.atOnce) this.#running += 1;
    else await this.#wait(lane);
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  async #wait(name: string): Promise<void> {
    const lane = this.#lanes.get(name) ?? [];
    if (lane.length >= this.#limits.waitingInLane || this.#waiting >= this.#limits.waiting)
      throw new BusyError();
    const { promise, resolve } = Promise.withResolvers<void>();
    lane.push(resolve);
    this.#lanes.set(name, lane);
    this.#waiting += 1;
    // Resolved by #next, which hands its place among the running over.
    await promise;
  }

  #next(): void {
    const [first] = this.#lanes;
    if (first === undefined) {
      this.#running -= 1;
      return;
    }
    const [name, lane] = first;
    const go = lane.shift();
    // To the end of the row, where it has more.
    this.#lanes.delete(name);
    if (lane.length > 0) this.#lanes.set(name, lane);
    this.#waiting -= 1;
    go?.();
  }
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
