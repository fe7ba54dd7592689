import { createHash, createHmac } from 'node:crypto';
import type { ReceivedRequest } from '../../src/sigv4/verify.ts';

export interface SigningInput {
  readonly method: string;
  readonly path: string;
  /** Names and values as sent, one character per byte, without Authorization. */
  readonly headers: readonly (readonly [string, string])[];
  /** Lower-case names; sorted here. */
  readonly signed: readonly string[];
  readonly body: Uint8Array;
  readonly timestamp: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secret: string;
}

/**
 * SigV4 once more, written from "Create a signed AWS API request" (AWS IAM User Guide) with node:crypto only.
 * Works on bytes (Latin-1 strings) throughout, where the code under test works on UTF-8 text.
 */
export function signByHand(input: SigningInput): ReceivedRequest {
  const names = input.signed.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const canonicalHeaders = names.map((name) => {
    const values = input.headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
    return `${name}:${values.map(squeeze).join(',')}\n`;
  });
  const canonicalRequest =
    `${input.method}\n${input.path}\n\n${canonicalHeaders.join('')}\n${names.join(';')}\n` +
    sha256(input.body);
  const date = input.timestamp.slice(0, 8);
  const scope = `${date}/${input.region}/kms-xks-proxy/aws4_request`;
  const stringToSign = `AWS4-HMAC-SHA256\n${input.timestamp}\n${scope}\n${sha256(Buffer.from(canonicalRequest, 'latin1'))}`;
  let key = Buffer.from(`AWS4${input.secret}`);
  for (const part of [date, input.region, 'kms-xks-proxy', 'aws4_request']) key = hmac(key, part);
  const authorization =
    `AWS4-HMAC-SHA256 Credential=${input.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, ` +
    `Signature=${hmac(key, stringToSign).toString('hex')}`;
  return {
    method: input.method,
    path: input.path,
    query: '',
    rawHeaders: [...input.headers.flat(), 'Authorization', authorization],
  };
}

function squeeze(value: string): string {
  return value
    .split(/[ \t]/)
    .filter((word) => word !== '')
    .join(' ');
}

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: Buffer, text: string) {
  return createHmac('sha256', key).update(text).digest();
}
