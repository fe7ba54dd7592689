import { hash, timingSafeEqual } from 'node:crypto';
import type { Authorization } from './authorization.ts';
import {
  readHeaderFields,
  singleValue,
  type HeaderFields,
  type ReceivedRequest,
} from './received-request.ts';
import { RequestSigner } from './request-signer.ts';
import { SignatureError } from './signature-error.ts';
import { readSignedValues } from './signed-values.ts';

export { parseAuthorization, type Authorization } from './authorization.ts';
export type { ReceivedRequest } from './received-request.ts';
export { SignatureError, type SignatureFault } from './signature-error.ts';

/**
 * Resolves if the holder of `secret` signed this request with this body; rejects with `SignatureError` if not.
 * `authorization` is what `parseAuthorization` made of the same request.
 */
export async function verifySignature(
  request: ReceivedRequest,
  body: Uint8Array,
  authorization: Authorization,
  secret: string,
): Promise<void> {
  // Everyone knows the empty secret.
  if (secret === '') throw new RangeError('The secret access key is empty');
  const fields = readHeaderFields(request.rawHeaders);
  const bodyHash = hash('sha256', body, 'hex');
  assertPayloadHash(fields, bodyHash);
  const headers = readSignedValues(fields, authorization.signedHeaders);
  const signer = new RequestSigner(authorization.accessKeyId, secret, authorization.region);
  const expected = await signer.signatureOf(request, headers, bodyHash, authorization);
  if (!isEqual(expected, authorization.signature))
    throw new SignatureError(
      'signature-mismatch',
      'The signature does not belong to this request and this secret access key; compare the credential on both ' +
        'sides, and see that no proxy in between changes host, path, headers or body',
    );
}

/** The header's claim is never taken for the body's hash: it must be that hash, so UNSIGNED-PAYLOAD is refused too. */
function assertPayloadHash(fields: HeaderFields, bodyHash: string): void {
  const claimed = singleValue(fields, 'x-amz-content-sha256');
  if (claimed !== undefined && claimed !== bodyHash)
    throw new SignatureError(
      'payload-hash-mismatch',
      'The x-amz-content-sha256 header is not the SHA-256 of the body; send the hash of the body as it is sent',
    );
}

function isEqual(expected: string, received: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(received)];
  return a.length === b.length && timingSafeEqual(a, b);
}
