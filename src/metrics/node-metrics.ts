import { ClockWatch } from './clock-watch.ts';
import type { LeaseFigures, LoopFigures, NodeFigures, PoolFigures, WorkerFigures } from './figures.ts';
import { ManagementCounts } from './management-counts.ts';
import { loopFigures } from './request-counts.ts';
import { RequestTotals } from './request-totals.ts';
import { TokenMinutes } from './token-minutes.ts';

export interface NodeMetricsOptions {
  /** Asks the supervisor, which asks the workers; undefined where it does not answer. */
  ask: () => Promise<NodeFigures | undefined>;
  now: () => Date;
  /** Milliseconds. */
  monotonic: () => number;
  /** Who else is told what came since it was told last, in its own time. Never rejects. */
  onRequests: (requests: WorkerFigures['requests']) => Promise<void>;
}

/** What a worker told longer ago is not how it is, milliseconds: they are asked every fifteen seconds, and for each answer. */
const maxAge = 30_000;

/** What a worker told last, and when, by the monotonic clock, milliseconds. */
export interface TellingWorker extends Pick<WorkerFigures, 'pools' | 'loop' | 'lease' | 'wentBack'> {
  at: number;
}

/** What a node has counted since its management process started, gathered there at each look. */
export class NodeMetrics {
  readonly requests = new RequestTotals();
  /** Of these the last minutes alone. */
  readonly tokenMinutes: TokenMinutes;
  readonly management = new ManagementCounts();
  readonly clock = new ClockWatch();
  /** What each worker told last of itself, as it is now. */
  readonly workers = new Map<number, TellingWorker>();
  /** What the supervisor told last; undefined while it has not, or does not answer. */
  node: Omit<NodeFigures, 'workers'> | undefined;
  readonly #options: NodeMetricsOptions;
  #counting: Promise<void> | undefined;
  #keeping: Promise<void> | undefined;
  /** What `onRequests` has still to be told. */
  #untold: WorkerFigures['requests'] = [];

  constructor(options: NodeMetricsOptions) {
    this.#options = options;
    this.tokenMinutes = new TokenMinutes(options.monotonic);
  }

  /** Of this process. */
  get loop(): LoopFigures {
    return loopFigures();
  }

  /**
   * The pools of its XKS workers, as they told last, and how long ago that was, milliseconds. Of one that has been silent for too long
   * nothing: that is not how it is now.
   */
  poolsOf(token: string): (PoolFigures & { worker: number; age: number })[] {
    const now = this.#options.monotonic();
    return [...this.workers].flatMap(([worker, { pools, at }]) => {
      const pool = pools.find((one) => one.token === token);
      const age = now - at;
      return pool === undefined || age > maxAge ? [] : [{ ...pool, worker, age }];
    });
  }

  /** The leases of its XKS workers at this moment: one that was not told of since goes on running out. */
  get leases(): (LeaseFigures & { worker: number })[] {
    const now = this.#options.monotonic();
    return [...this.workers].flatMap(([worker, { lease, at }]) =>
      lease === null ? [] : [{ worker, ...lease, remaining: Math.max(0, lease.remaining - (now - at)) }],
    );
  }

  /** Asks all anew; who asks at the same time is answered together. Waits for no store. */
  async count(): Promise<void> {
    this.#counting ??= this.#count().finally(() => {
      this.#counting = undefined;
    });
    return this.#counting;
  }

  /** The same, and waits until `onRequests` has been told. */
  async look(): Promise<void> {
    await this.count();
    await this.#keeping;
  }

  async #count(): Promise<void> {
    const { ask, now, monotonic } = this.#options;
    this.clock.look(now().getTime(), monotonic());
    const told = await ask();
    this.node = told;
    if (told === undefined) return;
    for (const { worker, figures } of told.workers) {
      this.requests.add(figures);
      this.tokenMinutes.add(figures.tokens);
      const { pools, loop, lease, wentBack } = figures;
      this.workers.set(worker, { pools, loop, lease, wentBack, at: monotonic() });
    }
    this.#untold.push(...told.workers.flatMap(({ figures }) => figures.requests));
    this.#keeping ??= this.#keep();
  }

  /** One at a time, however long that takes: what is counted meanwhile is told next, together. */
  async #keep(): Promise<void> {
    try {
      do {
        const requests = this.#untold;
        this.#untold = [];
        await this.#options.onRequests(requests);
      } while (this.#untold.length > 0);
    } finally {
      this.#keeping = undefined;
    }
  }
}
