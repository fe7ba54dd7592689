import type { ExecutionContext } from 'ava';
import { Secret } from '../../src/secret.ts';
import { SignatureError, parseAuthorization, verifySignature } from '../../src/sigv4/verify.ts';
import type { ReceivedRequest, SignatureFault } from '../../src/sigv4/verify.ts';
import { signByHand, type SigningInput } from './by-hand.ts';

export const now = new Date('2026-01-31T12:00:00Z');
export const secret = 'Planted/Secret+AccessKey=0123456789abcdefghijk';

export const sample: SigningInput = {
  method: 'POST',
  path: '/example/kms/xks/v1/keys/0a1b.c-d_e/encrypt',
  headers: [
    ['Host', 'proxy.example.com:8443'],
    ['Content-Type', 'application/json; charset=utf-8'],
    ['X-Amz-Date', '20260131T120000Z'],
    ['User-Agent', 'planted agent/1.0'],
  ],
  signed: ['content-type', 'host', 'x-amz-date'],
  body: Buffer.from('{"plaintext":"cGxhbnRlZA=="}'),
  timestamp: '20260131T120000Z',
  region: 'us-east-1',
  accessKeyId: 'BETWPENR6T4A3WQ5PDPL',
  secret,
};

/** A request like the sample's, signed by hand after `changes`. */
export function signSample(changes: Partial<SigningInput> = {}): ReceivedRequest {
  return signByHand({ ...sample, ...changes });
}

/** One object for all, as a worker has it: what it keeps with it is used. */
const kept = new Secret(secret);

/** The whole check as the HTTP side does it, with one credential known. */
export async function check(
  request: ReceivedRequest,
  body: Uint8Array = sample.body,
  at: Date = now,
): Promise<void> {
  const authorization = parseAuthorization(request, at);
  verifySignature(request, body, authorization, kept);
}

/** Asserts that `attempt` is refused, and that the message is fit for a log. */
export async function assertRefused(
  t: ExecutionContext,
  attempt: () => void | Promise<void>,
  request: ReceivedRequest,
  ...reasons: SignatureFault[]
): Promise<void> {
  const error = await (async () => attempt())().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SignatureError)) return t.fail(`not refused with SignatureError: ${String(error)}`);
  if (reasons.length > 0) t.true(reasons.includes(error.reason), `${error.reason}: ${error.message}`);
  t.regex(error.message, /^[\x20-\x7e]{20,300}$/);
  t.false(error.message.includes(secret));
  for (const value of request.rawHeaders.filter((_, i) => i % 2 === 1))
    for (const part of value.split(/[\s,;=/]+/))
      // Short parts and the protocol's own words may well be in a message.
      if (part.length > 7 && !PROTOCOL_WORDS.includes(part)) t.false(error.message.includes(part), part);
}

const PROTOCOL_WORDS =
  'AWS4-HMAC-SHA256 Credential SignedHeaders Signature authorization kms-xks-proxy aws4_request x-amz-date ' +
  'x-amz-content-sha256';

/** The same request with another value for one header. */
export function withHeader(
  request: ReceivedRequest,
  name: string,
  change: (value: string) => string,
): ReceivedRequest {
  const rawHeaders = [...request.rawHeaders];
  const index = rawHeaders.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name) + 1;
  rawHeaders[index] = change(rawHeaders[index] ?? '');
  return { ...request, rawHeaders };
}
