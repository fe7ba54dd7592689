import { monotonicNow, wallClock } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import type { Store } from '../../store/store.ts';
import type { NodeFigures } from '../figures.ts';
import { NodeMetrics } from '../node-metrics.ts';
import { detailStep, TrafficSeries } from './traffic-series.ts';

export interface GatheredMetricsOptions {
  store: Pick<Store, 'db' | 'bookkeep'>;
  nodeId: string;
  log: Logger;
  /** Asks the supervisor what was counted on the node; undefined where it does not answer. */
  ask: () => Promise<NodeFigures | undefined>;
}

/** What a node counts, looked at regularly, whether anybody asks or not, so that there is a series of it. */
export class GatheredMetrics {
  readonly metrics: NodeMetrics;
  readonly series: TrafficSeries;
  readonly nodeId: string;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;

  constructor({ store, nodeId, log, ask }: GatheredMetricsOptions) {
    this.nodeId = nodeId;
    this.#log = log;
    this.series = new TrafficSeries({ store, nodeId, now: wallClock });
    this.metrics = new NodeMetrics({
      ...{ ask, now: wallClock, monotonic: monotonicNow },
      onRequests: async (requests) => this.#keep(async () => this.series.add(requests)),
    });
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.metrics.look(), detailStep * 1_000).unref();
  }

  /** What was counted is kept over a restart. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#keep(async () => this.series.write());
  }

  async #keep(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.#log.warn(
        { problem: (error as Error).message },
        'figures of requests could not be written yet; charts of more than the last hour lack them',
      );
    }
  }
}
