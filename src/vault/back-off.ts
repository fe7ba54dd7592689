import { monotonicNow } from '../clock.ts';

/** Milliseconds; each is twice the one before. */
const usualPauses = { first: 30_000, max: 15 * 60_000 };

/** Growing pauses between attempts at what fails, measured by a clock that nobody sets. */
export class BackOff {
  readonly #now: () => number;
  readonly #failing = new Map<string, { failures: number; until: number }>();

  readonly #pauses: { first: number; max: number };

  constructor(now: () => number = monotonicNow, pauses = usualPauses) {
    this.#now = now;
    this.#pauses = pauses;
  }

  mayTry(task: string): boolean {
    const failing = this.#failing.get(task);
    return failing === undefined || failing.until <= this.#now();
  }

  /** Milliseconds until it may be tried; 0 for now. */
  pauseOf(task: string): number {
    return Math.max((this.#failing.get(task)?.until ?? 0) - this.#now(), 0);
  }

  failed(task: string): void {
    const failures = (this.#failing.get(task)?.failures ?? 0) + 1;
    const pause = Math.min(this.#pauses.first * 2 ** Math.min(failures - 1, 20), this.#pauses.max);
    this.#failing.set(task, { failures, until: this.#now() + pause });
  }

  succeeded(task: string): void {
    this.#failing.delete(task);
  }
}
