import { monotonicNow } from '../clock.ts';
import type { LostChange } from '../store/lost-changes.ts';
import { beforeEverything, isOtherStore, type Moment } from '../store/revision-log.ts';
import type { KnownHistory, ToldHistory } from './known-history.ts';

interface Waiting {
  id: number;
  resolve: () => void;
}

/** What an XKS worker is told of the store's history, which its supervisor keeps. */
export class WorkerHistory implements KnownHistory {
  readonly at: Moment;
  lost: readonly LostChange[];
  readonly #ask: (id: number) => void;
  readonly #onTold: () => void;
  #kept: Moment;
  #last = 0;
  /** Since when an ask waits for its answer, by the monotonic clock. */
  #since: number | undefined;
  #waiting: Waiting[] = [];

  /** `ask` has the supervisor look at the store, and answer with this number; `onTold` is called after each answer. */
  constructor({ at, lost }: Pick<ToldHistory, 'at' | 'lost'>, ask: (id: number) => void, onTold: () => void) {
    this.at = at;
    this.lost = lost;
    this.#kept = at;
    this.#ask = ask;
    this.#onTold = onTold;
  }

  /** The revision up to which the node keeps what was changed in the store that is at `at`, over restarts too. */
  keptOf(at: Moment): number {
    return isOtherStore(this.#kept, at) ? -1 : this.#kept.revision;
  }

  /** For how long the supervisor has answered no ask, milliseconds; 0 where it owes no answer. */
  get unheard(): number {
    return this.#since === undefined ? 0 : monotonicNow() - this.#since;
  }

  moved(): void {
    this.#next();
  }

  async settled(): Promise<void> {
    // What was kept is of another history.
    this.#kept = beforeEverything;
    const id = this.#next();
    return new Promise((resolve) => {
      this.#waiting.push({ id, resolve });
    });
  }

  receive({ asked, at, lost }: ToldHistory): void {
    this.lost = lost;
    // What was not asked for says nothing of how the supervisor does with what was.
    if (asked > 0) this.#since = asked >= this.#last ? undefined : monotonicNow();
    // One that nobody has asked for may be of before.
    if (asked > 0 && !this.#waiting.some(({ id }) => id > asked)) this.#kept = at;
    this.#onTold();
    for (const { id, resolve } of this.#waiting) if (id <= asked) resolve();
    this.#waiting = this.#waiting.filter(({ id }) => id > asked);
  }

  #next(): number {
    const id = ++this.#last;
    this.#since ??= monotonicNow();
    this.#ask(id);
    return id;
  }
}
