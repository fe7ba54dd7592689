import { ClockWatch } from './clock-watch.ts';
import type { LeaseFigures, LoopFigures, NodeFigures, WorkerFigures } from './figures.ts';
import { ManagementCounts } from './management-counts.ts';
import { loopFigures } from './request-counts.ts';
import { RequestTotals } from './request-totals.ts';

export interface NodeMetricsOptions {
  /** Asks the supervisor, which asks the workers; undefined where it does not answer. */
  ask: () => Promise<NodeFigures | undefined>;
  now: () => Date;
  /** Milliseconds. */
  monotonic: () => number;
  /** Who else is told what came since it was told last. */
  onRequests: (requests: WorkerFigures['requests']) => Promise<void>;
}

/** What a worker told last, and when, by the monotonic clock, milliseconds. */
export interface TellingWorker extends Pick<WorkerFigures, 'pools' | 'loop' | 'lease' | 'wentBack'> {
  at: number;
}

/** What a node has counted since its management process started, gathered there at each look. */
export class NodeMetrics {
  readonly requests = new RequestTotals();
  readonly management = new ManagementCounts();
  readonly clock = new ClockWatch();
  /** What each worker told last of itself, as it is now. */
  readonly workers = new Map<number, TellingWorker>();
  /** What the supervisor told last; undefined while it has not, or does not answer. */
  node: Omit<NodeFigures, 'workers'> | undefined;
  readonly #options: NodeMetricsOptions;
  #looking: Promise<void> | undefined;

  constructor(options: NodeMetricsOptions) {
    this.#options = options;
  }

  /** Of this process. */
  get loop(): LoopFigures {
    return loopFigures();
  }

  /** The leases of its XKS workers at this moment: one that was not told of since goes on running out. */
  get leases(): (LeaseFigures & { worker: number })[] {
    const now = this.#options.monotonic();
    return [...this.workers].flatMap(([worker, { lease, at }]) =>
      lease === null ? [] : [{ worker, ...lease, remaining: Math.max(0, lease.remaining - (now - at)) }],
    );
  }

  /** Asks all anew. Looks at the same time are one. Rejects as `onRequests` does. */
  async look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { ask, now, monotonic, onRequests } = this.#options;
    this.clock.look(now().getTime(), monotonic());
    const told = await ask();
    this.node = told;
    if (told === undefined) return;
    for (const { worker, figures } of told.workers) {
      this.requests.add(figures);
      const { pools, loop, lease, wentBack } = figures;
      this.workers.set(worker, { pools, loop, lease, wentBack, at: monotonic() });
    }
    await onRequests(told.workers.flatMap(({ figures }) => figures.requests));
  }
}
