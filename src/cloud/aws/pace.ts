import { setTimeout as delay } from 'node:timers/promises';
import { monotonicNow } from '../../clock.ts';
import { AwsError } from './aws-error.ts';

/**
 * Operations of KMS that change something have 5 requests a second in an account and Region, each operation of its own
 * (Developer Guide, "Request quotas"; some have more). A part is left to the customer's own requests.
 */
const changesPerSecond = 4;
/** Of what only reads AWS takes hundreds a second: it is held back only once AWS throttles it, to so many. */
const readsPerSecond = 50;
/** A read that AWS takes at this rate again is held back no more. */
const readsUnbounded = 200;
/**
 * One throttled request among so many that were taken says only that some came late, and so together: what comes next
 * waits for the next second, and the pace stays. More often, and others use the quota: then it is halved each time.
 */
const mishapAmong = 8;
/** However much AWS throttles, it is asked once in so long, milliseconds: what has passed is noticed then. */
const maxInterval = 5_000;
/** Each request that AWS takes gives back so much of the pace: within a few seconds it is what it was. */
const regained = 1 / 5;

/** Requests of one operation in one Region. */
interface Line {
  /** Requests a second; Infinity for reads while AWS takes them all. */
  rate: number;
  /** When the next is due, had there been no burst. */
  next: number;
  /** When AWS last said that it takes no more. */
  slowedAt: number;
  /** Ends when those who came before have had their turn. */
  queue: Promise<void>;
  /** How many wait for theirs. */
  waiting: number;
  /** When there was a queue the last time. */
  busyAt: number;
  /** How many AWS has taken since it throttled one. */
  taken: number;
}

/** So much of an interval a request may come too soon after the one before, if that was late. */
const madeUpFor = 0.25;

/** So many seconds' worth of waiting requests are no queue yet. */
const shortQueue = 1;
/** A queue of so long ago, milliseconds, is one still: who fills it may be about to come. */
const usualLull = 5_000;

/**
 * Requests of one account, at the pace that AWS takes them: what is more waits for its turn here, instead of being
 * throttled there and tried again later. In order of their coming, each operation and Region for itself. Where others use
 * the quota too AWS throttles all the same: then the pace is halved, and grows again with each request that is taken.
 */
export class Pace {
  readonly #changes: number;
  readonly #lines = new Map<string, Line>();
  readonly #closing: AbortSignal | undefined;
  readonly #random: () => number;
  readonly #lull: number;

  /** Nothing waits for its turn any more once `closing` says so. */
  constructor({
    changes = changesPerSecond,
    closing,
    random = Math.random,
    lull = usualLull,
  }: {
    changes?: number | undefined;
    closing?: AbortSignal;
    random?: () => number;
    /** Milliseconds. */
    lull?: number;
  } = {}) {
    this.#changes = changes;
    this.#closing = closing;
    this.#random = random;
    this.#lull = lull;
  }

  /** Ends when the request may be sent, with a note of when that was. Throws AwsError `unreachable` once the node closes. */
  async turn(operation: string, region: string): Promise<number> {
    const line = this.#lineOf(operation, region);
    if (line.rate === Infinity) return monotonicNow();
    const mine = this.#after(line.queue, line);
    line.queue = mine;
    line.waiting++;
    await mine;
    if (hasQueue(line)) line.busyAt = monotonicNow();
    line.waiting--;
    if (this.#isClosing()) throw closing(operation);
    return monotonicNow();
  }

  async #after(before: Promise<void>, line: Line): Promise<void> {
    await before;
    while (!this.#isClosing() && monotonicNow() < line.next)
      await delay(Math.max(line.next - monotonicNow(), 0), undefined, { signal: this.#closing }).catch(
        () => undefined,
      );
    const interval = 1000 / line.rate;
    // A timer that was late is made up for; two at once AWS, which counts by the second, might throttle.
    line.next = Math.max(line.next, monotonicNow() - interval * madeUpFor) + interval;
  }

  /** AWS takes no more of it for the moment. What was sent before it said so the last time says nothing new. */
  throttled(operation: string, region: string, sentAt: number): void {
    const line = this.#lineOf(operation, region);
    if (sentAt <= line.slowedAt) return;
    const now = monotonicNow();
    line.slowedAt = now;
    const slower = line.taken >= mishapAmong ? line.rate : line.rate / 2;
    line.taken = 0;
    line.rate = Math.max(line.rate === Infinity ? readsPerSecond : slower, 1000 / maxInterval);
    // With jitter: whoever shares the quota was told at the same moment.
    const pause = Math.min(Math.max(1000, 1000 / line.rate), maxInterval);
    line.next = Math.max(line.next, now + pause * (0.5 + this.#random() / 2));
  }

  /** AWS has taken it, whatever its answer. */
  taken(operation: string, region: string): void {
    const line = this.#lineOf(operation, region);
    if (line.rate === Infinity) return;
    line.taken++;
    if (isRead(operation)) line.rate = line.rate >= readsUnbounded ? Infinity : line.rate * 1.25;
    else line.rate = Math.min(this.#changes, line.rate + this.#changes * regained);
  }

  /** Milliseconds until the next request of it may be sent, if nobody waits. */
  pauseOf(operation: string, region: string): number {
    return Math.max(this.#lineOf(operation, region).next - monotonicNow(), 0);
  }

  /** Whether so many wait, or did just now, that what might be spared should be. */
  isBusy(operation: string, region: string): boolean {
    const line = this.#lineOf(operation, region);
    return hasQueue(line) || monotonicNow() - line.busyAt < this.#lull;
  }

  #isClosing(): boolean {
    return this.#closing?.aborted === true;
  }

  #lineOf(operation: string, region: string): Line {
    const name = `${region} ${operation}`;
    const known = this.#lines.get(name);
    if (known !== undefined) return known;
    const rate = isRead(operation) ? Infinity : this.#changes;
    const line = {
      rate,
      next: 0,
      slowedAt: -Infinity,
      busyAt: -Infinity,
      queue: Promise.resolve(),
      waiting: 0,
      taken: 0,
    };
    this.#lines.set(name, line);
    return line;
  }
}

function closing(operation: string): AwsError {
  return new AwsError('unreachable', 'NodeCloses', operation, {
    message: `${operation} was not sent: the node is closing`,
    remediation: 'it continues automatically once the node runs again',
    certain: true,
  });
}

function hasQueue({ rate, waiting }: Line): boolean {
  return rate !== Infinity && waiting > rate * shortQueue;
}

function isRead(operation: string): boolean {
  return /^(?:Describe|Get|List)/.test(operation);
}
