import type { SimulatedCall } from './service.ts';

/** An encryption context: what the ciphertext is bound to. */
export type EncryptionContext = Readonly<Record<string, string>>;

/**
 * KMS as other services use it for their callers. `call` is what `SimulatedCall.forward` made: the caller's principal, the Region,
 * and `viaService`, which key policies see as kms:ViaService. Both throw the `ServiceError`s that the KMS API would answer,
 * under KMS's own names; the service that called translates.
 */
export interface KmsForServices {
  /** `keyId`: key id, key ARN, alias or alias ARN. A 256-bit data key. */
  generateDataKey(
    call: SimulatedCall,
    keyId: string,
    context: EncryptionContext,
  ): Promise<{ keyArn: string; plaintext: Buffer; ciphertextBlob: Buffer }>;
  decrypt(
    call: SimulatedCall,
    ciphertextBlob: Buffer,
    context: EncryptionContext,
  ): Promise<{ keyArn: string; plaintext: Buffer }>;
  /** The caller's AWS managed key for a service (`aws/s3`), as its ARN; made at first use. */
  managedKey(call: SimulatedCall, alias: `alias/aws/${string}`): Promise<string>;
}
