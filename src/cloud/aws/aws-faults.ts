/** What went wrong, as far as it matters for what to do next. */
export type AwsFault =
  /** Known who we are, and not allowed to. */
  | 'denied'
  /** The credential is unknown, wrong or at an end, or the clock is. */
  | 'credentials'
  | 'throttled'
  /** No answer: network, DNS, TLS, proxy. What was asked for may have been done all the same. */
  | 'unreachable'
  | 'not-found'
  /** What was just made or changed does not show yet (presence.ts): it passes. */
  | 'settling'
  /** AWS KMS asked the proxy, and did not get on with it. */
  | 'proxy'
  /** It clashes with what is there, or with the state that it is in. */
  | 'conflict'
  /** A quota of the AWS account. */
  | 'limit'
  | 'invalid'
  /** AWS failed. What was asked for may have been done all the same. */
  | 'aws-trouble';

/** By AWS's error codes, without "Exception" at their end where both forms occur (common errors; KMS, IAM, STS). */
const codes: Readonly<Record<AwsFault, readonly string[]>> = {
  denied: [
    'AccessDenied',
    'NotAuthorized',
    'UnauthorizedOperation',
    'OptInRequired',
    'RegionDisabled',
    'Blocked',
  ],
  credentials: [
    'InvalidClientTokenId',
    'UnrecognizedClient',
    'InvalidAccessKeyId',
    'ExpiredToken',
    'InvalidToken',
    'SignatureDoesNotMatch',
    'InvalidSignature',
    'IncompleteSignature',
    'MissingAuthenticationToken',
    'RequestTimeTooSkewed',
    'RequestExpired',
    'RequestInTheFuture',
    'AuthFailure',
    'CredentialsProviderError',
    'TokenProviderError',
    'CredentialsError',
  ],
  throttled: [
    'Throttling',
    'ThrottledException',
    'RequestThrottled',
    'RequestThrottledException',
    'RequestLimitExceeded',
    'TooManyRequests',
    'BandwidthLimitExceeded',
    'SlowDown',
    'PriorRequestNotComplete',
    'TransactionInProgress',
    'EC2ThrottledException',
  ],
  unreachable: [
    'TimeoutError',
    'NetworkingError',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
  ],
  // Nothing of AWS's own says so.
  settling: [],
  proxy: [],
  'not-found': ['NotFound', 'NoSuchEntity', 'CustomKeyStoreNotFound', 'XksKeyNotFound'],
  conflict: [
    'EntityAlreadyExists',
    'AlreadyExists',
    'Conflict',
    'DeleteConflict',
    'ConcurrentModification',
    'EntityTemporarilyUnmodifiable',
    'Disabled',
    'KMSInvalidState',
    'CustomKeyStoreHasCMKs',
    'CustomKeyStoreInvalidState',
    'CustomKeyStoreNameInUse',
    'XksKeyAlreadyInUse',
    'XksProxyUriInUse',
    'XksProxyUriEndpointInUse',
    'XksProxyVpcEndpointServiceInUse',
  ],
  limit: ['LimitExceeded'],
  invalid: [
    'Validation',
    'ValidationError',
    'InvalidInput',
    'MalformedPolicyDocument',
    'UnsupportedOperation',
    'InvalidAction',
    'InvalidParameterValue',
  ],
  'aws-trouble': [
    'InternalFailure',
    'InternalError',
    'InternalServerError',
    'ServiceFailure',
    'ServiceUnavailable',
    'KMSInternal',
    'DependencyTimeout',
    'KeyUnavailable',
  ],
};

export const codeFaults: Readonly<Record<string, AwsFault>> = Object.fromEntries(
  Object.entries(codes).flatMap(([fault, names]) => names.map((name) => [name, fault as AwsFault])),
);
