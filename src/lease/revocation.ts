import { maxDrift } from './snapshot-lease.ts';

/** A holder's row, as whoever takes something away reads it. */
export interface Holder {
  id: string;
  /** What it has confirmed. */
  epoch: number;
  /** Moves with each of its renewals. */
  term: number;
  /**
   * Random, of the last renewal: a database that has lost a renewal shows the next one in the same term. Null where a node of an older version
   * has made it.
   */
  mark: string | null;
  /** Of its lease, milliseconds. */
  length: number;
}

/** Who has been heard, and who is waited for. */
export interface Standing {
  /** They have confirmed, and finished what began before; or they had given up their row by themselves. */
  confirmed: readonly string[];
  /** Not heard, but whatever lease they had has ended. */
  ended: readonly string[];
  /** By the monotonic clock of this machine, milliseconds: then it is over for each of them at the latest. */
  waiting: readonly { id: string; until: number }[];
}

/** How long a lease of this length may go on after a moment at which no later renewal can be without the new epoch, milliseconds. */
export function longestLease(length: number, drift = maxDrift): number {
  return length * (1 + drift);
}

/**
 * The side of whoever takes something away. Made *after* the COMMIT that moved the epoch has returned, of the rows that a *later*
 * transaction reads: who is not among them joins later, and loads what has been changed.
 */
export class Revocation {
  readonly #epoch: number;
  readonly #holders: Map<string, { until: number; confirmed: boolean }>;

  /** `committedAt` is noted after the COMMIT has returned, by the monotonic clock, milliseconds. */
  constructor(epoch: number, committedAt: number, holders: readonly Holder[], drift = maxDrift) {
    this.#epoch = epoch;
    this.#holders = new Map(
      holders.map(({ id, length, epoch: confirmed }) => [
        id,
        { until: committedAt + longestLease(length, drift), confirmed: confirmed >= epoch },
      ]),
    );
  }

  /** The rows as they are now; of a later transaction each time. A row that is gone was given up, or its lease had ended. */
  saw(rows: readonly Pick<Holder, 'id' | 'epoch'>[]): void {
    const epochs = new Map(rows.map(({ id, epoch }) => [id, epoch]));
    for (const [id, holder] of this.#holders) {
      const epoch = epochs.get(id);
      if (epoch === undefined || epoch >= this.#epoch) holder.confirmed = true;
    }
  }

  /** At this moment of the same clock. It is in force everywhere once nobody is waited for. */
  standing(now: number): Standing {
    const confirmed: string[] = [];
    const ended: string[] = [];
    const waiting: { id: string; until: number }[] = [];
    for (const [id, { until, confirmed: heard }] of this.#holders) {
      if (heard) confirmed.push(id);
      else if (now > until) ended.push(id);
      else waiting.push({ id, until });
    }
    return { confirmed, ended, waiting };
  }
}

type SeenRow = Pick<Holder, 'term' | 'mark' | 'length'> & { since: number };

/** A row as it was when its lease had ended: it is removed where it is still this one. */
export type SilentRow = Pick<Holder, 'id' | 'term' | 'mark'>;

/**
 * Who has not renewed for as long as a lease can last, so that nobody needs to wait for them: a process that was killed takes
 * its row along with no renewal. It is removed where term and mark are still those named: then its lease has ended, and who comes back
 * to no row joins anew.
 */
export class SilentHolders {
  readonly #seen = new Map<string, SeenRow>();
  readonly #drift: number;

  constructor(drift = maxDrift) {
    this.#drift = drift;
  }

  /** Rows that a transaction read which ended before `now`, by the monotonic clock, milliseconds. */
  saw(rows: readonly Holder[], now: number): void {
    const ids = new Set(rows.map(({ id }) => id));
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id);
    for (const { id, term, mark, length } of rows) {
      const seen = this.#seen.get(id);
      if (seen?.term !== term || seen.mark !== mark) this.#seen.set(id, { term, mark, since: now, length });
    }
  }

  silent(now: number): SilentRow[] {
    return [...this.#seen]
      .filter(([, { since, length }]) => now - since > longestLease(length, this.#drift))
      .map(([id, { term, mark }]) => ({ id, term, mark }));
  }
}
