import type { HeaderFields } from './received-request.ts';
import { SignatureError } from './signature-error.ts';

const PLAIN = /^[\t\x20-\x7e]*$/;
/** Also what HTTP allows beyond ASCII: any byte, but no control character. */
const BYTES = /^[\t\x20-\x7e\x80-\xff]*$/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The signed headers' values in their order, those of a header that came several times joined by commas in the order sent. */
export function readSignedValues(fields: HeaderFields, signedHeaders: readonly string[]): string[] {
  return signedHeaders.map((name) => (fields.get(name) ?? []).map(decodeValue).join(','));
}

/**
 * Node gives one character per byte, the canonical request is UTF-8 text. Strictly, so that no two byte sequences
 * share a canonical form: replacement characters, or Latin-1 for what is not UTF-8, would make them.
 */
function decodeValue(value: string): string {
  if (PLAIN.test(value)) return value;
  if (!BYTES.test(value)) throw unreadable();
  try {
    return utf8.decode(Buffer.from(value, 'latin1'));
  } catch {
    throw unreadable();
  }
}

function unreadable(): SignatureError {
  return new SignatureError(
    'malformed-request',
    'A signed header has control characters or is not UTF-8; send it as UTF-8 or leave it unsigned',
  );
}
