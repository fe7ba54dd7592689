import { aadDomain } from '../../aad-domains.ts';
import { CryptokiError } from '../cryptoki-error.ts';
import { TokenError } from '../../faults.ts';
import type { Gcm } from '../gcm.ts';
import { isExpectedLabel, isLabelOfOurs, type KeyIdentity } from '../../key-identity.ts';
import type { KeyObjects } from './key-objects.ts';
import { reactionTo } from '../reactions.ts';
import { packSealed, unpackSealed } from '../sealed-bytes.ts';

/*
 * The proof of a key: a known plaintext encrypted under it when it was made, bound to all that the key belongs to. Whatever
 * object has the key's CKA_ID later is the key only where it opens the proof. It works on every token and in every IV mode,
 * and cannot be forged by requests: its AAD is in a domain of its own.
 */

const proofFormat = 1;
const aadOfProof = aadDomain('holdfast key proof, format 1, of the key of');
const known = Buffer.from('This is the key of this record.');

/** Makes the proof of a key that is known to be the right one. Throws CryptokiError, TokenError. */
export function makeProof(gcm: Gcm, handle: Buffer, binding: Uint8Array): Buffer {
  const aad = aadOfProof(binding);
  const sealed = gcm.encrypt(handle, aad, known);
  if (!gcm.decrypt(handle, aad, sealed).equals(known)) throw new TokenError('verify-failed', 'key proof');
  return packSealed(proofFormat, sealed);
}

export interface ProofTools {
  gcm: Gcm;
  keys: KeyObjects;
  /** Throws TokenError `device` where the token is sick. */
  canary: { check: () => void };
}

/**
 * Why the key object behind the handle is not the key that the identity says; undefined where it is. Where there is no
 * proof, label and attributes have to do. Throws CryptokiError, TokenError `device` where the token is sick: that says
 * nothing about the key.
 */
export function whyUnfit(tools: ProofTools, handle: Buffer, identity: KeyIdentity): string | undefined {
  return identity.proof.length > 0
    ? whyNotProven(tools, handle, identity)
    : whyNotRecorded(tools.keys, handle, identity);
}

function whyNotProven(
  { gcm, canary }: ProofTools,
  handle: Buffer,
  identity: KeyIdentity,
): string | undefined {
  const sealed = unpackSealed(proofFormat, identity.proof);
  if (sealed === undefined) return 'the proof on record is none';
  const aad = aadOfProof(identity.binding);
  for (let again = false; ; again = true) {
    try {
      if (gcm.decrypt(handle, aad, sealed).equals(known)) return undefined;
    } catch (error) {
      if (!(error instanceof CryptokiError) || !isVerdict(error)) throw error;
    }
    if (again)
      return 'it does not open the proof made when the key was made: it is another key, or its record was altered';
    // A token that cannot decrypt at all, or had a hiccup, has not shown another key.
    canary.check();
  }
}

/** Whether the value says that the object did not encrypt this, or cannot have. */
function isVerdict({ call, rv }: CryptokiError): boolean {
  if (rv === undefined) return false;
  const reaction = reactionTo(call, rv);
  if (call === 'C_Decrypt') return reaction === 'ambiguous' || reaction === 'caller';
  // Another type of key, one that may not decrypt, or an IV that no such token makes.
  return call === 'C_DecryptInit' && (reaction === 'caller' || reaction === 'refused');
}

/**
 * A key of before, until it has its proof, or one that may not decrypt: nothing that such a key encrypts is read again by
 * us, so that what counts is that nobody else knows it.
 */
function whyNotRecorded(keys: KeyObjects, handle: Buffer, { label }: KeyIdentity): string | undefined {
  const told = keys.read(handle);
  if (label === '' ? isLabelOfOurs(told.label) : !isExpectedLabel(label, told.label))
    return 'its label is not the one on record';
  const limited = !told.encrypt || !told.decrypt;
  const mustBeBornHere = limited && isLabelOfOurs(label);
  if (told.compliant && (told.generatedOnToken || !mustBeBornHere)) return undefined;
  return `it is not as it was made: ${told.violations.join(', ')}`;
}
