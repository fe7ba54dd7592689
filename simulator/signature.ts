import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Accounts, Credential } from './accounts.ts';
import { AuthFault } from './auth-fault.ts';
import { decodeChunks, isStreaming } from './aws-chunked.ts';
import { canonicalRequest, sha256Hex } from './canonical-request.ts';
import { partitionOf } from './principal.ts';
import { readSignature, type PresentedSignature } from './presented-signature.ts';
import type { HttpRequest, ServiceName } from './service.ts';

/** Who signed, and the request as the service is to see it: without chunk framing. */
export interface Verified {
  readonly credential: Credential;
  readonly region: string;
  readonly request: HttpRequest;
}

const MINUTE = 60_000;
/** S3 allows 15 minutes (RequestTimeTooSkewed), the others 5. */
const skewAllowed = (service: ServiceName): number => (service === 's3' ? 15 : 5) * MINUTE;

/** Checks an AWS request's Signature Version 4; throws an `AuthFault`. */
export function verifySignature(
  request: HttpRequest,
  service: ServiceName,
  accounts: Accounts,
  now: Date,
): Verified {
  const presented = readSignature(request);
  if (presented.service !== service)
    throw new AuthFault(
      'wrong-scope',
      `Credential should be scoped to correct service: '${service}'; sign the request for it`,
    );
  const credential = findCredential(presented, accounts);
  assertFresh(presented, service, now);
  assertAllSigned(request, presented, service);
  const payloadHash = payloadHashOf(request, presented, service);
  const canonical = canonicalRequest({
    request,
    signedHeaders: presented.signedHeaders,
    payloadHash,
    s3: service === 's3',
  });
  if (canonical === undefined)
    throw new AuthFault('malformed', 'The path or query is not well percent-encoded');
  const key = signingKey(credential.secretAccessKey, presented);
  const expected = hmacHex(
    key,
    ['AWS4-HMAC-SHA256', presented.timestamp, scopeOf(presented), sha256Hex(canonical)].join('\n'),
  );
  if (!sameText(expected, presented.signature))
    throw new AuthFault(
      'signature',
      'The signature is not the one that the simulator computes for this request with this access key; check the secret access key and that nothing between changes the request',
    );
  assertToken(presented, credential, now);
  if (isStreaming(payloadHash)) {
    const { body, trailers } = decodeChunks(request, {
      kind: payloadHash,
      sign: (text) => hmacHex(key, text),
      timestamp: presented.timestamp,
      scope: scopeOf(presented),
      seed: presented.signature,
    });
    return { credential, region: presented.region, request: { ...request, body, trailers } };
  }
  assertPayload(request, payloadHash, presented);
  return { credential, region: presented.region, request };
}

function findCredential(presented: PresentedSignature, accounts: Accounts): Credential {
  const credential = accounts.credential(presented.accessKeyId);
  if (credential?.partition !== partitionOf(presented.region))
    throw new AuthFault('unknown-key', 'There is no active access key with this id in this partition');
  return credential;
}

/** Only after the signature was right: nobody learns from it which tokens are live. */
function assertToken(presented: PresentedSignature, credential: Credential, now: Date): void {
  if ((credential.sessionToken ?? '') === '' && presented.sessionToken === undefined) return;
  if (!sameText(credential.sessionToken ?? '', presented.sessionToken ?? ''))
    throw new AuthFault('wrong-token', 'The session token is missing or not of this access key');
  if (credential.expiresAt !== undefined && credential.expiresAt <= now)
    throw new AuthFault('expired-token', 'The session has expired; assume the role again');
}

function assertFresh(presented: PresentedSignature, service: ServiceName, now: Date): void {
  const age = now.getTime() - presented.signedAt.getTime();
  if (presented.expiresAfterMs !== undefined) {
    if (age > presented.expiresAfterMs) throw new AuthFault('expired-url', 'Request has expired');
    if (age < -skewAllowed(service))
      throw new AuthFault('skewed', `Request is not yet current: it was signed for ${presented.timestamp}`);
    return;
  }
  if (age > skewAllowed(service))
    throw new AuthFault(
      'skewed',
      `Signature expired: it was made at ${presented.timestamp}; check the clock of the machine that signs`,
    );
  if (age < -skewAllowed(service))
    throw new AuthFault(
      'skewed',
      `Signature not yet current: it was made at ${presented.timestamp}; check the clock of the machine that signs`,
    );
}

/** "You must include the host header and any x-amz-* header"; in a presigned URL the X-Amz parameters are signed anyway. */
function assertAllSigned(request: HttpRequest, presented: PresentedSignature, service: ServiceName): void {
  const signed = new Set(presented.signedHeaders);
  if (!signed.has('host')) throw new AuthFault('not-signed', "'Host' must be a 'SignedHeader'");
  for (const name of signed)
    if (!request.headers.has(name))
      throw new AuthFault('signature', 'A header that SignedHeaders names is not in the request');
  for (const name of request.headers.keys())
    if (name.startsWith('x-amz-') && !signed.has(name))
      throw new AuthFault(
        'not-signed',
        service === 's3'
          ? `There were headers present in the request which were not signed: ${name}`
          : `'${name}' must be a 'SignedHeader'`,
      );
}

function payloadHashOf(request: HttpRequest, presented: PresentedSignature, service: ServiceName): string {
  if (service !== 's3') return sha256Hex(request.body);
  const given = request.headers.get('x-amz-content-sha256') ?? presented.contentSha256;
  if (given !== undefined) return given;
  if (presented.inQuery) return 'UNSIGNED-PAYLOAD';
  throw new AuthFault('incomplete', 'Missing required header for this request: x-amz-content-sha256');
}

function assertPayload(request: HttpRequest, payloadHash: string, presented: PresentedSignature): void {
  if (payloadHash === 'UNSIGNED-PAYLOAD') return;
  if (presented.inQuery && payloadHash === sha256Hex('')) return;
  if (!sameText(payloadHash, sha256Hex(request.body)))
    throw new AuthFault(
      'payload-hash',
      "The provided 'x-amz-content-sha256' header does not match what was computed",
    );
}

function scopeOf(presented: PresentedSignature): string {
  return `${presented.date}/${presented.region}/${presented.service}/aws4_request`;
}

function signingKey(secret: string, { date, region, service }: PresentedSignature): Buffer {
  return [date, region, service, 'aws4_request'].reduce<Buffer>(
    (key, part) => createHmac('sha256', key).update(part).digest(),
    Buffer.from(`AWS4${secret}`),
  );
}

function hmacHex(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
