import { singleValue, type HeaderFields } from './received-request.ts';
import { SignatureError } from './signature-error.ts';

const MAX_COUNT = 64;
const LOWER_CASE_TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** XKS spec, Authentication: at least these are signed. Each once: two could be read differently. */
const REQUIRED = ['host', 'x-amz-date'] as const;

/**
 * Reads `host;x-amz-date;...`.
 * SigV4 defines the list as sorted by character code, both here and in the canonical request. A verifier that
 * sorted it first would accept what one that takes the list as sent refuses, so unsorted lists are refused.
 */
export function parseSignedHeaders(text: string): readonly string[] {
  const names = text.split(';', MAX_COUNT + 1);
  if (names.length > MAX_COUNT)
    throw new SignatureError(
      'malformed-authorization',
      `SignedHeaders has more than ${MAX_COUNT} names; sign fewer`,
    );
  let previous = '';
  for (const name of names) {
    if (!LOWER_CASE_TOKEN.test(name) || name === 'authorization' || name <= previous)
      throw new SignatureError(
        'malformed-authorization',
        'SignedHeaders is not a sorted list of different lower-case header names (without authorization) joined by ";"',
      );
    previous = name;
  }
  for (const name of REQUIRED)
    if (!names.includes(name))
      throw new SignatureError(
        'unsigned-required-header',
        `The ${name} header is not signed; add it to SignedHeaders`,
      );
  return names;
}

/** Of the headers that came: those that are signed, and those that must be once. */
export function assertArrived(signedHeaders: readonly string[], fields: HeaderFields): void {
  for (const name of REQUIRED) singleValue(fields, name);
  for (const name of signedHeaders)
    if (!fields.has(name))
      throw new SignatureError(
        'missing-signed-header',
        'A header named in SignedHeaders did not arrive; see that no proxy in between removes headers',
      );
}
