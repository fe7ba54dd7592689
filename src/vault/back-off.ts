import { monotonicNow } from '../clock.ts';

const firstPause = 30_000;
const longestPause = 15 * 60_000;

/** Growing pauses between attempts at what fails, measured by a clock that nobody sets. */
export class BackOff {
  readonly #now: () => number;
  readonly #failing = new Map<string, { failures: number; until: number }>();

  constructor(now: () => number = monotonicNow) {
    this.#now = now;
  }

  mayTry(task: string): boolean {
    const failing = this.#failing.get(task);
    return failing === undefined || failing.until <= this.#now();
  }

  failed(task: string): void {
    const failures = (this.#failing.get(task)?.failures ?? 0) + 1;
    const pause = Math.min(firstPause * 2 ** (failures - 1), longestPause);
    this.#failing.set(task, { failures, until: this.#now() + pause });
  }

  succeeded(task: string): void {
    this.#failing.delete(task);
  }
}
