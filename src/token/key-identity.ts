import { createHash } from 'node:crypto';
import { lengthPrefixed } from './aad-domains.ts';
import { versionLabelStart } from './own-keys.ts';

/*
 * Which key a message means. A CKA_ID names an object and proves nothing: whoever may write to the token can put another
 * key in its place, and whoever may write to the store another id into the record. So a message carries what the key
 * object has to show before anything is done with it.
 */

/** All that a version of a CloudKey belongs to. */
export interface KeyBelongings {
  vaultId: string;
  keySetId: string;
  externalKeyId: string;
  cloudKeyId: string;
  version: number;
  /** CKA_ID. */
  objectId: Uint8Array;
}

export interface KeyIdentity {
  /** CKA_LABEL that its record expects; '' where none was recorded: a key taken over before labels were. */
  label: string;
  /** See {@link bindingOf}. */
  binding: Uint8Array;
  /** Made at its birth, see `key-proof.ts`; empty for a key of before, and for one that may not decrypt. */
  proof: Uint8Array;
}

/** SHA-256 of what the key belongs to: the proof is bound to it. */
export function bindingOf(belongings: KeyBelongings): Buffer {
  const { vaultId, keySetId, externalKeyId, cloudKeyId, version, objectId } = belongings;
  return createHash('sha256')
    .update(lengthPrefixed([vaultId, keySetId, externalKeyId, cloudKeyId, String(version), objectId]))
    .digest();
}

/** The bytes that stand for an identity in messages: made once for each version that is remembered. */
export function encodeKeyIdentity({ label, binding, proof }: KeyIdentity): Buffer {
  return lengthPrefixed([label, binding, proof]);
}

/** Reads what {@link encodeKeyIdentity} wrote; of no bytes, an identity that says nothing. Throws RangeError. */
export function readKeyIdentity(bytes: Uint8Array): KeyIdentity {
  if (bytes.length === 0) return { label: '', binding: nothing, proof: nothing };
  const buffer = Buffer.from(bytes);
  const parts: Buffer[] = [];
  for (let at = 0; at < buffer.length;) {
    const end = at + 4 + buffer.readUInt32BE(at);
    if (end > buffer.length) throw new RangeError('an identity ends within a part');
    parts.push(buffer.subarray(at + 4, end));
    at = end;
  }
  const [label, binding, proof] = parts;
  if (label === undefined || binding === undefined || proof === undefined || parts.length !== 3)
    throw new RangeError('an identity of other than three parts');
  return { label: label.toString('utf8'), binding, proof };
}

/** Whether a label is one that only keys of our making have. */
export function isLabelOfOurs(label: string): boolean {
  return label.startsWith(versionLabelStart);
}

/** `holdfast:key:` and a key set's id: the least of a label of ours that a token may have kept. */
const minLabel = versionLabelStart.length + 36;

/** Whether an object's label is the expected one. Some tokens cut labels silently: what is left has to agree. */
export function isExpectedLabel(expected: string, told: string): boolean {
  if (told === expected) return true;
  return isLabelOfOurs(expected) && told.length >= minLabel && expected.startsWith(told);
}

const nothing = Buffer.alloc(0);

/** Whether a key of this identity can show that it is the one on record. */
export function hasProof(identity: Uint8Array): boolean {
  try {
    return readKeyIdentity(identity).proof.length > 0;
  } catch {
    return false;
  }
}
