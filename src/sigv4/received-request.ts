import { SignatureError } from './signature-error.ts';

/** The request as it came: nothing normalised. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path as sent, without the query. */
  readonly path: string;
  /** Query string as sent without '?', '' if none. */
  readonly query: string;
  /**
   * Names and values alternating, one character per byte, as Node's `rawHeaders`;
   * HTTP/2's `:authority` given as `host` by the caller.
   */
  readonly rawHeaders: readonly string[];
}

/** Values by lower-case header name, in the order sent, without the optional whitespace around them (RFC 9110, 5.5). */
export type HeaderFields = ReadonlyMap<string, readonly string[]>;

const HTTP_TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const METHOD = /^[A-Z][A-Z-]*$/;
/** RFC 3986 characters of a path, `%` included; no `?`, no `#`, and nothing that could end a canonical line. */
const PATH = /^\/[!$%&'()*+,\-./0-9:;=@A-Z_a-z~]*$/;

export function readHeaderFields(rawHeaders: readonly string[]): HeaderFields {
  const fields = new Map<string, string[]>();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    // HTTP/2 pseudo-headers are no fields, and toLowerCase() maps some letters outside ASCII into it.
    if (!HTTP_TOKEN.test(name)) continue;
    const key = name.toLowerCase();
    const value = trimWhitespace(rawHeaders[i + 1] ?? '');
    const values = fields.get(key);
    if (values === undefined) fields.set(key, [value]);
    else values.push(value);
  }
  return fields;
}

/** The value of a header that may come once at most: of two, another parser could take the other one. */
export function singleValue(fields: HeaderFields, name: string): string | undefined {
  const values = fields.get(name);
  if (values !== undefined && values.length > 1)
    throw new SignatureError(
      'duplicate-header',
      `The ${name} header occurs more than once; send it once and let no proxy in between add another`,
    );
  return values?.[0];
}

/** Refuses a request line that has no one canonical form, or that the XKS API does not have. */
export function assertRequestLine(request: ReceivedRequest): void {
  if (request.query !== '')
    throw new SignatureError(
      'query-not-allowed',
      'The request has a query string; the XKS API has none, and credentials belong in the Authorization header',
    );
  if (!METHOD.test(request.method) || !PATH.test(request.path))
    throw new SignatureError(
      'malformed-request',
      'The method or the path has characters that HTTP does not allow there; send the path percent-encoded',
    );
}

/** Loops instead of a regular expression: `[ \t]+$` takes quadratic time on long runs of spaces inside a value. */
export function trimWhitespace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isWhitespace(text.charCodeAt(start))) start += 1;
  while (end > start && isWhitespace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
