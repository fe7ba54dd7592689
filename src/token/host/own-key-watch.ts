import { monotonicNow } from '../../clock.ts';
import type { Cryptoki } from './cryptoki.ts';
import { CryptokiError } from './cryptoki-error.ts';
import { endsHost, TokenError } from '../faults.ts';
import type { KeyObjects } from './keys/key-objects.ts';
import type { OwnKeyGuard } from './keys/own-key-proofs.ts';
import { ownKeys } from '../own-keys.ts';
import type { OwnKeyProofs } from '../own-key-proofs.ts';
import { reactionTo } from './reactions.ts';
import { isRepairable, repair } from './repair.ts';

/**
 * Between two looks, milliseconds, less up to a quarter by chance: hosts that were started together do not look together. Looking
 * for a key that is gone costs a search of the token. So often is it tried to make one.
 */
const interval = 60_000;

/**
 * Whether our own keys are still the ones that were made. A host may not be asked to use the sealing key for months, and the
 * first to hear of it would be who restarts the node; and for the health key something may stand in.
 *
 * A health key that is gone is made again by a host that `makes` keys: nothing is encrypted with it that anybody wants back.
 */
export class OwnKeyWatch {
  readonly #cryptoki: Cryptoki;
  readonly #keys: KeyObjects;
  readonly #own: OwnKeyGuard;
  readonly #makes: boolean;
  #next = 0;
  #nextMaking = 0;
  #made: OwnKeyProofs | undefined;

  constructor(cryptoki: Cryptoki, keys: KeyObjects, own: OwnKeyGuard, makes: boolean) {
    this.#cryptoki = cryptoki;
    this.#keys = keys;
    this.#own = own;
    this.#makes = makes;
  }

  /** Proofs of the keys that were made since this was asked last; undefined where there are none. */
  takeMade(): OwnKeyProofs | undefined {
    const made = this.#made;
    this.#made = undefined;
    return made;
  }

  /** What it finds is among the guard's alarms. Throws TokenError where the token could not be put right again, or is sick. */
  look(deadline: number): void {
    if (monotonicNow() >= deadline) return;
    this.#lookAtAll(deadline);
    const isDue = this.#makes && this.#own.isMissing(ownKeys.health) && monotonicNow() >= this.#nextMaking;
    if (isDue) this.#makeHealthKey();
  }

  #lookAtAll(deadline: number): void {
    const now = monotonicNow();
    if (now < this.#next) return;
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

  /** Only beside the other key of our own: else it is not this key that is gone, but the token. */
  #makeHealthKey(): void {
    this.#nextMaking = monotonicNow() + interval;
    const { health, sealing } = ownKeys;
    try {
      this.#own.use(sealing);
      this.#keys.generate(health.id, health.label, { encrypt: true, decrypt: true });
      this.#made = this.#proven();
    } catch (error) {
      const isOfToken = error instanceof TokenError && endsHost(error.fault);
      if (isOfToken || (!(error instanceof CryptokiError) && !(error instanceof TokenError))) throw error;
      this.#own.noteOfMissing(
        health,
        `it is not in the token, and could not be made again: ${error.message}`,
      );
    }
  }

  /** A key without its proof could not be told from another later: it is destroyed again. */
  #proven(): OwnKeyProofs {
    try {
      return this.#own.renew(ownKeys.health);
    } catch (error) {
      this.#keys.undo(ownKeys.health.id);
      throw error;
    }
  }
}
