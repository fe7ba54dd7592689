import { ClockWatch } from './clock-watch.ts';
import type { LoopFigures, NodeFigures, WorkerFigures } from './figures.ts';
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

/** What a node has counted since its management process started, gathered there at each look. */
export class NodeMetrics {
  readonly requests = new RequestTotals();
  readonly management = new ManagementCounts();
  readonly clock = new ClockWatch();
  /** What each worker told last of itself, as it is now. */
  readonly workers = new Map<number, Pick<WorkerFigures, 'pools' | 'loop' | 'wentBack'>>();
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
      const { pools, loop, wentBack } = figures;
      this.workers.set(worker, { pools, loop, wentBack });
    }
    await onRequests(told.workers.flatMap(({ figures }) => figures.requests));
  }
}
