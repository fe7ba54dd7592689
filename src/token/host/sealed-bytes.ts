import { tagBytes, type Sealed } from './gcm.ts';

/* What is kept of an encryption of our own: format ‖ IV length ‖ IV ‖ tag ‖ ciphertext. */

export function packSealed(format: number, { iv, tag, ciphertext }: Sealed): Buffer {
  return Buffer.concat([Buffer.from([format, iv.length]), iv, tag, ciphertext]);
}

/** Undefined for another format, and for what is too short. */
export function unpackSealed(format: number, packed: Uint8Array): Sealed | undefined {
  const bytes = Buffer.from(packed);
  const ivEnd = 2 + (bytes[1] ?? 0);
  const tagEnd = ivEnd + tagBytes;
  if (bytes[0] !== format || ivEnd === 2 || bytes.length < tagEnd) return undefined;
  return {
    iv: bytes.subarray(2, ivEnd),
    tag: bytes.subarray(ivEnd, tagEnd),
    ciphertext: bytes.subarray(tagEnd),
  };
}
