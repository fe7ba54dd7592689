import { aadDomain } from './aad-domains.ts';
import { CryptokiError } from './cryptoki-error.ts';
import type { Canary } from './canary.ts';
import { TokenError } from './faults.ts';
import { tagBytes, type Gcm } from './gcm.ts';
import type { KeyObjects } from './key-objects.ts';
import { ownKeys } from './own-keys.ts';
import { reactionTo } from './reactions.ts';

/*
 * A sealed secret: format ‖ IV length ‖ IV ‖ tag ‖ ciphertext. Format 2 is bound to a canonical context in a domain of its
 * own; format 1, which stores of before have, to a text. Sealed is in format 2 only.
 */
const sealedFormat = 2;
const formerFormat = 1;

const aadOfSeal = aadDomain('holdfast sealed secret, format 2, of');

export interface SealTools {
  gcm: Gcm;
  keys: KeyObjects;
  canary: Canary;
}

/** What opens a sealed secret: its context, and for format 1 the text of before, '' for none. */
export interface OpensWith {
  context: Uint8Array;
  former: string;
}

/** Seals a secret of ours under the protecting key, bound to the record that `context` names (promise 6). */
export function protect(
  { gcm, keys }: Pick<SealTools, 'gcm' | 'keys'>,
  context: Uint8Array,
  secret: Uint8Array,
): Buffer {
  const key = keys.own(ownKeys.protecting);
  const { iv, ciphertext, tag } = gcm.encrypt(key, aadOfSeal(context), Buffer.from(secret));
  return Buffer.concat([Buffer.from([sealedFormat, iv.length]), iv, tag, ciphertext]);
}

/** Opens it again. Throws TokenError `seal-broken` for another context or altered bytes, or CryptokiError. */
export function reveal(
  { gcm, keys, canary }: SealTools,
  { context, former }: OpensWith,
  sealed: Uint8Array,
): Buffer {
  const bytes = Buffer.from(sealed);
  const ivEnd = 2 + (bytes[1] ?? 0);
  const tagEnd = ivEnd + tagBytes;
  const isFormer = bytes[0] === formerFormat && former !== '';
  if ((bytes[0] !== sealedFormat && !isFormer) || ivEnd === 2 || bytes.length < tagEnd)
    throw new TokenError('seal-broken', 'reveal');
  const key = keys.own(ownKeys.protecting);
  try {
    return gcm.decrypt(key, isFormer ? Buffer.from(former) : aadOfSeal(context), {
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

/** Seals anew what is in format 1; the secret does not leave the token host. What is in format 2 already stays as it is. */
export function reseal(tools: SealTools, opensWith: OpensWith, sealed: Uint8Array): Buffer {
  const secret = reveal(tools, opensWith, sealed);
  return sealed[0] === sealedFormat ? Buffer.from(sealed) : protect(tools, opensWith.context, secret);
}

/** Whether a sealed secret is of before, and so not bound to all that it belongs to. */
export function isFormerSeal(sealed: Uint8Array): boolean {
  return sealed[0] === formerFormat;
}
