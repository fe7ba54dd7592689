import { hash } from 'node:crypto';
import type { Authorization } from './authorization.ts';
import { SERVICE, TERMINATOR } from './credential.ts';
import type { ReceivedRequest } from './received-request.ts';
import type { SigningKey } from './signing-keys.ts';

/*
 * The arithmetic of SigV4 ("Create a signed AWS API request", AWS IAM User Guide) for one request that has come. AWS's own
 * @smithy/signature-v4 does the same in five times the time, for each request of a key store; test/sigv4/signers.test.ts holds
 * this to it, and `holdfast doctor` signs with it.
 */

/**
 * The signature that the request must have, 64 hexadecimal digits. `values` has a value for each of the signed headers;
 * `bodyHash` is hexadecimal.
 */
export function expectedSignature(
  request: Pick<ReceivedRequest, 'method' | 'path'>,
  values: readonly string[],
  bodyHash: string,
  { date, region, signedHeaders, timestamp }: SignedParts,
  key: SigningKey,
): string {
  let headers = '';
  // Ascending and each once, as parseSignedHeaders saw to.
  for (let at = 0; at < signedHeaders.length; at++)
    headers += `${signedHeaders[at] ?? ''}:${squeezed(values[at] ?? '')}\n`;
  // The path is signed as sent (XKS spec, Authentication); the empty line is that of the query, which there is none of.
  const canonical = `${request.method}\n${request.path}\n\n${headers}\n${signedHeaders.join(';')}\n${bodyHash}`;
  const scope = `${date}/${region}/${SERVICE}/${TERMINATOR}`;
  return key.sign(`AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${hash('sha256', canonical)}`);
}

/** What of the Authorization header and the date goes into the signature. */
export type SignedParts = Pick<Authorization, 'date' | 'region' | 'signedHeaders' | 'timestamp'>;

/** Runs of spaces and tabs as one space, none at either end. */
function squeezed(value: string): string {
  return value.includes(' ') || value.includes('\t')
    ? value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '')
    : value;
}
