import type { Logger } from '../log.ts';
import { Secret } from '../secret.ts';
import { parseAuthorization, SignatureError, verifySignature } from '../sigv4/verify.ts';
import { decryptRequest, encryptRequest, getKeyMetadataRequest, parseBody } from '../xks/wire.ts';
import { readRoute } from '../xks/uri.ts';

const metadata = {
  kmsOperation: 'Encrypt',
  kmsRequestId: 'rehearsal',
  awsPrincipalArn: 'arn:aws:iam::000000000000:role/rehearsal',
  kmsKeyArn: 'arn:aws:kms:eu-central-1:000000000000:key/rehearsal',
};

const bodies = [
  [getKeyMetadataRequest, { requestMetadata: metadata }],
  [
    encryptRequest,
    {
      requestMetadata: metadata,
      plaintext: 'AAAA',
      encryptionAlgorithm: 'AES_GCM',
      additionalAuthenticatedData: 'AAAA',
      ciphertextDataIntegrityValueAlgorithm: 'SHA_256',
    },
  ],
  [
    decryptRequest,
    {
      requestMetadata: metadata,
      ciphertext: 'AAAA',
      initializationVector: 'AAAA',
      authenticationTag: 'AAAA',
      encryptionAlgorithm: 'AES_GCM',
      additionalAuthenticatedData: 'AAAA',
      ciphertextMetadata: 'AAAA',
    },
  ],
] as const;

/**
 * Reads what AWS sends, and what a signature is made of, once, before a worker takes connections: what is compiled as it is first used would
 * else be so for the first requests, which may all come in one turn of the event loop. Nobody signed it, and it reaches no key.
 */
export function rehearse(now: Date, log: Logger): void {
  try {
    const path = '/rehearsal/kms/xks/v1/keys/rehearsal/encrypt';
    readRoute(path);
    let body = Buffer.alloc(0);
    for (const [schema, example] of bodies) {
      body = Buffer.from(JSON.stringify(example));
      parseBody(schema, body);
    }
    const timestamp = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const scope = `AAAAAAAAAAAAAAAAAAAA/${timestamp.slice(0, 8)}/eu-central-1/kms-xks-proxy/aws4_request`;
    const signed = `SignedHeaders=content-type;host;x-amz-date, Signature=${'0'.repeat(64)}`;
    const rawHeaders = [
      ...['Host', 'rehearsal', 'Content-Type', 'application/json', 'X-Amz-Date', timestamp],
      ...['Authorization', `AWS4-HMAC-SHA256 Credential=${scope}, ${signed}`],
    ];
    const request = { method: 'POST', path, query: '', rawHeaders };
    verifySignature(request, body, parseAuthorization(request, now), new Secret('rehearsal'));
  } catch (error) {
    if (error instanceof SignatureError && error.reason === 'signature-mismatch') return;
    // It is only for the time that it saves.
    log.debug({ problem: (error as Error).message }, 'what the first requests need could not be made ready');
  }
}
