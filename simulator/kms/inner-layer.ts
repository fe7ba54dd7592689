import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { EncryptionContext } from '../kms-for-services.ts';
import { blobHead } from './ciphertext-blob.ts';
import { encodeContext } from './encryption-context.ts';
import type { KmsKey } from './records.ts';

const algorithm = 'aes-256-gcm';
const ivLength = 12;
const tagLength = 16;

/** AES-256-GCM under KMS's own key: IV, ciphertext, tag. Bound to the key's ARN and the encryption context. */
export function sealInner(key: KmsKey, plaintext: Buffer, context: EncryptionContext): Buffer {
  const iv = randomBytes(ivLength);
  const cipher = createCipheriv(algorithm, Buffer.from(key.material, 'base64'), iv);
  cipher.setAAD(boundTo(key, context));
  return Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Undefined where the tag does not fit: another key, another context, or altered. */
export function openInner(key: KmsKey, sealed: Buffer, context: EncryptionContext): Buffer | undefined {
  if (sealed.length < ivLength + tagLength) return undefined;
  const iv = sealed.subarray(0, ivLength);
  const decipher = createDecipheriv(algorithm, Buffer.from(key.material, 'base64'), iv, {
    authTagLength: tagLength,
  });
  decipher.setAAD(boundTo(key, context));
  decipher.setAuthTag(sealed.subarray(-tagLength));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(ivLength, -tagLength)), decipher.final()]);
  } catch {
    return undefined;
  }
}

function boundTo(key: KmsKey, context: EncryptionContext): Buffer {
  return Buffer.concat([blobHead(key.origin, key.arn), encodeContext(context)]);
}
