import type { Cryptoki } from './cryptoki.ts';
import type { TokenInfo } from '../token-info.ts';
import { CryptokiError } from './cryptoki-error.ts';
import { TokenError } from '../faults.ts';
import type { KeyObjects } from './keys/key-objects.ts';
import { ownKeys } from '../own-keys.ts';

/**
 * Whether the token that the host began with is still the one behind its sessions. A module may go on without a word when
 * its token was taken away or initialised anew: then it encrypts with keys of the session, and finds no other.
 */
export class Presence {
  readonly #cryptoki: Cryptoki;
  readonly #keys: KeyObjects;

  constructor(cryptoki: Cryptoki, keys: KeyObjects) {
    this.#cryptoki = cryptoki;
    this.#keys = keys;
  }

  /** Asks the slot which token it has: one call. Throws TokenError `device`, CryptokiError. */
  checkToken(): void {
    const { info } = this.#cryptoki;
    const { label, serial } = this.#read();
    if (label !== info.label || serial !== info.serial)
      throw new TokenError(
        'device',
        'C_GetTokenInfo',
        undefined,
        `the slot has another token now: "${label}" (serial ${serial}) instead of "${info.label}" (serial ${info.serial})`,
      );
  }

  #read(): TokenInfo {
    try {
      return this.#cryptoki.readInfo();
    } catch (error) {
      if (!(error instanceof CryptokiError)) throw error;
      throw new TokenError('device', error.call, error.rv, 'the token can no longer be read');
    }
  }

  /** Besides, whether there is any key in it. Throws TokenError `device`, CryptokiError. */
  check(): void {
    this.checkToken();
    if (this.#hasKeys()) return;
    throw new TokenError('device', 'C_FindObjects', undefined, tokenIsEmpty);
  }

  #hasKeys(): boolean {
    return Object.values(ownKeys).some(({ id }) => this.#isThere(id)) || this.#keys.any;
  }

  /** Looked for anew: of a handle that is remembered a module may tell anything. */
  #isThere(id: Buffer): boolean {
    this.#keys.forget(id);
    try {
      return this.#keys.has(id);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      // Two keys of one id are told elsewhere: the token is there.
      return true;
    }
  }
}

export const tokenIsEmpty =
  'the token no longer has any of its keys: it was removed, emptied or reinitialized';
