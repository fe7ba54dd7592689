import type { Cryptoki } from './cryptoki.ts';
import { CryptokiError } from './cryptoki-error.ts';
import { TokenError } from '../faults.ts';
import type { KeyObjects } from './keys/key-objects.ts';
import type { Reaction } from './reactions.ts';

export type Repairable = Extract<Reaction, 'suspect' | 'session' | 'handle' | 'login'>;

export function isRepairable(reaction: Reaction): reaction is Repairable {
  return reaction === 'suspect' || reaction === 'session' || reaction === 'handle' || reaction === 'login';
}

/** Puts right what a return value complains of; `key` is the CKA_ID of the key in use. Throws TokenError. */
export function repair(cryptoki: Cryptoki, keys: KeyObjects, reaction: Repairable, key?: Uint8Array): void {
  try {
    if (reaction === 'handle') {
      if (key === undefined) keys.forgetAll();
      else keys.forget(key);
    }
    if (reaction !== 'login') cryptoki.reopenSession();
    // Where every session has gone, the login has gone with them.
    if (reaction === 'login' || cryptoki.loginLost) {
      cryptoki.logInAgain();
      keys.forgetAll();
    }
  } catch (error) {
    if (error instanceof TokenError) throw error;
    throw error instanceof CryptokiError
      ? new TokenError('device', error.call, error.rv)
      : new TokenError('internal', 'repair');
  }
}
