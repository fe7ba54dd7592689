import { readFileSync } from 'node:fs';

/** How often is looked, milliseconds. */
const interval = 20;

interface Sample {
  at: number;
  /** By process id: for how long its main thread has been waiting for a core in all, milliseconds. */
  waited: Map<number, number>;
}

/**
 * For how long the kernel kept processes waiting that wanted to run. The tests share two cores with everything else
 * that is tested: what is late only because the machine was busy can be told from what we made late.
 */
export class CoreWaits {
  readonly #groups: () => number[][];
  readonly #samples: Sample[] = [];
  readonly #timer: NodeJS.Timeout;

  /** @param groups Processes that a request passes one after the other; of each group it meets one. */
  constructor(groups: () => number[][]) {
    this.#groups = groups;
    this.#look();
    this.#timer = setInterval(() => this.#look(), interval).unref();
  }

  stop(): void {
    this.#look();
    clearInterval(this.#timer);
  }

  /** The longest that a request between two moments of performance.now() can have waited for cores, milliseconds. */
  between(from: number, to: number): number {
    const first = this.#samples.findLast(({ at }) => at <= from) ?? this.#samples[0];
    const last = this.#samples.find(({ at }) => at >= to) ?? this.#samples.at(-1);
    let waited = 0;
    for (const group of this.#groups())
      waited += Math.max(
        0,
        ...group.map((pid) => (last?.waited.get(pid) ?? 0) - (first?.waited.get(pid) ?? 0)),
      );
    return waited;
  }

  #look(): void {
    const waited = new Map<number, number>();
    for (const pid of new Set(this.#groups().flat())) {
      const time = coreWait(pid);
      if (time !== undefined) waited.set(pid, time);
    }
    this.#samples.push({ at: performance.now(), waited });
  }
}

/** How long the main thread of a process has waited for a core since it began, milliseconds; undefined when it is gone. */
export function coreWait(pid: number): number | undefined {
  try {
    // Time on a core, time waiting for one, both in nanoseconds (Linux, scheduler/sched-stats).
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return undefined;
  }
}

/**
 * From now on: for how long these processes, and those that are started meanwhile, have waited for cores, one after the
 * other, milliseconds. What takes longer than it may on a machine that is starved may have taken so much of it from there.
 */
export function starvation(pids: readonly number[]): (started: readonly number[]) => number {
  const before = pids.map((pid) => ({ pid, waited: coreWait(pid) ?? 0 }));
  return (started) =>
    before.reduce((sum, { pid, waited }) => sum + Math.max(0, (coreWait(pid) ?? 0) - waited), 0) +
    started.reduce((sum, pid) => sum + (coreWait(pid) ?? 0), 0);
}
