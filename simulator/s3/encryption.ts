import type { SimulatedCall } from '../service.ts';
import { notDone, s3Error } from './errors.ts';

/** A bucket's default encryption. */
export interface BucketEncryption {
  readonly algorithm: 'AES256' | 'aws:kms';
  /** As it was given: key id, ARN or alias; without one it is the managed key aws/s3. */
  readonly keyId?: string;
  readonly bucketKey: boolean;
}

/** What is to be done with one object, from its request's headers and the bucket's default. */
export interface WantedEncryption extends BucketEncryption {
  /** Given with the request, beside what S3 adds itself. */
  readonly context: Readonly<Record<string, string>>;
  /** For CloudTrail: whether the request or the bucket asked for it. */
  readonly byRequest: boolean;
}

/** How an object is encrypted; base 64 texts. */
export type StoredEncryption =
  | { readonly kind: 'AES256'; readonly dataKey: string }
  | {
      readonly kind: 'aws:kms';
      readonly keyArn: string;
      readonly context: Readonly<Record<string, string>>;
      /** KMS's ciphertext of the object's data key. */
      readonly blob: string;
    }
  | {
      readonly kind: 'aws:kms';
      readonly keyArn: string;
      readonly context: Readonly<Record<string, string>>;
      /** KMS's ciphertext of the bucket key, and the object's data key under that. */
      readonly blob: string;
      readonly dataKey: string;
    };

const SSE = 'x-amz-server-side-encryption';

/** S3 User Guide, "Specifying server-side encryption with AWS KMS". */
// oxlint-disable-next-line complexity -- one case for each header
export function wantedEncryption(call: SimulatedCall, fallback: BucketEncryption): WantedEncryption {
  const { headers } = call.http;
  if ([...headers.keys()].some((name) => name.startsWith(`${SSE}-customer-`)))
    throw notDone('encryption with keys that the customer provides');
  const algorithm = headers.get(SSE);
  const keyId = headers.get(`${SSE}-aws-kms-key-id`);
  const context = headers.get(`${SSE}-context`);
  const bucketKey = headers.get(`${SSE}-bucket-key-enabled`);
  if (algorithm === 'aws:kms:dsse') throw notDone('dual-layer encryption (aws:kms:dsse)');
  if (algorithm !== undefined && algorithm !== 'AES256' && algorithm !== 'aws:kms')
    throw s3Error('InvalidArgument', 'The encryption method specified is not supported', {
      ArgumentName: SSE,
    });
  if ((keyId !== undefined || context !== undefined) && algorithm !== 'aws:kms')
    throw s3Error('InvalidArgument', `A KMS key or an encryption context needs ${SSE}: aws:kms`, {
      ArgumentName: SSE,
    });
  const onBucketKey = bucketKey === undefined ? undefined : bucketKey.toLowerCase() === 'true';
  if (algorithm === undefined)
    return { ...fallback, bucketKey: onBucketKey ?? fallback.bucketKey, context: {}, byRequest: false };
  // "aws:kms" without a key in the request: the bucket's default key, if its default is KMS as well.
  const inherited = fallback.algorithm === 'aws:kms' ? fallback.keyId : undefined;
  const chosen = algorithm === 'aws:kms' ? (keyId ?? inherited) : undefined;
  return {
    algorithm,
    ...(chosen === undefined ? {} : { keyId: chosen }),
    bucketKey: algorithm === 'aws:kms' && (onBucketKey ?? fallback.bucketKey),
    context: context === undefined ? {} : parseContext(context),
    byRequest: true,
  };
}

/** Base 64 of a JSON object of strings. */
function parseContext(header: string): Record<string, string> {
  try {
    const context: unknown = JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
    if (typeof context === 'object' && context !== null && !Array.isArray(context)) {
      const pairs = Object.entries(context);
      if (pairs.every((pair): pair is [string, string] => typeof pair[1] === 'string'))
        return Object.fromEntries(pairs);
    }
  } catch {
    // Said below, without the header's text.
  }
  throw s3Error('InvalidArgument', `${SSE}-context must be base 64 of a JSON object of strings`, {
    ArgumentName: `${SSE}-context`,
  });
}

/** What answers about an object say of its encryption. */
export function encryptionHeaders(encryption: StoredEncryption): Record<string, string> {
  if (encryption.kind === 'AES256') return { [SSE]: 'AES256' };
  return {
    [SSE]: 'aws:kms',
    [`${SSE}-aws-kms-key-id`]: encryption.keyArn,
    ...('dataKey' in encryption ? { [`${SSE}-bucket-key-enabled`]: 'true' } : {}),
  };
}
