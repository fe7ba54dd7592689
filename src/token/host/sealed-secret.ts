import { aadDomain } from '../aad-domains.ts';
import { CryptokiError } from './cryptoki-error.ts';
import type { Canary } from './canary.ts';
import { TokenError } from '../faults.ts';
import type { Gcm } from './gcm.ts';
import type { OwnKeyGuard } from './keys/own-key-proofs.ts';
import { ownKeys } from '../own-keys.ts';
import { reactionTo } from './reactions.ts';
import { packSealed, unpackSealed } from './sealed-bytes.ts';

/*
 * A sealed secret, as `sealed-bytes.ts` has it. Format 2 is bound to a canonical context in a domain of its own; format 1,
 * which stores of before have, to a text. What is sealed now is in format 2.
 */
const sealedFormat = 2;
const formerFormat = 1;

const aadOfSeal = aadDomain('holdfast sealed secret, format 2, of');

export interface SealTools {
  gcm: Gcm;
  own: OwnKeyGuard;
  canary: Canary;
}

/** What opens a sealed secret: its context, and for format 1 the text of before, '' for none. */
export interface OpensWith {
  context: Uint8Array;
  former: string;
}

/** Seals a secret of ours under the sealing key, bound to the record that `context` names (promise 6). */
export function seal(
  { gcm, own }: Pick<SealTools, 'gcm' | 'own'>,
  context: Uint8Array,
  secret: Uint8Array,
): Buffer {
  const key = own.use(ownKeys.sealing);
  const sealed = gcm.encrypt(key, aadOfSeal(context), Buffer.from(secret));
  return packSealed(sealedFormat, sealed);
}

/** Opens it again. Throws TokenError `seal-broken` for another context or altered bytes, or CryptokiError. */
export function unseal(
  { gcm, own, canary }: SealTools,
  { context, former }: OpensWith,
  sealed: Uint8Array,
): Buffer {
  const isFormer = sealed[0] === formerFormat && former !== '';
  const unpacked = unpackSealed(isFormer ? formerFormat : sealedFormat, sealed);
  if (unpacked === undefined) throw new TokenError('seal-broken', 'unseal');
  const key = own.use(ownKeys.sealing);
  try {
    return gcm.decrypt(key, isFormer ? Buffer.from(former) : aadOfSeal(context), unpacked);
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
  const secret = unseal(tools, opensWith, sealed);
  return sealed[0] === sealedFormat ? Buffer.from(sealed) : seal(tools, opensWith.context, secret);
}
