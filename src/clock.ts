import { uptime } from 'node:os';

/*
 * The two clocks. Durations, deadlines and pauses are numbers of the monotonic clock; a moment of the calendar is a
 * Date, and nothing else is: a duration that is measured with a clock that operators, NTP and hypervisors set ends
 * anywhere. A lint rule keeps `Date.now()` and `new Date()` out of every other file of src/.
 */

/**
 * Milliseconds of CLOCK_MONOTONIC: the same clock in every process of the machine, unlike `performance.now()`. It never
 * leaps, and stands still while the machine is suspended.
 */
export function monotonicNow(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/**
 * Milliseconds of CLOCK_BOOTTIME, which goes on while the machine is suspended; in steps of ten. A few microseconds: not for
 * what is asked often.
 */
export function bootNow(): number {
  return uptime() * 1000;
}

/** The calendar time: for records, expiry, signatures and logs, never for how long something took. It may leap. */
export function wallClock(): Date {
  return new Date(Date.now());
}

/**
 * Time in which this process ran, for whoever watches others: what they did not answer while we were stopped, starved of
 * the CPU or asleep is our silence and not theirs. Call {@link advance} in short steps; of a step that took longer than
 * `maxStep` milliseconds no more than that counts.
 */
export class RunningClock {
  readonly #maxStep: number;
  #ran = 0;
  #last = monotonicNow();

  constructor(maxStep: number) {
    this.#maxStep = maxStep;
  }

  /** Milliseconds so far; what has passed of the present step is in it. */
  now(): number {
    return this.#ran + Math.min(this.#maxStep, monotonicNow() - this.#last);
  }

  advance(): void {
    this.#ran = this.now();
    this.#last = monotonicNow();
  }
}
