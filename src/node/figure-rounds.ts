import { setTimeout as delay } from 'node:timers/promises';
import type { NodeFigures, WorkerFigures } from '../metrics/figures.ts';
import type { ToWorker } from './messages.ts';

/** How long a worker may take to tell; what it tells later is told with the next round, milliseconds. */
const roundTimeout = 1_000;

interface Asked {
  index: number;
  tell(message: ToWorker): void;
}

/** Asks every XKS worker what it has counted, when somebody wants to know: nothing is sent for nobody. */
export class FigureRounds {
  readonly #workers: () => readonly Asked[];
  readonly #timeout: number;
  /** Those that have not answered yet. */
  readonly #asked = new Set<number>();
  #told: NodeFigures['workers'] = [];
  #allTold = Promise.withResolvers<void>();

  /** `workers` are those that are there to answer. */
  constructor(workers: () => readonly Asked[], timeout = roundTimeout) {
    this.#workers = workers;
    this.#timeout = timeout;
  }

  /** What was told since the last round; what a worker has counted is told once. */
  async round(): Promise<NodeFigures['workers']> {
    for (const worker of this.#workers()) {
      // One that has not answered has not forgotten that it was asked.
      if (this.#asked.has(worker.index)) continue;
      this.#asked.add(worker.index);
      worker.tell({ kind: 'figures' });
    }
    if (this.#asked.size > 0) {
      const late = new AbortController();
      await Promise.race([
        this.#allTold.promise,
        delay(this.#timeout, undefined, { signal: late.signal }).catch(() => undefined),
      ]);
      late.abort();
    }
    return this.#told.splice(0);
  }

  answered(worker: number, figures: WorkerFigures): void {
    // What nobody asked for is no answer.
    if (!this.#asked.has(worker)) return;
    this.#told.push({ worker, figures });
    this.gone(worker);
  }

  /** It answers no more; what it had counted since the last round nobody knows. */
  gone(worker: number): void {
    this.#asked.delete(worker);
    if (this.#asked.size > 0) return;
    this.#allTold.resolve();
    this.#allTold = Promise.withResolvers();
  }
}
