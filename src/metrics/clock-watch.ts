/** Within so much between two looks a clock was only slewed, milliseconds: NTP slews by 0.5 ms a second at the most. */
const steady = 250;

/**
 * Tells steps of the wall clock: someone has set it, or the machine was suspended, in which CLOCK_MONOTONIC stands still.
 * SigV4 allows five minutes; expiry, retirement and schedules go by it.
 */
export class ClockWatch {
  forward = 0;
  backward = 0;
  /** By how much it was set last, milliseconds; below zero backward. */
  last = 0;
  #ahead: number | undefined;

  /** Both in milliseconds. */
  look(wall: number, monotonic: number): void {
    const ahead = wall - monotonic;
    const step = ahead - (this.#ahead ?? ahead);
    this.#ahead = ahead;
    if (Math.abs(step) < steady) return;
    this.last = step;
    if (step > 0) this.forward++;
    else this.backward++;
  }
}
