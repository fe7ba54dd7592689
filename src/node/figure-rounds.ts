import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import type { NodeFigures, WorkerFigures } from '../metrics/figures.ts';
import type { ToWorker } from './messages.ts';
import { ownAndTheirs } from './process-figures.ts';

/** How long a worker may take to tell; what it tells later is told with the next round, milliseconds. */
const roundTimeout = 1_000;

interface Asked {
  readonly index: number;
  /** Whether it is there to be asked. */
  readonly listens: boolean;
  tell(message: ToWorker): void;
}

/** Asks every XKS worker what it has counted, once the management process asks. */
export class FigureRounds {
  readonly #workers: readonly Asked[];
  readonly #everyone: Parameters<typeof ownAndTheirs>[0];
  readonly #writer: { readonly figures: NodeFigures['writes'] };
  readonly #log: Logger;
  readonly #timeout: number;
  /** Those that have not answered yet. */
  readonly #asked = new Set<number>();
  #told: NodeFigures['workers'] = [];
  #allTold = Promise.withResolvers<void>();

  constructor(
    workers: readonly Asked[],
    everyone: Parameters<typeof ownAndTheirs>[0],
    writer: { readonly figures: NodeFigures['writes'] },
    log: Logger,
    timeout = roundTimeout,
  ) {
    this.#workers = workers;
    this.#everyone = everyone;
    this.#writer = writer;
    this.#log = log;
    this.#timeout = timeout;
  }

  /** Answers `node-figures`. */
  async tell(id: number, reply: (message: ToWorker) => void): Promise<void> {
    try {
      const workers = await this.round();
      const figures = { workers, ...ownAndTheirs(this.#everyone), writes: this.#writer.figures };
      reply({ kind: 'node-figures', id, figures });
    } catch (error) {
      // Whoever only wants to know ends no node.
      this.#log.error({ problem: (error as Error).message }, 'the figures of the node cannot be told');
    }
  }

  /** What was told since the last round; what a worker has counted is told once. */
  async round(): Promise<NodeFigures['workers']> {
    for (const worker of this.#workers) {
      if (!worker.listens) continue;
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
