import { monotonicNow } from '../clock.ts';
import { TokenError } from './faults.ts';
import { quickSearch, type TokenResponses } from './messages.ts';

/** How long a host learns at a time: while nobody waits for it, and beside its work, milliseconds. */
const idleSlice = 40;
const busySlice = 5;

/** Where a key is found quickly when it is used, learning takes no more than this part of a host's time. */
const leisurely = 1 / 5;

/** After a failure it is tried again; what failed is told by whoever works with the host, milliseconds. */
const pauseAfterFailure = 1_000;

/** Has the host learn for so long; gives what it said. */
export type AskToLearn = (milliseconds: number) => Promise<TokenResponses['learn'] | TokenError>;

/**
 * Has a host learn where the token's keys are, slice after slice beside its work. Until then it is not {@link prepared}
 * where finding a single key takes long: what is asked of it might be answered too late.
 */
export class FetchAhead {
  /** Keys that the host knows. */
  known = 0;
  readonly #ask: AskToLearn;
  readonly #isBusy: () => boolean;
  readonly #onPrepared: () => void;
  /** By its own word. */
  #isLearning = true;
  /** How long the token takes to find a key, milliseconds. */
  #searchTime = Infinity;
  #running = false;
  #timer: NodeJS.Timeout | undefined;
  #told = false;
  #stopped = false;

  constructor(ask: AskToLearn, isBusy: () => boolean, onPrepared: () => void) {
    this.#ask = ask;
    this.#isBusy = isBusy;
    this.#onPrepared = onPrepared;
  }

  /** Whether what is asked of the host is found in time. */
  get prepared(): boolean {
    return this.#searchTime <= quickSearch || (!this.#isLearning && this.#searchTime < Infinity);
  }

  /** What a search may take beyond the time of any other work, milliseconds; 0 while nothing is known of it. */
  get searchTime(): number {
    return Number.isFinite(this.#searchTime) ? this.#searchTime : 0;
  }

  /** What the host said with its latest answer. */
  heard(learning: boolean): void {
    this.#isLearning = learning;
    if (learning) this.start();
  }

  start(): void {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    void this.#learn();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #learn(): Promise<void> {
    const began = monotonicNow();
    const answer = await this.#ask(this.#isBusy() ? busySlice : idleSlice);
    if (this.#stopped) return;
    if (answer instanceof TokenError) return this.#again(pauseAfterFailure);
    this.known = answer.known;
    this.#searchTime = answer.searchTime;
    if (this.prepared && !this.#told) {
      this.#told = true;
      this.#onPrepared();
    }
    if (!this.#isLearning) {
      this.#running = false;
      return;
    }
    this.#again(this.prepared ? (monotonicNow() - began) / leisurely : 0);
  }

  #again(pause: number): void {
    this.#timer = setTimeout(() => void this.#learn(), pause).unref();
  }
}
