/*
 * The lease under which a process serves from what it remembers, and the arithmetic that it shares with whoever takes something
 * away (revocation.ts). The argument, and what it asks of clocks, machines and database, is in docs/revocation.md. Nothing here
 * reads a clock or the store.
 */

/** By how much of a time two machines' monotonic clocks may differ over it. Clocks that NTP slews stay below a twentieth of it. */
export const maxDrift = 0.01;

/** The clocks of this machine at one moment, milliseconds: neither is ever set. */
export interface Clocks {
  /** CLOCK_MONOTONIC, which stands still while the machine is suspended. */
  monotonic: number;
  /** CLOCK_BOOTTIME, which does not. */
  boot: number;
}

/** A renewal that is about to be sent. */
export interface Renewal {
  readonly at: Clocks;
  /** Of the snapshot when it was sent. */
  readonly known: number;
}

/** A request under way. */
export interface Started {
  readonly epoch: number;
  /** How often the lease had been forgotten by then: in another history of the database the same epoch is another one. */
  readonly history: number;
  readonly from: Clocks;
}

/**
 * The holder's side. It is fresh until `length · (1 − drift)` after the moment *before* the last renewal was sent whose epoch the
 * snapshot has come up to. So who joins has no lease yet: its first is that of its first renewal, in a later transaction than
 * its row's.
 */
export class SnapshotLease {
  /** Milliseconds. */
  readonly #span: number;
  /** What the snapshot is known to contain: all changes up to this epoch. */
  #epoch = -1;
  /** The moment before the renewal was sent that it is held by. */
  #from: Clocks = never;
  /** The last renewal, while it waits for the snapshot to come up to it. */
  #waiting: { from: Clocks; epoch: number } | undefined;
  /** Requests under way, by the epoch of the snapshot that each began with. */
  readonly #under = new Map<number, number>();
  #history = 0;
  /** Of those under way, how many began in an earlier history: with no epoch that can be compared. */
  #earlier = 0;

  /** `length` is what the holder's row says, milliseconds: whoever takes something away waits for that. */
  constructor(length: number, drift = maxDrift) {
    this.#span = length * (1 - drift);
  }

  /** Before the renewal is sent, and not when it is answered: it may have been on its way for long. */
  begin(at: Clocks): Renewal {
    return { at: { ...at }, known: this.#epoch };
  }

  /**
   * The renewal found the holder's row and was told this epoch. One at a time: the next is sent when this is answered. Where the
   * snapshot is `behind`, it extends nothing before {@link loaded} has brought that up to it. Where the epoch is older than
   * what the snapshot had when it was sent, the database `went-back`: the lease is dropped, and nothing that is remembered counts.
   */
  renewed({ at, known }: Renewal, epoch: number): 'extended' | 'behind' | 'went-back' {
    if (epoch < known) {
      this.forget();
      return 'went-back';
    }
    if (epoch > this.#epoch) {
      this.#waiting = { from: at, epoch };
      return 'behind';
    }
    // The snapshot may have been brought further while the renewal was on its way.
    this.#from = at;
    return 'extended';
  }

  /** The snapshot contains every change up to `epoch`, and requests that begin from now on go by it. */
  loaded(epoch: number): void {
    if (epoch > this.#epoch) this.#epoch = epoch;
    const waiting = this.#waiting;
    if (waiting === undefined || waiting.epoch > this.#epoch) return;
    this.#waiting = undefined;
    this.#from = waiting.from;
  }

  /** The holder has no row any more, or gives it up: nothing is served from the snapshot until another renewal. */
  drop(): void {
    this.#from = never;
    this.#waiting = undefined;
  }

  /** The database has gone back in time: nothing that began before may be answered by what was remembered, and no epoch is known. */
  forget(): void {
    this.drop();
    this.#epoch = -1;
    this.#history++;
    for (const count of this.#under.values()) this.#earlier += count;
    this.#under.clear();
  }

  /** Whether a request may begin with the snapshot at this moment. */
  isFresh(now: Clocks): boolean {
    return this.#isWithin(this.#from, now);
  }

  /** For how long it is fresh from this moment, unless it is renewed, milliseconds. */
  remaining({ monotonic, boot }: Clocks): number {
    return this.#span - Math.max(monotonic - this.#from.monotonic, boot - this.#from.boot);
  }

  /** A request begins with the snapshot as it is; give it to {@link end} when its answer is written, or will not be. */
  start(): Started {
    this.#under.set(this.#epoch, (this.#under.get(this.#epoch) ?? 0) + 1);
    return { epoch: this.#epoch, history: this.#history, from: this.#from };
  }

  /**
   * Asked right before the answer is written. Where the snapshot was renewed meanwhile, the lease that the request began under
   * counts and no later one: whoever took something away does not wait for more.
   */
  mayAnswer({ epoch, history, from }: Started, now: Clocks): boolean {
    if (history !== this.#history) return false;
    return this.#isWithin(epoch === this.#epoch ? this.#from : from, now);
  }

  /** When the lease of a request ends at the latest, by the monotonic clock, unless it is renewed. */
  endOf({ from }: Started): number {
    return from.monotonic + this.#span;
  }

  end({ epoch, history }: Started): void {
    if (history !== this.#history) {
      this.#earlier--;
      return;
    }
    const left = (this.#under.get(epoch) ?? 0) - 1;
    if (left > 0) this.#under.set(epoch, left);
    else this.#under.delete(epoch);
  }

  /** Nothing that began before the lease was forgotten is under way any more. */
  get isOfOneHistory(): boolean {
    return this.#earlier === 0;
  }

  /** What the holder may confirm: nothing goes by an older snapshot any more, and nothing that began with one is under way. */
  get confirmable(): number {
    if (this.#earlier > 0) return -1;
    let least = this.#epoch;
    for (const epoch of this.#under.keys()) if (epoch < least) least = epoch;
    return least;
  }

  #isWithin(from: Clocks, { monotonic, boot }: Clocks): boolean {
    return monotonic - from.monotonic < this.#span && boot - from.boot < this.#span;
  }
}

const never: Clocks = { monotonic: -Infinity, boot: -Infinity };
