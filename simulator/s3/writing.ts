import { createHash, randomBytes } from 'node:crypto';
import type { AuthorizeOptions } from '../service.ts';
import type { S3Call } from './action.ts';
import type { WantedEncryption } from './encryption.ts';
import { s3Error } from './errors.ts';
import type { Bucket } from './s3-state.ts';

/* What all requests that write an object have in common: PutObject, CopyObject and the beginning and end of an upload in parts. */

const SSE = 'x-amz-server-side-encryption';
const KEPT_HEADERS = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
]);
const MAX_KEY = 1024;
const MAX_METADATA = 2048;

/** The condition keys of s3:PutObject. */
export function putContext({ call }: S3Call): NonNullable<AuthorizeOptions['context']> {
  const { headers } = call.http;
  return {
    [`s3:${SSE}`]: headers.get(SSE),
    [`s3:${SSE}-aws-kms-key-id`]: headers.get(`${SSE}-aws-kms-key-id`),
  };
}

export function assertKeyFits(key: string): void {
  if (Buffer.byteLength(key) > MAX_KEY)
    throw s3Error('KeyTooLongError', 'Your key is too long', { MaxSizeAllowed: String(MAX_KEY) });
}

/** `If-None-Match: *` and `If-Match` of a write. */
export function assertMayReplace({ call, address }: S3Call, bucket: Bucket): void {
  const { headers } = call.http;
  const there = bucket.objects.get(address.key);
  const failed = (Condition: string) =>
    s3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
      Condition,
    });
  if (headers.get('if-none-match') === '*' && there !== undefined) throw failed('If-None-Match');
  const match = headers.get('if-match');
  if (match === undefined) return;
  if (there === undefined)
    throw s3Error('NoSuchKey', 'The specified key does not exist.', { Key: address.key });
  if (!sameTag(match, there.etag)) throw failed('If-Match');
}

export function assertRoom({ state }: S3Call, size: number): void {
  if (!state.hasRoomFor(size))
    throw s3Error('EntityTooLarge', 'The buckets of the simulator hold as much as they may; delete objects');
}

/** Content-Type and its like, and the metadata. */
export function keptHeaders({ call }: S3Call): Record<string, string> {
  const kept: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  let metadata = 0;
  for (const [name, value] of call.http.headers) {
    if (name.startsWith('x-amz-meta-')) metadata += name.length - 'x-amz-meta-'.length + value.length;
    if (name.startsWith('x-amz-meta-') || KEPT_HEADERS.has(name)) kept[name] = value;
  }
  if (metadata > MAX_METADATA)
    throw s3Error('InvalidRequest', 'Your metadata headers exceed the maximum allowed metadata size');
  // aws-chunked was for the way here only.
  const encoding = (kept['content-encoding'] ?? '').split(',').filter((one) => one.trim() !== 'aws-chunked');
  delete kept['content-encoding'];
  if (encoding.join('') !== '') kept['content-encoding'] = encoding.join(',').trim();
  return kept;
}

/** MD5 only where S3 itself has the keys. */
export function etagOf(body: Buffer, kind: 'AES256' | 'aws:kms'): string {
  return `"${kind === 'AES256' ? createHash('md5').update(body).digest('hex') : randomBytes(16).toString('hex')}"`;
}

export function sameTag(a: string, b: string): boolean {
  return a.replaceAll('"', '') === b.replaceAll('"', '');
}

/** The request's own encryption context, given back. */
export function contextHeader({ call }: S3Call): Record<string, string> {
  const context = call.http.headers.get(`${SSE}-context`);
  return context === undefined ? {} : { [`${SSE}-context`]: context };
}

export function sseApplied(wanted: WantedEncryption): string {
  const name = wanted.algorithm === 'AES256' ? 'SSE_S3' : 'SSE_KMS';
  return wanted.byRequest ? name : `Default_${name}`;
}
