import { monotonicNow, wallClock } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import { answeredWithin } from '../../store/answered-within.ts';
import type { Store } from '../../store/store.ts';
import type { NodeFigures } from '../figures.ts';
import { NodeMetrics } from '../node-metrics.ts';
import { detailStep } from './steps.ts';
import { TrafficSeries } from './traffic-series.ts';
import { VitalSeries } from './vital-series.ts';
import { VitalSigns, type VitalFacts } from './vital-signs.ts';

/** How long the store is waited for at the end, milliseconds. */
const lastWrite = 2_000;

export interface GatheredMetricsOptions {
  store: Pick<Store, 'db' | 'bookkeep'>;
  nodeId: string;
  log: Logger;
  /** Asks the supervisor what was counted on the node; undefined where it does not answer. */
  ask: () => Promise<NodeFigures | undefined>;
  /** Asks it of tokens and certificates. */
  facts: () => Promise<VitalFacts | undefined>;
}

/** What a node counts, looked at regularly, whether anybody asks or not, so that there is a series of it. */
export class GatheredMetrics {
  readonly metrics: NodeMetrics;
  /** Of AWS's requests. */
  readonly series: TrafficSeries;
  readonly vitals: VitalSeries;
  readonly nodeId: string;
  readonly #log: Logger;
  readonly #signs: VitalSigns;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #problem = '';

  constructor({ store, nodeId, log, ask, facts }: GatheredMetricsOptions) {
    this.nodeId = nodeId;
    this.#log = log;
    const options = { store, nodeId, now: wallClock };
    this.series = new TrafficSeries(options);
    this.vitals = new VitalSeries(options);
    this.metrics = new NodeMetrics({
      ...{ ask, now: wallClock, monotonic: monotonicNow },
      onRequests: async (requests) => this.#keep(async () => this.series.add(requests)),
    });
    this.#signs = new VitalSigns({ store, metrics: this.metrics, facts });
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.look(), detailStep * 1_000).unref();
  }

  /** Counts, finds out how the node is, and has both kept. Never rejects; who asks meanwhile waits for the same look. */
  async look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** What was counted is kept over a restart, where the store takes it in time. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#keep(async () =>
      answeredWithin(lastWrite, Promise.all([this.series.write(), this.vitals.write()])),
    );
  }

  async #look(): Promise<void> {
    await this.metrics.count();
    const found = await this.#signs.look();
    // A store that hangs holds up its writes, and no look.
    void this.#keep(async () => this.vitals.add(found));
  }

  /** Told once: a database that is away is told by whoever needs it. */
  async #keep(run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
      this.#problem = '';
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#problem)
        this.#log.warn(
          { problem: message },
          'figures of requests and of this node could not be written yet; charts and other nodes lack them',
        );
      this.#problem = message;
    }
  }
}
