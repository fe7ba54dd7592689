import { monotonicNow } from '../../clock.ts';
import type { Cryptoki } from './cryptoki.ts';
import { CryptokiError } from './cryptoki-error.ts';
import type { KeyObjects } from './keys/key-objects.ts';
import type { OwnKeyGuard } from './keys/own-key-proofs.ts';
import { ownKeys } from '../own-keys.ts';
import { reactionTo } from './reactions.ts';
import { isRepairable, repair } from './repair.ts';

/** Milliseconds. Looking for a key that is gone costs a search of the token. */
const interval = 60_000;

/**
 * Whether the sealing key is still the one that was made: a host may not be asked to use it for months, and the first to
 * hear of it would be who restarts the node. The health key is looked at by whoever asks for health.
 */
export class OwnKeyWatch {
  readonly #cryptoki: Cryptoki;
  readonly #keys: KeyObjects;
  readonly #own: OwnKeyGuard;
  readonly #canary: { check: () => void };
  #next = 0;

  constructor(cryptoki: Cryptoki, keys: KeyObjects, own: OwnKeyGuard, canary: { check: () => void }) {
    this.#cryptoki = cryptoki;
    this.#keys = keys;
    this.#own = own;
    this.#canary = canary;
  }

  /** What it finds is among the guard's alarms. Throws TokenError where the token could not be put right again, or is sick. */
  look(): void {
    if (monotonicNow() < this.#next) return;
    this.#next = monotonicNow() + interval;
    const known = this.#own.alarms.length;
    this.#lookAtAll();
    // A token that decrypts nothing has not shown another key, and whoever believes that removes the right one. It ends the
    // host before anybody is told.
    if (this.#own.alarms.length > known) this.#canary.check();
  }

  #lookAtAll(): void {
    try {
      this.#own.lookAtAll();
    } catch (error) {
      if (!(error instanceof CryptokiError) || error.rv === undefined) throw error;
      const { id } = ownKeys.sealing;
      const reaction = reactionTo(error.call, error.rv);
      // Of a handle whose object is gone modules say many things.
      repair(this.#cryptoki, this.#keys, isRepairable(reaction) ? reaction : 'handle', id);
      this.#own.lookAtAll();
    }
  }
}
