import { once } from 'node:events';

/** How many hosts of a token may be on their way to a login once one has succeeded. */
const atOnce = 3;

/** What the operator is told when the token has refused the PIN. */
export const wayOutOfRefusedPin =
  'put the right PIN in place; Holdfast does not try the same one again, since tokens lock themselves';

/**
 * Lets hosts of one token log in one after another until a login has succeeded, then a few at once, and none at all
 * once the token has refused the PIN: a wrong PIN tried by every host would lock the token.
 */
export class LoginGate {
  #inside = 0;
  #proven = false;
  #refused = false;
  #changed = Promise.withResolvers<void>();

  get refused(): boolean {
    return this.#refused;
  }

  /**
   * Waits for a turn; false where `signal` was aborted meanwhile. While the PIN counts as refused there is no turn:
   * `whenRefused` says whether to wait for {@link reset} or to leave.
   */
  async enter(signal: AbortSignal, whenRefused: 'wait' | 'leave' = 'wait'): Promise<boolean> {
    const aborted = signal.aborted ? undefined : once(signal, 'abort');
    while (!signal.aborted) {
      if (this.#refused && whenRefused === 'leave') return false;
      if (!this.#refused && this.#inside < (this.#proven ? atOnce : 1)) {
        this.#inside++;
        return true;
      }
      await Promise.race([this.#changed.promise, aborted]);
    }
    return false;
  }

  leave(outcome: 'ready' | 'failed' | 'pin-refused'): void {
    this.#inside--;
    // A start that failed may have been refused by a token that counts: back to one at a time.
    this.#proven = outcome === 'ready';
    if (outcome === 'pin-refused') this.#refused = true;
    this.#wake();
  }

  /** A login or a host was lost: the PIN may have been changed meanwhile, so the next login is made alone. */
  doubt(): void {
    this.#proven = false;
  }

  /** The operator says that the PIN is right now (SIGHUP). */
  reset(): void {
    this.#refused = false;
    this.#proven = false;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
