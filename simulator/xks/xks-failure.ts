/** The names that a proxy may answer, each with its HTTP status (XKS spec, Error codes). */
export const proxyErrorStatus = {
  ValidationException: 400,
  InvalidStateException: 400,
  InvalidCiphertextException: 400,
  InvalidKeyUsageException: 400,
  AuthenticationFailedException: 401,
  AccessDeniedException: 403,
  KeyNotFoundException: 404,
  InvalidUriPathException: 404,
  ThrottlingException: 429,
  InternalException: 500,
  UnsupportedOperationException: 501,
  DependencyTimeoutException: 503,
} as const;

export type ProxyErrorName = keyof typeof proxyErrorStatus;

/**
 * What went wrong between AWS and a proxy. `unreachable`: no name, no route, nobody at the port. `tls`: no handshake, or a
 * certificate that AWS does not take. `timeout`: reached, but silent for the whole limit. `network`: the connection broke.
 * `invalid-response`: an answer that the spec does not allow. `proxy-error`: an error of the spec. `unavailable`: a healthy answer
 * that says that no key manager can work. `busy`: AWS's own limit of calls at once.
 */
export type XksFault =
  'unreachable' | 'tls' | 'timeout' | 'network' | 'invalid-response' | 'proxy-error' | 'unavailable' | 'busy';

/** A call of the proxy that gave no result. `message` is for the simulator's user, and has nothing of what was encrypted. */
export class XksFailure extends Error {
  readonly fault: XksFault;
  /** With `proxy-error`. */
  readonly errorName: ProxyErrorName | undefined;

  constructor(fault: XksFault, message: string, errorName?: ProxyErrorName) {
    super(message);
    this.name = 'XksFailure';
    this.fault = fault;
    this.errorName = errorName;
  }

  /**
   * AWS tries once more after these (developer guide, monitoring external key stores: the retryable errors, and network
   * time-outs). A wrong certificate or a refused signature would be as wrong the second time.
   */
  get retryable(): boolean {
    return this.errorName === undefined
      ? retryableFaults.has(this.fault)
      : retryableNames.has(this.errorName);
  }
}

const retryableFaults: ReadonlySet<XksFault> = new Set<XksFault>(['unreachable', 'timeout', 'network']);
const retryableNames: ReadonlySet<ProxyErrorName> = new Set<ProxyErrorName>([
  'ThrottlingException',
  'InternalException',
  'DependencyTimeoutException',
]);
