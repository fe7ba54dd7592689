import type { EncryptionContext } from '../kms-for-services.ts';
import type { SimulatedCall } from '../service.ts';
import { decodeBlob, encodeBlob, type Blob } from './ciphertext-blob.ts';
import { encodeContext } from './encryption-context.ts';
import { kmsError } from './errors.ts';
import { openInner, sealInner } from './inner-layer.ts';
import { requireUsable, storeOf } from './key-state.ts';
import type { Kms } from './kms-house.ts';
import type { KeyStore, KmsKey } from './records.ts';
import { exceptionFor, exceptionOf } from './xks-exceptions.ts';

/**
 * Encrypts with KMS's own key; what that gives goes to the proxy, for a key in an external key store (developer guide, "Double
 * encryption"). The encryption context is additional data of both layers. Throws ServiceErrors.
 */
export async function seal(
  kms: Kms,
  call: SimulatedCall,
  key: KmsKey,
  plaintext: Buffer,
  context: EncryptionContext,
): Promise<Buffer> {
  const sealed = await sealBoth(kms, call, key, plaintext, context);
  used(kms, call, key);
  return sealed;
}

/** For GetKeyLastUsage. */
function used(kms: Kms, call: SimulatedCall, key: KmsKey): void {
  key.lastUsage = { operation: call.action, at: kms.house.now().getTime(), requestId: call.requestId };
}

async function sealBoth(
  kms: Kms,
  call: SimulatedCall,
  key: KmsKey,
  plaintext: Buffer,
  context: EncryptionContext,
): Promise<Buffer> {
  const store = usableStore(kms, key);
  const inner = sealInner(key, plaintext, context);
  if (store === undefined) return encodeBlob({ keyArn: key.arn, origin: 'AWS_KMS', inner });
  try {
    const outer = await kms.proxies.client.encrypt(
      kms.proxies.of(store),
      key.xksKeyId ?? '',
      kms.proxies.metadata(call, key),
      { plaintext: inner, aad: encodeContext(context) },
    );
    return encodeBlob({ keyArn: key.arn, origin: 'EXTERNAL_KEY_STORE', outer });
  } catch (error) {
    throw exceptionFor(error, 'cryptography');
  }
}

/** The reverse. */
export async function open(
  kms: Kms,
  call: SimulatedCall,
  key: KmsKey,
  blob: Blob,
  context: EncryptionContext,
): Promise<Buffer> {
  const plaintext = await openBoth(kms, call, key, blob, context);
  used(kms, call, key);
  return plaintext;
}

async function openBoth(
  kms: Kms,
  call: SimulatedCall,
  key: KmsKey,
  blob: Blob,
  context: EncryptionContext,
): Promise<Buffer> {
  const store = usableStore(kms, key);
  if (blob.origin !== key.origin) throw invalidCiphertext();
  if (blob.origin === 'AWS_KMS' || store === undefined) {
    const plaintext = blob.origin === 'AWS_KMS' ? openInner(key, blob.inner, context) : undefined;
    if (plaintext === undefined) throw invalidCiphertext();
    return plaintext;
  }
  try {
    const inner = await kms.proxies.client.decrypt(
      kms.proxies.of(store),
      key.xksKeyId ?? '',
      kms.proxies.metadata(call, key),
      { ...blob.outer, aad: encodeContext(context) },
    );
    const plaintext = openInner(key, inner, context);
    if (plaintext === undefined) throw exceptionOf('inner-ciphertext', 'cryptography');
    return plaintext;
  } catch (error) {
    throw exceptionFor(error, 'cryptography');
  }
}

export function readBlob(bytes: Buffer): Blob {
  const blob = decodeBlob(bytes);
  if (blob === undefined) throw invalidCiphertext();
  return blob;
}

function usableStore(kms: Kms, key: KmsKey): KeyStore | undefined {
  requireUsable(kms, key);
  return storeOf(kms, key);
}

function invalidCiphertext() {
  return kmsError(
    'InvalidCiphertextException',
    'The ciphertext or its encryption context is corrupted, missing or otherwise not valid',
  );
}
