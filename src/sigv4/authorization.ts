import {
  assertRequestLine,
  readHeaderFields,
  singleValue,
  trimWhitespace,
  type HeaderFields,
  type ReceivedRequest,
} from './received-request.ts';
import { assertFresh, parseRequestTime } from './request-time.ts';
import { parseCredential, type Credential } from './credential.ts';
import { SignatureError } from './signature-error.ts';
import { assertArrived, parseSignedHeaders } from './signed-headers.ts';

/** What the Authorization header says before the signature: of a signer and its scope always the same. */
interface Claim extends Credential {
  /** Lower-case names, ascending, each in the request. */
  readonly signedHeaders: readonly string[];
}

/** What the Authorization header says, checked in form but not yet against a secret. */
export interface Authorization extends Claim {
  /** 64 lower-case hexadecimal digits. */
  readonly signature: string;
  /** The x-amz-date header as sent. */
  readonly timestamp: string;
  readonly requestTime: Date;
  /** The headers of the request. */
  readonly fields: HeaderFields;
  /** Its claim is one that {@link keepAuthorization} has kept. */
  readonly isKnown: boolean;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const MAX_LENGTH = 4096;
const PARAMETERS = ['Credential', 'SignedHeaders', 'Signature'] as const;
const SIGNATURE = /^[0-9a-f]{64}$/;
const SIGNATURE_LENGTH = 64;

/** Claims of signers who have proven themselves, by the text of the header before its signature: what that reads as does not change. */
const known = new Map<string, Claim>();
const MAX_KNOWN = 256;

/** Everything about the signature that needs neither the body nor the secret; throws `SignatureError`. */
export function parseAuthorization(request: ReceivedRequest, now: Date): Authorization {
  assertRequestLine(request);
  const fields = readHeaderFields(request.rawHeaders);
  const header = readAuthorizationHeader(fields);
  const found = findKnown(header);
  const { accessKeyId, date, region, signedHeaders, signature } = found ?? readHeader(header);
  assertArrived(signedHeaders, fields);
  const timestamp = singleValue(fields, 'x-amz-date') ?? '';
  const requestTime = parseRequestTime(timestamp);
  if (!timestamp.startsWith(date))
    throw new SignatureError(
      'wrong-scope',
      'The credential scope has another date than x-amz-date; both must be the UTC day of signing',
    );
  assertFresh(requestTime, now);
  if (found === undefined && !SIGNATURE.test(signature))
    throw malformed('Signature in the Authorization header is not 64 lower-case hexadecimal digits');
  const isKnown = found !== undefined;
  return { accessKeyId, date, region, signedHeaders, signature, timestamp, requestTime, fields, isKnown };
}

/** For one that has proven itself; whoever has no secret would fill the place. */
export function keepAuthorization({
  fields,
  accessKeyId,
  date,
  region,
  signedHeaders,
  signature,
  isKnown,
}: Authorization): void {
  if (isKnown) return;
  const header = fields.get('authorization')?.[0] ?? '';
  const claim = header.slice(0, -SIGNATURE_LENGTH);
  // The signature may stand anywhere in it.
  if (claim + signature !== header) return;
  if (known.size >= MAX_KNOWN) for (const oldest of known.keys()) if (known.delete(oldest)) break;
  known.set(claim, { accessKeyId, date, region, signedHeaders });
}

/** Undefined for a header that is to be read anew. */
function findKnown(header: string): (Claim & { signature: string }) | undefined {
  const claim = known.get(header.slice(0, -SIGNATURE_LENGTH));
  const signature = header.slice(-SIGNATURE_LENGTH);
  return claim !== undefined && SIGNATURE.test(signature) ? { ...claim, signature } : undefined;
}

function readHeader(header: string): Claim & { signature: string } {
  const { Credential, SignedHeaders, Signature } = parseParameters(header);
  return {
    ...parseCredential(Credential),
    signedHeaders: parseSignedHeaders(SignedHeaders),
    signature: Signature,
  };
}

function readAuthorizationHeader(fields: HeaderFields): string {
  const header = singleValue(fields, 'authorization');
  if (header === undefined)
    throw new SignatureError(
      'missing-authorization',
      'The request has no Authorization header; sign it with AWS Signature Version 4',
    );
  if (header.length > MAX_LENGTH)
    throw malformed(`The Authorization header has more than ${MAX_LENGTH} characters; sign fewer headers`);
  return header;
}

/**
 * `AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...`, in any order, with or without whitespace
 * at the commas as signers differ there. Each exactly once and nothing else: a second one could be read by another parser.
 */
function parseParameters(header: string): Record<(typeof PARAMETERS)[number], string> {
  if (!header.startsWith(`${ALGORITHM} `))
    throw new SignatureError(
      'wrong-algorithm',
      `The Authorization header does not start with ${ALGORITHM}; no other scheme is accepted`,
    );
  const parameters = new Map<string, string>();
  for (const part of header.slice(ALGORITHM.length).split(',')) {
    const [name = '', ...rest] = trimWhitespace(part).split('=');
    if (rest.length === 0 || parameters.has(name)) throw malformedParameters();
    parameters.set(name, rest.join('='));
  }
  const [Credential, SignedHeaders, Signature] = PARAMETERS.map((name) => parameters.get(name));
  if (parameters.size !== PARAMETERS.length || !Credential || !SignedHeaders || !Signature)
    throw malformedParameters();
  return { Credential, SignedHeaders, Signature };
}

function malformedParameters(): SignatureError {
  return malformed(`The Authorization header must have ${PARAMETERS.join(', ')} once each and nothing else`);
}

function malformed(message: string): SignatureError {
  return new SignatureError('malformed-authorization', message);
}
