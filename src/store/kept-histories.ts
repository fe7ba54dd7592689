import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { asideOf, readKeptHistory, unreadOf, writeKeptHistory } from './kept-history-file.ts';
import { nothingKept, type KeptHistory } from './kept-history.ts';
import { beforeEverything, type Moment } from './revision-log.ts';

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
/** Of what is not on the disk. */
export const remediationOfUnkept =
  'see that known-changes in the state directory (node.state_directory) is a file that the service may replace, and that the disk has room ' +
  'and can be written (docs/fleet.md)';

/** Of what the system says: every node is shown it. */
const longestWords = 500;

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
  #unkept: string | undefined;
  /** What is there could not be read: it is nothing to be written over. */
  #isUnread: boolean;

  constructor(file: string) {
    this.#file = file;
    const { kept, problem } = readKeptHistory(file);
    this.#kept = kept;
    this.#onDisk = kept;
    this.#isUnread = problem !== undefined;
  }

  get kept(): KeptHistory {
    return this.#kept;
  }

  /** Why what is kept is not on the disk. */
  get unkept(): string | undefined {
    return this.#unkept;
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
    const isOfFound = kept.at.store === found.store;
    // With its id, though nothing is known of it: else it would pass for the one before, were that back at the next look.
    this.#kept = isOfFound ? kept : { ...nothingKept, at: { ...beforeEverything, store: found.store } };
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
      this.#unkept = `${this.#file}: the disk takes nothing`;
  }

  #of(store: string): { kept: KeptHistory; problem?: string } {
    const kept = this.#aside.get(store);
    this.#aside.delete(store);
    return kept === undefined ? readKeptHistory(asideOf(this.#file, store)) : { kept };
  }

  async #saveUnread(): Promise<void> {
    if (this.#isUnread && existsSync(this.#file)) await rename(this.#file, unreadOf(this.#file));
    this.#isUnread = false;
  }

  async #putAside(): Promise<void> {
    for (const [store, history] of this.#aside) {
      await writeKeptHistory(asideOf(this.#file, store), history);
      if (this.#aside.get(store) === history) this.#aside.delete(store);
    }
  }

  /** Until what is kept is there. */
  async #put(): Promise<void> {
    try {
      await this.#saveUnread();
      // Before each write: the store may be another since the last.
      await this.#putAside();
      while (this.#onDisk !== this.#kept) {
        const these = this.#kept;
        await writeKeptHistory(this.#file, these);
        this.#onDisk = these;
        await this.#putAside();
      }
      this.#unkept = undefined;
    } catch (error) {
      this.#unkept = (error as Error).message.slice(0, longestWords);
    }
  }
}
