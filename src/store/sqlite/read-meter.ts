/** One statement that has read rows. */
export interface MeasuredRead {
  sql: string;
  parameters: readonly unknown[];
  /** Returned: with SQLite the event loop stands still until the last of them is there. */
  rows: number;
}

/** Measures every statement of a store that reads, so that one that returns too much is seen before it stops a node. */
export class ReadMeter {
  /** The one with the most rows, since the start or {@link reset}. */
  largest: MeasuredRead = none;
  /** Told of each; for tests that look at how they are done. */
  onRead: ((read: MeasuredRead) => void) | undefined;

  end(read: MeasuredRead): void {
    if (read.rows > this.largest.rows) this.largest = read;
    this.onRead?.(read);
  }

  reset(): void {
    this.largest = none;
  }
}

const none: MeasuredRead = { sql: '', parameters: [], rows: 0 };
