import { monotonicNow } from '../../clock.ts';
import type { Cryptoki } from './cryptoki.ts';
import { CryptokiError } from './cryptoki-error.ts';
import type { KeyObjects } from './keys/key-objects.ts';
import type { OwnKeyGuard } from './keys/own-key-proofs.ts';
import { ownKeys } from '../own-keys.ts';
import { reactionTo } from './reactions.ts';
import { isRepairable, repair } from './repair.ts';

/**
 * Between two looks, milliseconds, less up to a quarter by chance: hosts that were started together do not look together. Looking
 * for a key that is gone costs a search of the token.
 */
const interval = 60_000;

/**
 * Whether our own keys are still the ones that were made. A host may not be asked to use the sealing key for months, and the
 * first to hear of it would be who restarts the node; and for the health key something may stand in.
 */
export class OwnKeyWatch {
  readonly #cryptoki: Cryptoki;
  readonly #keys: KeyObjects;
  readonly #own: OwnKeyGuard;
  #next = 0;

  constructor(cryptoki: Cryptoki, keys: KeyObjects, own: OwnKeyGuard) {
    this.#cryptoki = cryptoki;
    this.#keys = keys;
    this.#own = own;
  }

  /** What it finds is among the guard's alarms. Throws TokenError where the token could not be put right again, or is sick. */
  look(deadline: number): void {
    const now = monotonicNow();
    if (now < this.#next || now >= deadline) return;
    this.#next = now + interval * (1 - Math.random() / 4);
    try {
      this.#own.lookAtAll(deadline);
    } catch (error) {
      if (!(error instanceof CryptokiError) || error.rv === undefined) throw error;
      const { id } = ownKeys.sealing;
      const reaction = reactionTo(error.call, error.rv);
      // Of a handle whose object is gone modules say many things.
      repair(this.#cryptoki, this.#keys, isRepairable(reaction) ? reaction : 'handle', id);
      this.#own.lookAtAll(deadline);
    }
  }
}
