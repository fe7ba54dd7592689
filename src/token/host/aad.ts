import { createHash } from 'node:crypto';
import type { AadForm } from '../../config/profile.ts';

/**
 * The additional authenticated data as the token gets it: `len2 ‖ AAD ‖ len1 ‖ metadata`, lengths big-endian, zero
 * where absent (XKS spec, Encrypt, ciphertextMetadata). In the form `sha256`, which AWS's sample proxy uses, the hash
 * stands for the AAD while the length stays the AAD's own.
 */
export function tokenAad(form: AadForm, aad: Uint8Array, metadata: Uint8Array): Buffer {
  const middle = form === 'sha256' && aad.length > 0 ? createHash('sha256').update(aad).digest() : aad;
  const out = Buffer.allocUnsafe(3 + middle.length + metadata.length);
  out.writeUInt16BE(aad.length, 0);
  out.set(middle, 2);
  out.writeUInt8(metadata.length, 2 + middle.length);
  out.set(metadata, 3 + middle.length);
  return out;
}

/**
 * Ciphertext data integrity value: SHA-256(AAD ‖ metadata ‖ IV ‖ ciphertext ‖ tag), no lengths
 * (XKS spec, Appendix C). The AAD here is the caller's own, in either form.
 */
export function ciphertextDataIntegrityValue(parts: {
  aad: Uint8Array;
  metadata: Uint8Array;
  iv: Uint8Array;
  ciphertext: Uint8Array;
  tag: Uint8Array;
}): Buffer {
  return createHash('sha256')
    .update(parts.aad)
    .update(parts.metadata)
    .update(parts.iv)
    .update(parts.ciphertext)
    .update(parts.tag)
    .digest();
}
