import { createHash } from 'node:crypto';
import type { HttpRequest } from './service.ts';

/*
 * Signature Version 4, "Create a canonical request" (IAM User Guide, reference_sigv-create-signed-request). S3 encodes the path
 * once and leaves dots and double slashes alone; all other services normalise it and encode what was sent once more.
 */

const UNRESERVED = /[A-Za-z0-9\-._~]/;

/** Percent-encodes all but A-Z a-z 0-9 - . _ ~ with upper-case digits, byte by byte. */
export function uriEncode(text: string, keepSlash = false): string {
  let result = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte);
    if (byte < 128 && (UNRESERVED.test(character) || (keepSlash && character === '/'))) result += character;
    else result += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return result;
}

/** Undefined where the text has a stray percent sign or is no UTF-8. */
export function uriDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Names and values of a query, decoded, in the order they were sent; undefined where it cannot be decoded. */
export function parseQuery(query: string): [string, string][] | undefined {
  const pairs: [string, string][] = [];
  for (const part of query.split('&')) {
    if (part === '') continue;
    const mark = part.indexOf('=');
    const name = uriDecode((mark === -1 ? part : part.slice(0, mark)).replaceAll('+', ' '));
    const value = uriDecode((mark === -1 ? '' : part.slice(mark + 1)).replaceAll('+', ' '));
    if (name === undefined || value === undefined) return undefined;
    pairs.push([name, value]);
  }
  return pairs;
}

export interface CanonicalParts {
  readonly request: HttpRequest;
  /** Lower-case, in order. */
  readonly signedHeaders: readonly string[];
  readonly payloadHash: string;
  readonly s3: boolean;
}

/** Undefined where the path or the query cannot be decoded. */
export function canonicalRequest(parts: CanonicalParts): string | undefined {
  const { request, signedHeaders } = parts;
  const path = parts.s3 ? canonicalS3Path(request.path) : uriEncode(normalise(request.path), true);
  const query = parseQuery(request.query);
  if (path === undefined || query === undefined) return undefined;
  const canonicalQuery = query
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]): [string, string] => [uriEncode(name), uriEncode(value)])
    .toSorted(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const headers = signedHeaders.map(
    (name) => `${name}:${(request.headers.get(name) ?? '').trim().replaceAll(/ +/g, ' ')}\n`,
  );
  return [
    request.method,
    path,
    canonicalQuery,
    headers.join(''),
    signedHeaders.join(';'),
    parts.payloadHash,
  ].join('\n');
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function canonicalS3Path(path: string): string | undefined {
  const decoded = uriDecode(path);
  return decoded === undefined ? undefined : uriEncode(decoded, true);
}

/** RFC 3986, 5.2.4, and double slashes made single. */
function normalise(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const slash = kept.length > 0 && /\/\.{0,2}$/.test(path) ? '/' : '';
  return `/${kept.join('/')}${slash}`;
}

export function sha256Hex(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
