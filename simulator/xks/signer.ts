import { createHash, createHmac } from 'node:crypto';

export interface SigningKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The Region of the key store, not of the proxy. */
  readonly region: string;
}

const service = 'kms-xks-proxy';

/**
 * The headers that authenticate a POST to a proxy: SigV4 over `host` and `x-amz-date`, no more (XKS spec, Appendix A). Over HTTP/2
 * `host` is what `:authority` says.
 */
export function signPost(
  key: SigningKey,
  { host, path, body, at }: { host: string; path: string; body: Buffer; at: Date },
): { 'x-amz-date': string; authorization: string } {
  const time = at.toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const signedHeaders = 'host;x-amz-date';
  const canonicalRequest = [
    'POST',
    path,
    '',
    `host:${host}`,
    `x-amz-date:${time}`,
    '',
    signedHeaders,
    sha256(body),
  ].join('\n');
  const scope = `${day}/${key.region}/${service}/aws4_request`;
  const stringToSign = ['AWS4-HMAC-SHA256', time, scope, sha256(Buffer.from(canonicalRequest))].join('\n');
  const signingKey = [day, key.region, service, 'aws4_request'].reduce<Buffer>(
    (secret, part) => hmac(secret, part),
    Buffer.from(`AWS4${key.secretAccessKey}`),
  );
  const signature = hmac(signingKey, stringToSign).toString('hex');
  return {
    'x-amz-date': time,
    authorization: `AWS4-HMAC-SHA256 Credential=${key.accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`,
  };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
