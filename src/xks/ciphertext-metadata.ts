import { aadForms, type AadForm } from '../config/profile.ts';

/**
 * Our `ciphertextMetadata`, 6 bytes: format (0xA1) ‖ flags ‖ key version (u32, big-endian). It is part of the
 * authenticated data, so that altering it is detected; with it rotation inside the vault is invisible to AWS and a
 * change of the AAD form leaves old ciphertext readable (XKS spec, Encrypt, ciphertextMetadata).
 */
const format = 0xa1;
const length = 6;
/** Flag: the AAD form is `sha256`; no other flag is known yet. */
const hashedAad = 0x01;

export interface CiphertextMetadata {
  aadForm: AadForm;
  version: number;
}

export function writeCiphertextMetadata({ aadForm, version }: CiphertextMetadata): Buffer {
  const bytes = Buffer.alloc(length);
  bytes[0] = format;
  bytes[1] = aadForm === 'sha256' ? hashedAad : 0;
  bytes.writeUInt32BE(version, 2);
  return bytes;
}

/** Undefined for what is not ours: absent, altered, or made by another product. */
export function readCiphertextMetadata(bytes: Buffer): CiphertextMetadata | undefined {
  if (bytes.length !== length || bytes[0] !== format) return undefined;
  const aadForm = aadForms[bytes[1] ?? 255];
  return aadForm === undefined ? undefined : { aadForm, version: bytes.readUInt32BE(2) };
}
