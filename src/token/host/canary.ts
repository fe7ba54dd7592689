import { monotonicNow } from '../../clock.ts';
import type { Cryptoki } from './cryptoki.ts';
import { CryptokiError } from './cryptoki-error.ts';
import { TokenError } from '../faults.ts';
import type { Gcm, Sealed } from './gcm.ts';
import type { KeyObjects } from './keys/key-objects.ts';
import type { OwnKeyGuard } from './keys/own-key-proofs.ts';
import { ownKeys } from '../own-keys.ts';
import type { Presence } from './presence.ts';
import { reactionTo } from './reactions.ts';
import { isRepairable, repair } from './repair.ts';

const aad = Buffer.from('holdfast canary');
const plaintext = Buffer.from('The token decrypts what it made.');

/** A key to try the token with. */
export interface TestKey {
  /** Handle. Throws TokenError, CryptokiError. */
  readonly key: Buffer;
  /** Whatever has gone before, the token is usable afterwards: encrypts with the key and decrypts that. Throws TokenError. */
  renew(): void;
}

/** A stand-in for the health key is used for so long before the key itself is looked at again, milliseconds. */
const standInFor = 60_000;

/**
 * A known ciphertext of the health key: whether the token decrypts it tells bad ciphertext from a sick token. Where the
 * health key is gone, or another key is in its place, a key of the session stands in: the token is as well without it.
 */
export class Canary implements TestKey {
  readonly #cryptoki: Cryptoki;
  readonly #gcm: Gcm;
  readonly #keys: KeyObjects;
  readonly #own: OwnKeyGuard;
  readonly #presence: Presence;
  #sealed: Sealed | undefined;
  #standIn: { handle: Buffer; until: number } | undefined;

  constructor(cryptoki: Cryptoki, gcm: Gcm, keys: KeyObjects, own: OwnKeyGuard, presence: Presence) {
    this.#cryptoki = cryptoki;
    this.#gcm = gcm;
    this.#keys = keys;
    this.#own = own;
    this.#presence = presence;
  }

  /** The health key, or what stands in for it: nothing is encrypted with another key. Throws TokenError, CryptokiError. */
  get key(): Buffer {
    if (this.#standIn !== undefined && monotonicNow() < this.#standIn.until) return this.#standIn.handle;
    try {
      const handle = this.#own.use(ownKeys.health);
      if (this.#standIn !== undefined) this.#dropStandIn();
      return handle;
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      // Else a key of the session would stand in for a whole token.
      if (error.fault === 'key-missing') this.#presence.check();
      this.#sealed = this.#standIn === undefined ? undefined : this.#sealed;
      const handle = this.#standIn?.handle ?? this.#keys.generateOfSession();
      this.#standIn = { handle, until: monotonicNow() + standInFor };
      return handle;
    }
  }

  /** Decrypts the known ciphertext. Throws TokenError: `device`, where the token cannot. */
  check(): void {
    this.#withRepair(() => {
      const { key } = this;
      this.#decrypt(key, this.#sealed ?? this.#encrypt(key));
    });
  }

  /** Encrypts anew and decrypts that: what health means (XKS spec, GetHealthStatus). Throws TokenError. */
  renew(): void {
    this.#withRepair(() => {
      if (this.#standIn === undefined) this.#presence.checkToken();
      else this.#presence.check();
      const { key } = this;
      this.#decrypt(key, this.#encrypt(key));
    });
  }

  /** Looks whether the token is there still, of which a key was missed. Throws TokenError `device`. */
  miss(): void {
    this.#withRepair(() => this.#presence.check());
  }

  #encrypt(key: Buffer): Sealed {
    this.#sealed = this.#gcm.encrypt(key, aad, plaintext);
    return this.#sealed;
  }

  #decrypt(key: Buffer, sealed: Sealed): void {
    const opened = this.#gcm.decrypt(key, aad, sealed);
    if (!opened.equals(plaintext)) throw new TokenError('device', 'canary');
  }

  /** It goes with its session. */
  #dropStandIn(): void {
    this.#standIn = undefined;
    this.#sealed = undefined;
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
        if (this.#standIn !== undefined) this.#dropStandIn();
      }
    }
  }
}
