import { TokenError, type TokenFault } from '../token/faults.ts';
import { countCall, recountCall } from '../token/remediations.ts';
import { EncryptionLimitError } from '../serving/encryption-count.ts';

/** Names and HTTP status of the errors that AWS knows (XKS spec, Error codes). */
export const xksErrorStatus = {
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

export type XksErrorName = keyof typeof xksErrorStatus;

/**
 * The one error whose text reaches the client. The message is of our own fixed words: printable ASCII, shorter than
 * 512 characters (XKS spec, Error codes), and nothing of the input.
 */
export class XksError extends Error {
  readonly errorName: XksErrorName;
  /** HTTP status, where it is not the name's own: 405 for a GET at an API's URI. */
  readonly status: number;

  constructor(errorName: XksErrorName, message: string, options?: { cause?: unknown; status?: number }) {
    super(message, options);
    this.name = 'XksError';
    this.errorName = errorName;
    this.status = options?.status ?? xksErrorStatus[errorName];
  }

  get body(): string {
    return JSON.stringify({ errorName: this.errorName, errorMessage: this.message });
  }
}

/**
 * What AWS sees of a token fault. Our trouble is never InvalidCiphertextException or KeyNotFoundException: AWS would
 * not try again, and its caller would take the data for lost (promise 3).
 */
const ofFault: Record<TokenFault, readonly [XksErrorName, string]> = {
  'bad-ciphertext': [
    'InvalidCiphertextException',
    'The ciphertext, initialization vector, authentication tag, metadata or additional authenticated data is not what this key produced.',
  ],
  'data-refused': ['UnsupportedOperationException', 'The token does not take data of this length.'],
  'usage-refused': [
    'InvalidKeyUsageException',
    'The key object in the token does not permit this operation.',
  ],
  'key-missing': ['InternalException', 'The key is known to the vault but not found in its token.'],
  'key-duplicate': ['InternalException', 'The key is not unique in its token.'],
  'key-unfit': ['InternalException', 'The key object in the token is not the key on record.'],
  'other-token': ['InternalException', 'The token is not the one on record.'],
  'iv-refused': ['InternalException', 'The token did not make a fresh initialization vector.'],
  'verify-failed': [
    'InternalException',
    'The ciphertext did not decrypt to the plaintext and was discarded.',
  ],
  'seal-broken': ['InternalException', 'A secret of the vault could not be opened.'],
  'session-lost': ['InternalException', 'The session with the token was lost.'],
  'pin-refused': ['InternalException', 'The token does not let the proxy in.'],
  device: ['InternalException', 'The token is not working.'],
  timeout: ['DependencyTimeoutException', 'The token did not answer in time.'],
  unavailable: ['DependencyTimeoutException', 'The token cannot be reached.'],
  overloaded: ['ThrottlingException', 'More requests wait for the token than can be answered in time.'],
  internal: ['InternalException', 'The token refused a request of the proxy.'],
};

/** Where the token was not asked at all: an encryption is done only once it is counted. */
const notCounted: readonly [XksErrorName, string] = [
  'DependencyTimeoutException',
  'The encryptions of the key were not counted in time, so none was done.',
];

/** Where it was asked once, and that failed: what it did is not known. */
const notCountedAgain: readonly [XksErrorName, string] = [
  'DependencyTimeoutException',
  'An attempt at the encryption failed, and another was not made: it was not counted in time.',
];

const ofCount: ReadonlyMap<string, readonly [XksErrorName, string]> = new Map([
  [countCall, notCounted],
  [recountCall, notCountedAgain],
]);

/** What a request is refused with because of records: of the key, the key set, the credential, the URI path. */
const byRecords: ReadonlySet<XksErrorName> = new Set([
  'InvalidStateException',
  'InvalidKeyUsageException',
  'AuthenticationFailedException',
  'AccessDeniedException',
  'KeyNotFoundException',
  'InvalidUriPathException',
]);

/** Whether a request may be refused by what was remembered, so that what is in the store may be otherwise. */
export function isByRecords(error: unknown): boolean {
  // A version that is not known, as its own metadata names it: no token was asked.
  if (error instanceof TokenError && error.fault === 'bad-ciphertext') return error.call === 'request';
  return byRecords.has(toXksError(error).errorName);
}

/** What the client is told of any error: an XksError as it is, a token fault by the table, else InternalException. */
export function toXksError(error: unknown): XksError {
  if (error instanceof XksError) return error;
  if (error instanceof TokenError) {
    const [name, message] = ofCount.get(error.call) ?? ofFault[error.fault];
    return new XksError(name, message, { cause: error });
  }
  if (error instanceof EncryptionLimitError)
    return new XksError(
      'InvalidStateException',
      'The key has reached its limit of encryptions and must be rotated.',
      { cause: error },
    );
  return new XksError('InternalException', 'The request could not be processed.', { cause: error });
}
