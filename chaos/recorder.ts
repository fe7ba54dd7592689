import { closeSync, openSync, writeSync } from 'node:fs';
import type { Entry } from './history.ts';

/** Keeps a history in memory and, line by line, in a file. */
export class History {
  readonly entries: Entry[] = [];
  readonly #file: number | undefined;
  readonly #from = performance.now();

  constructor(file?: string) {
    this.#file = file === undefined ? undefined : openSync(file, 'w', 0o600);
  }

  /** Milliseconds since the run began. */
  now(): number {
    return performance.now() - this.#from;
  }

  add(entry: Entry): void {
    this.entries.push(entry);
    if (this.#file !== undefined) writeSync(this.#file, `${JSON.stringify(entry)}\n`);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}
