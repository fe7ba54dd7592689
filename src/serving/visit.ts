import type { Started } from '../lease/snapshot-lease.ts';
import type { SnapshotHolder } from './snapshot-holder.ts';
import type { Directory } from './directory.ts';
import { readBy } from './by-deadline.ts';
import type { AskReason } from './lease-signs.ts';

/**
 * One request's way through what is remembered. Under a lease what is remembered may permit it, and nothing else: before it is
 * refused the store is asked, so that what was given a moment ago holds on every node at once. Without a lease the store is
 * asked as it begins.
 */
export class Visit {
  readonly #directory: Directory;
  readonly #holder: SnapshotHolder | undefined;
  /** It goes by the lease. */
  #started: Started | undefined;
  /** It has asked the store, and what is confirmed waits for its end all the same. */
  #counted: Started | undefined;
  /** The store was asked by this request. */
  #asked = false;
  /** When it is answered at the latest, by the monotonic clock. */
  #deadline = 0;

  constructor(directory: Directory, holder: SnapshotHolder | undefined) {
    this.#directory = directory;
    this.#holder = holder;
  }

  /**
   * Before anything is looked up. It holds up no confirmation before {@link arrive}: whoever sends the body slowly would have
   * every disable wait. `deadline` is when the request is answered at the latest, by the monotonic clock.
   */
  async begin(deadline: number): Promise<void> {
    this.#deadline = deadline;
    if (this.#holder?.isFresh !== true) await this.#ask('no-lease');
  }

  /** What is looked up, asked for again where it is not there, or not to be had, by what is remembered. */
  async find<T>(look: () => Promise<T>): Promise<T> {
    const found = await look();
    if (this.#asked || (found !== undefined && found !== false)) return found;
    await this.#ask('refusal');
    return look();
  }

  /** The body is there, which may have taken its time: what was acknowledged meanwhile counts as well. */
  async arrive(isSlow: boolean, deadline: number): Promise<void> {
    this.#deadline = deadline;
    this.#started = this.#holder?.begin();
    if (this.#started !== undefined) {
      this.#asked = false;
      return;
    }
    if (isSlow || !this.#asked) await this.#ask('no-lease');
    this.#counted = this.#holder?.count();
  }

  /** When it must be done by the token, by the monotonic clock: no later than its lease ends. */
  get deadline(): number {
    return this.#started === undefined
      ? this.#deadline
      : Math.min(this.#deadline, this.#holder?.endOf(this.#started) ?? 0);
  }

  /**
   * Runs what was asked for. Under a lease it is run again, by what the store says, where it came to a restriction or the lease has
   * ended meanwhile, and something was changed. `isRestricted` says of an answer that it tells of a restriction.
   */
  async run<T>(
    work: () => Promise<T>,
    { isRefusal, isRestricted }: { isRefusal: (error: unknown) => boolean; isRestricted: () => boolean },
  ): Promise<T> {
    if (this.#started === undefined) return work();
    const { at } = this.#directory;
    let ending: { answer: T } | { refusal: unknown };
    let why: AskReason = 'refusal';
    try {
      ending = { answer: await work() };
      const restricted = isRestricted();
      if (!restricted && this.#mayAnswer(this.#started)) return ending.answer;
      if (!restricted) why = 'no-lease';
    } catch (error) {
      if (!isRefusal(error)) throw error;
      ending = { refusal: error };
    }
    this.end();
    await this.#ask(why);
    this.#counted = this.#holder?.count();
    if (this.#directory.at !== at) return work();
    if ('refusal' in ending) throw ending.refusal;
    return ending.answer;
  }

  /** The answer is written, or will not be. */
  end(): void {
    const started = this.#started ?? this.#counted;
    if (started !== undefined) this.#holder?.end(started);
    this.#started = undefined;
    this.#counted = undefined;
  }

  #mayAnswer(started: Started): boolean {
    return this.#holder?.mayAnswer(started) ?? false;
  }

  /** Throws StoreError: at the deadline, too. */
  async #ask(why: AskReason): Promise<void> {
    this.#holder?.asked(why);
    const refreshed = this.#directory.refresh(this.#deadline);
    // A file, of which nobody holds leases, has answered within the call.
    await (this.#holder === undefined ? refreshed : readBy(refreshed, this.#deadline));
    this.#asked = true;
    this.#holder?.loaded();
  }
}
