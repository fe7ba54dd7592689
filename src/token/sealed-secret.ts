import { CryptokiError } from './cryptoki-error.ts';
import type { Canary } from './canary.ts';
import { TokenError } from './faults.ts';
import { tagBytes, type Gcm } from './gcm.ts';
import type { KeyObjects } from './key-objects.ts';
import { ownKeys } from './own-keys.ts';
import { reactionTo } from './reactions.ts';

/** A sealed secret: format ‖ IV length ‖ IV ‖ tag ‖ ciphertext. */
const sealedFormat = 1;

/** Seals a secret of ours under the protecting key, bound to the record that `context` names (promise 6). */
export function protect(gcm: Gcm, keys: KeyObjects, context: string, secret: Uint8Array): Buffer {
  const key = keys.find(ownKeys.protecting.id);
  const { iv, ciphertext, tag } = gcm.encrypt(key, Buffer.from(context), Buffer.from(secret));
  return Buffer.concat([Buffer.from([sealedFormat, iv.length]), iv, tag, ciphertext]);
}

/** Opens it again. Throws TokenError `seal-broken` for another context or altered bytes, or CryptokiError. */
export function reveal(
  gcm: Gcm,
  keys: KeyObjects,
  canary: Canary,
  context: string,
  sealed: Uint8Array,
): Buffer {
  const bytes = Buffer.from(sealed);
  const ivEnd = 2 + (bytes[1] ?? 0);
  const tagEnd = ivEnd + tagBytes;
  if (bytes[0] !== sealedFormat || ivEnd === 2 || bytes.length < tagEnd)
    throw new TokenError('seal-broken', 'reveal');
  try {
    return gcm.decrypt(keys.find(ownKeys.protecting.id), Buffer.from(context), {
      iv: bytes.subarray(2, ivEnd),
      tag: bytes.subarray(ivEnd, tagEnd),
      ciphertext: bytes.subarray(tagEnd),
    });
  } catch (error) {
    if (!(error instanceof CryptokiError) || error.rv === undefined) throw error;
    const reaction = reactionTo(error.call, error.rv);
    // An altered IV length may be refused as a parameter, before any tag is looked at.
    const refusedIv = error.call === 'C_DecryptInit' && reaction === 'refused';
    if (reaction !== 'ambiguous' && reaction !== 'caller' && !refusedIv) throw error;
    canary.check();
    throw new TokenError('seal-broken', error.call, error.rv);
  }
}
