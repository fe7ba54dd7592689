import { AuthFault } from './auth-fault.ts';
import { parseQuery } from './canonical-request.ts';
import type { HttpRequest } from './service.ts';

/** A signature as a request presents it: in the Authorization header or in the query. Nothing is verified yet. */
export interface PresentedSignature {
  readonly accessKeyId: string;
  /** YYYYMMDD */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** Lower-case, ascending. */
  readonly signedHeaders: readonly string[];
  /** 64 lower-case hexadecimal digits. */
  readonly signature: string;
  /** x-amz-date as sent. */
  readonly timestamp: string;
  readonly signedAt: Date;
  readonly sessionToken?: string;
  readonly inQuery: boolean;
  /** Of a presigned URL. */
  readonly expiresAfterMs?: number;
  /** X-Amz-Content-Sha256 of a presigned URL. */
  readonly contentSha256?: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const TIMESTAMP = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
const SCOPE = /^([A-Za-z0-9]{4,128})\/(\d{8})\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request$/;
/** S3 API, "Authenticating Requests: Using Query Parameters": seven days. */
const MAX_EXPIRES = 604_800;

export function readSignature(request: HttpRequest): PresentedSignature {
  const header = request.headers.get('authorization');
  if (header !== undefined) {
    if (request.presigned)
      throw new AuthFault('malformed', 'The request is signed twice, in a header and in the query');
    return fromHeader(request, header);
  }
  if (request.presigned) return fromQuery(request);
  throw new AuthFault('missing', 'The request is not signed');
}

function fromHeader(request: HttpRequest, header: string): PresentedSignature {
  if (!header.startsWith(`${ALGORITHM} `))
    throw new AuthFault('malformed', `The simulator takes signatures of ${ALGORITHM} only`);
  const parameters = new Map<string, string>();
  for (const part of header.slice(ALGORITHM.length + 1).split(',')) {
    const [name = '', ...value] = part.trim().split('=');
    if (parameters.has(name)) throw new AuthFault('malformed', 'Authorization has a parameter twice');
    parameters.set(name, value.join('='));
  }
  const token = request.headers.get('x-amz-security-token');
  return {
    ...parse({
      credential: parameters.get('Credential'),
      signedHeaders: parameters.get('SignedHeaders'),
      signature: parameters.get('Signature'),
      timestamp: request.headers.get('x-amz-date'),
      where: 'Authorization header',
    }),
    ...(token === undefined ? {} : { sessionToken: token }),
    inQuery: false,
  };
}

function fromQuery(request: HttpRequest): PresentedSignature {
  const pairs = parseQuery(request.query);
  if (pairs === undefined) throw new AuthFault('malformed', 'The query is not well percent-encoded');
  const parameters = new Map(pairs);
  if (parameters.size !== pairs.length)
    throw new AuthFault('malformed', 'A parameter of the presigned URL is there twice');
  if (parameters.get('X-Amz-Algorithm') !== ALGORITHM)
    throw new AuthFault('malformed', `X-Amz-Algorithm only supports ${ALGORITHM}`);
  const expires = Number(parameters.get('X-Amz-Expires') ?? Number.NaN);
  if (!Number.isSafeInteger(expires) || expires < 1 || expires > MAX_EXPIRES)
    throw new AuthFault('malformed', `X-Amz-Expires must be 1 to ${MAX_EXPIRES} seconds`);
  const token = parameters.get('X-Amz-Security-Token');
  const contentSha256 = parameters.get('X-Amz-Content-Sha256');
  return {
    ...parse({
      credential: parameters.get('X-Amz-Credential'),
      signedHeaders: parameters.get('X-Amz-SignedHeaders'),
      signature: parameters.get('X-Amz-Signature'),
      timestamp: parameters.get('X-Amz-Date'),
      where: 'query',
    }),
    ...(token === undefined ? {} : { sessionToken: token }),
    ...(contentSha256 === undefined ? {} : { contentSha256 }),
    inQuery: true,
    expiresAfterMs: expires * 1000,
  };
}

function parse(parts: {
  credential: string | undefined;
  signedHeaders: string | undefined;
  signature: string | undefined;
  timestamp: string | undefined;
  where: string;
}): Omit<PresentedSignature, 'inQuery'> {
  const { credential, signedHeaders, signature, timestamp } = parts;
  if (!credential || !signedHeaders || !signature || !timestamp)
    throw new AuthFault(
      'incomplete',
      `The ${parts.where} needs Credential, SignedHeaders and Signature, and the request X-Amz-Date`,
    );
  const scope = SCOPE.exec(credential);
  const time = TIMESTAMP.exec(timestamp);
  const names = signedHeaders.split(';');
  const ordered = names.every((name, index) => index === 0 || (names[index - 1] ?? '') < name);
  if (scope === null || time === null || !/^[0-9a-f]{64}$/.test(signature))
    throw new AuthFault(
      'malformed',
      'The credential scope, X-Amz-Date or the signature does not have the form of Signature Version 4',
    );
  if (!ordered || names.some((name) => name === '' || name !== name.toLowerCase()))
    throw new AuthFault('malformed', 'SignedHeaders must be lower-case, in order and each once');
  const [, accessKeyId = '', date = '', region = '', service = ''] = scope;
  if (!timestamp.startsWith(date))
    throw new AuthFault('wrong-scope', 'The date in the credential scope is not the one of X-Amz-Date');
  return {
    ...{ accessKeyId, date, region, service, signedHeaders: names, signature, timestamp },
    signedAt: new Date(timestamp.replace(TIMESTAMP, '$1-$2-$3T$4:$5:$6Z')),
  };
}
