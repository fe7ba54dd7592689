import type { AuthFault, AuthFaultKind } from './auth-fault.ts';
import { ServiceError } from './service-error.ts';
import type { Reply, ServiceName } from './service.ts';
import { element } from './xml.ts';

/** What goes out. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';

const NAMESPACES: Record<ServiceName, string> = {
  kms: '',
  iam: 'https://iam.amazonaws.com/doc/2010-05-08/',
  sts: 'https://sts.amazonaws.com/doc/2011-06-15/',
  s3: 'http://s3.amazonaws.com/doc/2006-03-01/',
};

/** A service's reply in its protocol: AWS JSON 1.1 (KMS), query (IAM, STS) or REST with XML (S3). */
export function encodeReply(service: ServiceName, action: string, reply: Reply, requestId: string): Answer {
  const status = reply.status ?? 200;
  const headers = reply.headers ?? {};
  if (service === 'kms')
    return {
      status,
      headers: { 'Content-Type': 'application/x-amz-json-1.1', 'x-amzn-RequestId': requestId, ...headers },
      body: reply.body ?? Buffer.from(reply.output === undefined ? '' : JSON.stringify(reply.output)),
    };
  if (service === 's3') {
    const [root] = Object.entries(reply.output ?? {});
    const xml =
      root === undefined
        ? ''
        : XML_HEAD + withNamespace(element(root[0], root[1] ?? {}, 'repeated'), root[0], NAMESPACES.s3);
    return {
      status,
      headers: {
        'x-amz-request-id': requestId,
        'x-amz-id-2': requestId,
        ...(xml === '' ? {} : { 'Content-Type': 'application/xml' }),
        ...headers,
      },
      body: reply.body ?? Buffer.from(xml),
    };
  }
  const response = `${action}Response`;
  const xml = element(
    response,
    {
      ...(reply.output === undefined ? {} : { [`${action}Result`]: reply.output }),
      ResponseMetadata: { RequestId: requestId },
    },
    'member',
  );
  return {
    status,
    headers: { 'Content-Type': 'text/xml', 'x-amzn-RequestId': requestId, ...headers },
    body: Buffer.from(withNamespace(xml, response, NAMESPACES[service])),
  };
}

/** The error form of the service's protocol. */
export function encodeError(service: ServiceName, error: ServiceError, requestId: string): Answer {
  if (service === 'kms')
    return {
      status: error.status,
      headers: { 'Content-Type': 'application/x-amz-json-1.1', 'x-amzn-RequestId': requestId },
      body: Buffer.from(JSON.stringify({ __type: error.code, message: error.message, ...error.fields })),
    };
  if (service === 's3') {
    const members = { Code: error.code, Message: error.message, ...error.fields };
    const tree = { ...members, RequestId: requestId, HostId: requestId };
    return {
      status: error.status,
      headers: { 'Content-Type': 'application/xml', 'x-amz-request-id': requestId, 'x-amz-id-2': requestId },
      body: Buffer.from(XML_HEAD + element('Error', tree, 'repeated')),
    };
  }
  const tree = {
    Error: {
      Type: error.status < 500 ? 'Sender' : 'Receiver',
      Code: error.code,
      Message: error.message,
      ...error.fields,
    },
    RequestId: requestId,
  };
  return {
    status: error.status,
    headers: { 'Content-Type': 'text/xml', 'x-amzn-RequestId': requestId },
    body: Buffer.from(
      withNamespace(element('ErrorResponse', tree, 'member'), 'ErrorResponse', NAMESPACES[service]),
    ),
  };
}

function withNamespace(xml: string, root: string, namespace: string): string {
  return `<${root} xmlns="${namespace}">${xml.slice(root.length + 2)}`;
}

type Family = 'json' | 'query' | 's3';

/** AWS's names for a signature that is not taken: KMS API Reference, IAM and STS "Common errors", S3 "Error responses". */
const AUTH_ERRORS: Record<AuthFaultKind, Record<Family, readonly [code: string, status: number]>> = {
  missing: {
    json: ['MissingAuthenticationTokenException', 400],
    query: ['MissingAuthenticationToken', 403],
    s3: ['AccessDenied', 403],
  },
  incomplete: {
    json: ['IncompleteSignatureException', 400],
    query: ['IncompleteSignature', 400],
    s3: ['InvalidRequest', 400],
  },
  malformed: {
    json: ['IncompleteSignatureException', 400],
    query: ['IncompleteSignature', 400],
    s3: ['AuthorizationHeaderMalformed', 400],
  },
  'wrong-scope': {
    json: ['InvalidSignatureException', 400],
    query: ['SignatureDoesNotMatch', 403],
    s3: ['AuthorizationHeaderMalformed', 400],
  },
  'unknown-key': {
    json: ['UnrecognizedClientException', 400],
    query: ['InvalidClientTokenId', 403],
    s3: ['InvalidAccessKeyId', 403],
  },
  'wrong-token': {
    json: ['UnrecognizedClientException', 400],
    query: ['InvalidClientTokenId', 403],
    s3: ['InvalidToken', 400],
  },
  'expired-token': {
    json: ['ExpiredTokenException', 400],
    query: ['ExpiredToken', 403],
    s3: ['ExpiredToken', 400],
  },
  signature: {
    json: ['InvalidSignatureException', 400],
    query: ['SignatureDoesNotMatch', 403],
    s3: ['SignatureDoesNotMatch', 403],
  },
  'not-signed': {
    json: ['InvalidSignatureException', 400],
    query: ['SignatureDoesNotMatch', 403],
    s3: ['AccessDenied', 403],
  },
  skewed: {
    json: ['InvalidSignatureException', 400],
    query: ['SignatureDoesNotMatch', 403],
    s3: ['RequestTimeTooSkewed', 403],
  },
  'expired-url': {
    json: ['InvalidSignatureException', 400],
    query: ['SignatureDoesNotMatch', 403],
    s3: ['AccessDenied', 403],
  },
  'payload-hash': {
    json: ['InvalidSignatureException', 400],
    query: ['SignatureDoesNotMatch', 403],
    s3: ['XAmzContentSHA256Mismatch', 400],
  },
  'bad-chunks': {
    json: ['InvalidSignatureException', 400],
    query: ['SignatureDoesNotMatch', 403],
    s3: ['IncompleteBody', 400],
  },
};

export function authError(service: ServiceName, fault: AuthFault): ServiceError {
  const [code, status] = AUTH_ERRORS[fault.kind][familyOf(service)];
  return new ServiceError(code, status, fault.message);
}

/** The service's own names for what any call can meet. */
export function commonError(
  service: ServiceName,
  kind: 'denied' | 'throttle' | 'internal' | 'not-done',
  message: string,
): ServiceError {
  const names: Record<typeof kind, Record<Family, readonly [string, number]>> = {
    denied: { json: ['AccessDeniedException', 400], query: ['AccessDenied', 403], s3: ['AccessDenied', 403] },
    throttle: { json: ['ThrottlingException', 400], query: ['Throttling', 400], s3: ['SlowDown', 503] },
    internal: {
      json: ['KMSInternalException', 500],
      query: ['ServiceFailure', 500],
      s3: ['InternalError', 500],
    },
    'not-done': {
      json: ['UnsupportedOperationException', 400],
      query: ['NotImplemented', 501],
      s3: ['NotImplemented', 501],
    },
  };
  const [code, status] = names[kind][familyOf(service)];
  return new ServiceError(code, status, message);
}

function familyOf(service: ServiceName): Family {
  if (service === 'kms') return 'json';
  return service === 's3' ? 's3' : 'query';
}
