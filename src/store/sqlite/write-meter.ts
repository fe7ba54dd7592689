/** One write transaction. While it lasts nobody else writes, and with SQLite the event loop stands still for much of it. */
export interface MeasuredWrite {
  /** From its beginning to its end, milliseconds. */
  took: number;
  /** Processor time of this thread in between, milliseconds: what no busy machine makes longer. */
  cpu: number;
  /** Inserted, updated or deleted. */
  rows: number;
}

/** Measures every write transaction of a store, so that a long one is seen before it stops a node. */
export class WriteMeter {
  count = 0;
  /** The one that took the most processor time, and the one with the most rows, since the start or {@link reset}. */
  max: MeasuredWrite = none;
  largest: MeasuredWrite = none;
  #began: { at: number; cpu: NodeJS.CpuUsage; changes: number } | undefined;

  begin(changes: number): void {
    this.#began = { at: performance.now(), cpu: process.threadCpuUsage(), changes };
  }

  end(changes: number): void {
    if (this.#began === undefined) return;
    const { user, system } = process.threadCpuUsage(this.#began.cpu);
    const write = {
      took: performance.now() - this.#began.at,
      cpu: (user + system) / 1000,
      rows: changes - this.#began.changes,
    };
    this.#began = undefined;
    this.count++;
    if (write.cpu > this.max.cpu) this.max = write;
    if (write.rows > this.largest.rows) this.largest = write;
  }

  reset(): void {
    this.count = 0;
    this.max = none;
    this.largest = none;
  }
}

const none: MeasuredWrite = { took: 0, cpu: 0, rows: 0 };
