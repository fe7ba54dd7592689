import { setImmediate } from 'node:timers/promises';

/** How often what was gathered is written, milliseconds. */
const writeInterval = 5_000;
/** So many rows are written at once, in some two milliseconds. */
const rowsPerBatch = 200;

export interface BatchedWritesOptions<T> {
  /** Gives what was gathered, and gathers anew. */
  take: () => readonly T[];
  /** Gathers again what could not be written, beside what has come since. */
  putBack: (rest: readonly T[]) => void;
  /** Adds them to what stands in the store; whole or not at all. */
  write: (batch: readonly T[]) => Promise<void>;
  onFailure: (error: unknown) => void;
}

/** Writes what requests leave behind every few seconds, so that none of them waits for the store. */
export class BatchedWrites<T> {
  readonly #options: BatchedWritesOptions<T>;
  readonly #timer: NodeJS.Timeout;
  #writing: Promise<void> | undefined;

  constructor(options: BatchedWritesOptions<T>) {
    this.#options = options;
    this.#timer = setInterval(() => void this.write(), writeInterval).unref();
  }

  /** Writes what was gathered. Never throws: after a failure it keeps what is not written for the next time. */
  async write(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** The last write. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    await this.write();
  }

  async #write(): Promise<void> {
    const { take, putBack, write, onFailure } = this.#options;
    const taken = take();
    for (let from = 0; from < taken.length; from += rowsPerBatch) {
      try {
        await write(taken.slice(from, from + rowsPerBatch));
      } catch (error) {
        putBack(taken.slice(from));
        onFailure(error);
        return;
      }
      // Requests first.
      await setImmediate();
    }
  }
}
