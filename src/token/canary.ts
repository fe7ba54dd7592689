import type { Cryptoki } from './cryptoki.ts';
import { CryptokiError } from './cryptoki-error.ts';
import { TokenError } from './faults.ts';
import type { Gcm, Sealed } from './gcm.ts';
import type { KeyObjects } from './key-objects.ts';
import { ownKeys } from './own-keys.ts';
import { reactionTo } from './reactions.ts';
import { isRepairable, repair } from './repair.ts';

const aad = Buffer.from('holdfast canary');
const plaintext = Buffer.from('The token decrypts what it made.');

/** A known ciphertext of the health key: whether the token decrypts it tells bad ciphertext from a sick token. */
export class Canary {
  readonly #cryptoki: Cryptoki;
  readonly #gcm: Gcm;
  readonly #keys: KeyObjects;
  #sealed: Sealed | undefined;

  constructor(cryptoki: Cryptoki, gcm: Gcm, keys: KeyObjects) {
    this.#cryptoki = cryptoki;
    this.#gcm = gcm;
    this.#keys = keys;
  }

  /** Decrypts the known ciphertext. Throws TokenError: `device`, where the token cannot. */
  check(): void {
    this.#withRepair(() => this.#decrypt(this.#sealed ?? this.#encrypt()));
  }

  /** Encrypts anew and decrypts that: what health means (XKS spec, GetHealthStatus). Throws TokenError. */
  renew(): void {
    this.#withRepair(() => this.#decrypt(this.#encrypt()));
  }

  #encrypt(): Sealed {
    this.#sealed = this.#gcm.encrypt(this.#keys.find(ownKeys.health.id), aad, plaintext);
    return this.#sealed;
  }

  #decrypt(sealed: Sealed): void {
    const opened = this.#gcm.decrypt(this.#keys.find(ownKeys.health.id), aad, sealed);
    if (!opened.equals(plaintext)) throw new TokenError('device', 'canary');
  }

  /** Some modules leave the operation that failed active: a canary that meets it is not a sick token. */
  #withRepair(run: () => void): void {
    for (let repaired = false; ; repaired = true) {
      try {
        return run();
      } catch (error) {
        if (!(error instanceof CryptokiError)) throw error;
        const reaction = error.rv === undefined ? 'refused' : reactionTo(error.call, error.rv);
        if (repaired || reaction === 'suspect' || !isRepairable(reaction))
          throw new TokenError('device', error.call, error.rv);
        repair(this.#cryptoki, this.#keys, reaction, ownKeys.health.id);
      }
    }
  }
}
