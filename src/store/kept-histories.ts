import { setTimeout as delay } from 'node:timers/promises';
import { asideOf, readKeptHistory, writeKeptHistory } from './kept-history-file.ts';
import { nothingKept, type KeptHistory } from './kept-history.ts';
import { isOtherStore, type Moment } from './revision-log.ts';

/** The store is another one than that of which a history was kept. */
export interface OtherStore {
  known: Moment;
  found: Moment;
  /** The file in which that history is kept from now on. */
  putAside: string;
  /** Why what was put aside of the present store cannot be believed. */
  problem: string | undefined;
}

/** Nobody waits longer for the disk, milliseconds. */
const longestWrite = 2_000;

/**
 * What a node keeps of the history of the store that it works with, in memory and in a file; and in a file for each, what it kept of other
 * stores that it worked with before. Whoever points it at one of those again has it compared with what was kept of that.
 */
export class KeptHistories {
  readonly #file: string;
  #kept: KeptHistory;
  /** What of it is on the disk. */
  #onDisk: KeptHistory;
  /** Of other stores by their ids, not on the disk yet: until it is, nothing is written over what is there of them. */
  readonly #aside = new Map<string, KeptHistory>();
  #writing: Promise<void> | undefined;
  #problem: string | undefined;

  constructor(file: string) {
    this.#file = file;
    this.#kept = readKeptHistory(file).kept;
    this.#onDisk = this.#kept;
  }

  get kept(): KeptHistory {
    return this.#kept;
  }

  /** Why what is kept is not on the disk. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /**
   * From now on what is kept is of the store that is at `found`. Where that is another than before, what was kept of the other is put
   * aside with the next {@link keep}, and told.
   */
  turnTo(found: Moment): OtherStore | undefined {
    const known = this.#kept.at;
    const { store } = known;
    if (store === null || found.store === null || store === found.store) return undefined;
    this.#aside.set(store, this.#kept);
    const { kept, problem } = this.#of(found.store);
    this.#kept = isOtherStore(kept.at, found) ? nothingKept : kept;
    return { known, found, putAside: asideOf(this.#file, store), problem };
  }

  /**
   * What cannot be put on the disk, which may be full or stand still, is gone by all the same, as long as this process lives: no disable
   * waits for it longer, and no write of the store at all. Never rejects.
   */
  async keep(next: KeptHistory): Promise<void> {
    this.#kept = next;
    this.#writing ??= this.#put().finally(() => {
      this.#writing = undefined;
    });
    const late = delay(longestWrite, 'late', { ref: false });
    if ((await Promise.race([this.#writing, late])) === 'late')
      this.#problem = `${this.#file}: the disk takes nothing`;
  }

  #of(store: string): { kept: KeptHistory; problem?: string } {
    const kept = this.#aside.get(store);
    this.#aside.delete(store);
    return kept === undefined ? readKeptHistory(asideOf(this.#file, store)) : { kept };
  }

  /** Until what is kept is there. */
  async #put(): Promise<void> {
    try {
      for (const [store, history] of this.#aside) {
        await writeKeptHistory(asideOf(this.#file, store), history);
        if (this.#aside.get(store) === history) this.#aside.delete(store);
      }
      while (this.#onDisk !== this.#kept) {
        const these = this.#kept;
        await writeKeptHistory(this.#file, these);
        this.#onDisk = these;
      }
      this.#problem = undefined;
    } catch (error) {
      this.#problem = (error as Error).message;
    }
  }
}
