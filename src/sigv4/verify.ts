import { hash, timingSafeEqual } from 'node:crypto';
import { keepAuthorization, type Authorization } from './authorization.ts';
import type { Secret } from '../secret.ts';
import { expectedSignature } from './expected-signature.ts';
import { singleValue, type HeaderFields, type ReceivedRequest } from './received-request.ts';
import { SignatureError } from './signature-error.ts';
import { readSignedValues } from './signed-values.ts';
import { keepSigningKey, signingKey } from './signing-keys.ts';

export { parseAuthorization, type Authorization } from './authorization.ts';
export type { ReceivedRequest } from './received-request.ts';
export { SignatureError, type SignatureFault } from './signature-error.ts';

/**
 * Returns if the holder of `secret` signed this request with this body; throws `SignatureError` if not.
 * `authorization` is what `parseAuthorization` made of the same request.
 */
export function verifySignature(
  request: ReceivedRequest,
  body: Uint8Array,
  authorization: Authorization,
  secret: Secret,
): void {
  // Everyone knows the empty secret.
  if (secret.reveal() === '') throw new RangeError('The secret access key is empty');
  const { fields, signedHeaders, signature } = authorization;
  const bodyHash = hash('sha256', body, 'hex');
  assertPayloadHash(fields, bodyHash);
  const key = signingKey(secret, authorization);
  const values = readSignedValues(fields, signedHeaders);
  if (!isEqual(expectedSignature(request, values, bodyHash, authorization, key), signature))
    throw new SignatureError(
      'signature-mismatch',
      'The signature does not belong to this request and this secret access key; compare the credential on both ' +
        'sides, and see that no proxy in between changes host, path, headers or body',
    );
  keepSigningKey(secret, authorization, key);
  keepAuthorization(authorization);
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

/** Of two signatures of this length; made once, since making two costs more than comparing them. */
const LENGTH = 64;
const [one, other] = [Buffer.alloc(LENGTH), Buffer.alloc(LENGTH)];

function isEqual(expected: string, received: string): boolean {
  if (expected.length !== LENGTH || received.length !== LENGTH) return false;
  one.write(expected, 'latin1');
  other.write(received, 'latin1');
  return timingSafeEqual(one, other);
}
