/** Why a request asked the store: no lease was held, or it came to a refusal, which memory alone never gives. */
export type AskReason = 'no-lease' | 'refusal';

/** Of the lease of one XKS worker, since its start and now. */
export interface LeaseSigns {
  /** What it was asked for, and for how long it holds unless it is renewed; 0 where it has ended. Milliseconds. */
  length: number;
  remaining: number;
  renewals: number;
  /** Tries to renew it that failed. */
  failures: number;
  /** How often it had been held, and was found to have ended. */
  lost: number;
  asks: Record<AskReason, number>;
  /** Of the snapshot. */
  revision: number;
}

/** Counts what becomes of the lease that a {@link SnapshotHolder} keeps. */
export class LeaseCounts {
  #renewals = 0;
  #failures = 0;
  #lost = 0;
  readonly #asks: Record<AskReason, number> = { 'no-lease': 0, refusal: 0 };
  #wasHeld = false;

  /** To be called before a renewal counts, too: one that lasted for a moment only is lost all the same. */
  look(isHeld: boolean): void {
    if (this.#wasHeld && !isHeld) this.#lost++;
    this.#wasHeld = isHeld;
  }

  renewed(): void {
    this.#renewals++;
  }

  failed(): void {
    this.#failures++;
  }

  asked(why: AskReason): void {
    this.#asks[why]++;
  }

  get told(): Pick<LeaseSigns, 'renewals' | 'failures' | 'lost' | 'asks'> {
    return {
      renewals: this.#renewals,
      failures: this.#failures,
      lost: this.#lost,
      asks: { ...this.#asks },
    };
  }
}
