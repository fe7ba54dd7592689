import { readFileSync } from 'node:fs';
import { monotonicNow, RunningClock } from './clock.ts';

/** How often to look at the most, milliseconds. */
const maxInterval = 1_000;
/** Beyond so many times its bound a process counts as hung however starved it is. */
const maxTimeout = 4;

export interface WatchdogOptions {
  /** The process that is watched; undefined where it could not be made. */
  pid: number | undefined;
  /** How long it may be silent, milliseconds; asked at each look. */
  bound: () => number;
  /** How often to look, milliseconds; never more than a second. */
  interval: number;
  /** Before each look: asks for a sign of life. */
  ask?: () => void;
  /** Called once. */
  onHung: () => void;
}

/**
 * Tells that another process is hung: silent for its bound, counted in time in which we ran ourselves and in which it had
 * the CPU or wanted none. A stopped supervisor, a stepped clock, a suspended machine and a starved one kill nobody; a
 * process that sleeps or spins is found within its bound.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #clock: RunningClock;
  readonly #timer: NodeJS.Timeout;
  #heardAt = 0;
  #lookedAt = 0;
  /** Of the silence, how long it waited for a CPU. */
  #starved = 0;
  #delay: number | undefined;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    const interval = Math.min(maxInterval, Math.ceil(options.interval));
    this.#clock = new RunningClock(2 * interval);
    this.#delay = runDelay(options.pid);
    this.#timer = setInterval(() => this.#look(), interval);
  }

  /** It has given a sign of life. */
  heard(): void {
    this.#heardAt = this.#clock.now();
    this.#starved = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { pid, bound, ask, onHung } = this.#options;
    this.#clock.advance();
    const now = this.#clock.now();
    ask?.();
    const delay = runDelay(pid);
    // No more than our own step: what it waited while we were stopped is not in our count either.
    if (delay !== undefined && this.#delay !== undefined)
      this.#starved += Math.min(delay - this.#delay, now - this.#lookedAt);
    this.#delay = delay;
    this.#lookedAt = now;
    const silent = now - this.#heardAt;
    if (silent - this.#starved < bound() && silent < maxTimeout * bound()) return;
    this.stop();
    onHung();
  }
}

/**
 * Whether a process wants the CPU and does not get it: for whoever is told that it does not answer, and has no time to
 * watch it.
 */
export class StarvationGauge {
  readonly #pid: number;
  #samples: { at: number; delay: number }[] = [];

  constructor(pid: number) {
    this.#pid = pid;
    this.sample();
  }

  /** Call it about once in a second. */
  sample(): void {
    const delay = runDelay(this.#pid);
    if (delay === undefined) return;
    this.#samples = [...this.#samples.slice(-1), { at: monotonicNow(), delay }];
  }

  /** Whether it waited for a CPU for most of the time since the sample before the last. */
  get starved(): boolean {
    const delay = runDelay(this.#pid);
    const [earlier] = this.#samples;
    if (delay === undefined || earlier === undefined) return false;
    return delay - earlier.delay > (monotonicNow() - earlier.at) / 2;
  }
}

/**
 * How long the process's first thread has waited in a run queue so far, milliseconds (/proc/PID/schedstat, second field:
 * Linux, Documentation/scheduler/sched-stats). Undefined where the kernel does not tell.
 */
function runDelay(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const [, nanoseconds] = readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ');
    return nanoseconds === undefined ? undefined : Number(nanoseconds) / 1e6;
  } catch {
    return undefined;
  }
}
