import { SignatureError } from './signature-error.ts';

/** XKS spec, Authentication: the service name in the scope. */
export const SERVICE = 'kms-xks-proxy';

/** What ends the scope. */
export const TERMINATOR = 'aws4_request';
/**
 * More than the XKS spec's 20 to 30 of `A-Z2-7`, which its own examples and AWS's test client break;
 * no comma and no slash, because those end the parameter and the part.
 */
const ACCESS_KEY_ID = /^[A-Za-z0-9+=.@_-]{1,128}$/;
const DATE = /^\d{8}$/;
const REGION = /^[a-z0-9-]{1,64}$/;

export interface Credential {
  readonly accessKeyId: string;
  /** YYYYMMDD */
  readonly date: string;
  readonly region: string;
}

/** Reads `accessKeyId/date/region/kms-xks-proxy/aws4_request`. */
export function parseCredential(text: string): Credential {
  const [accessKeyId = '', date = '', region = '', service, terminator, ...more] = text.split('/');
  if (!ACCESS_KEY_ID.test(accessKeyId))
    throw new SignatureError(
      'malformed-authorization',
      'The access key id is empty, too long or has characters no access key id has; copy it again',
    );
  if (!DATE.test(date) || !REGION.test(region) || terminator !== TERMINATOR || more.length > 0)
    throw new SignatureError(
      'wrong-scope',
      `The credential scope is not of the form YYYYMMDD/region/${SERVICE}/${TERMINATOR}`,
    );
  if (service !== SERVICE)
    throw new SignatureError(
      'wrong-scope',
      `The request is signed for another service; sign it for ${SERVICE}`,
    );
  return { accessKeyId, date, region };
}
