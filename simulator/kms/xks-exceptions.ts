import type { ServiceError } from '../service-error.ts';
import { XksFailure, type ProxyErrorName } from '../xks/xks-failure.ts';
import { kmsError } from './errors.ts';
import type { ConnectionErrorCode } from './records.ts';

/** What KMS was asked when the proxy failed: the same trouble has another exception for each. */
export type Purpose = 'key-store' | 'create-key' | 'cryptography';

/** A row of the table "KMS Considerations" in the XKS spec's chapter Error codes, by who failed and how. */
type Scenario =
  | ProxyErrorName
  | 'malformed'
  | 'tcp'
  | 'tls'
  | 'timeout'
  | 'unavailable'
  | 'not-connected'
  | 'inner-ciphertext'
  | 'busy';

interface Row {
  readonly keyStore: string;
  readonly createKey: string;
  readonly message: string;
}

const malformed =
  'KMS cannot make sense of what the external key store proxy answered. Tell the administrator of the proxy if this happens again.';

/**
 * Names as the spec has them, messages in the simulator's words. Cryptographic operations always answer KMSInvalidStateException.
 * Rows that the spec leaves out for an operation are marked.
 */
const table: Record<Scenario, Row> = {
  ValidationException: {
    keyStore: 'XksProxyInvalidResponseException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message: malformed,
  },
  InvalidStateException: {
    keyStore: 'XksProxyInvalidResponseException', // not in the spec
    createKey: 'XksKeyInvalidConfigurationException',
    message:
      'The external key of this KMS key is not enabled in its key manager. Enable it there and try again.',
  },
  InvalidCiphertextException: {
    keyStore: 'XksProxyInvalidResponseException', // cannot happen
    createKey: 'CustomKeyStoreInvalidStateException', // cannot happen
    message:
      'The external key store proxy refused the ciphertext or its encryption context: corrupted, missing or otherwise not valid.',
  },
  'inner-ciphertext': {
    keyStore: 'XksProxyInvalidResponseException', // cannot happen
    createKey: 'CustomKeyStoreInvalidStateException', // cannot happen
    message:
      'What the external key store proxy gave back after decryption, or the encryption context, is corrupted, missing or otherwise not valid.',
  },
  InvalidKeyUsageException: {
    keyStore: 'XksProxyInvalidResponseException', // cannot happen
    createKey: 'XksKeyInvalidConfigurationException',
    message:
      'The external key of this KMS key may not be used for this operation. Allow it in the key manager and try again.',
  },
  AuthenticationFailedException: {
    keyStore: 'XksProxyIncorrectAuthenticationCredentialException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'The external key store proxy could not authenticate KMS. Check the proxy authentication credential of the external key store and update it if need be.',
  },
  AccessDeniedException: {
    keyStore: 'XksProxyInvalidConfigurationException', // not in the spec
    createKey: 'KMSInvalidStateException',
    message:
      'The external key store proxy denied the operation. See to it that its rules allow this principal and this external key, and try again.',
  },
  KeyNotFoundException: {
    keyStore: 'XksProxyInvalidResponseException', // cannot happen
    createKey: 'XksKeyNotFoundException',
    message:
      'The external key of this KMS key was not found in its key manager. If its id is wrong, create another KMS key with the right one.',
  },
  InvalidUriPathException: {
    keyStore: 'XksProxyInvalidConfigurationException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'The external key store proxy does not know the URI path. Check the path of the external key store and update it if need be.',
  },
  UnsupportedOperationException: {
    keyStore: 'XksProxyInvalidResponseException', // not in the spec
    createKey: 'XksKeyInvalidResponseException',
    message:
      'The external key store proxy does not support the operation. Tell the administrator of the proxy if this happens again.',
  },
  DependencyTimeoutException: {
    keyStore: 'XksProxyUriUnreachableException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'The external key store proxy did not finish the request in its time. Try again; tell the administrator of the proxy if this happens again.',
  },
  ThrottlingException: {
    keyStore: 'XksProxyUriUnreachableException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'The external key store proxy refused the request because there are too many. Use the KMS keys of this external key store less often.',
  },
  InternalException: {
    keyStore: 'XksProxyInvalidResponseException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'The external key store proxy refused the request because it cannot work with its key manager. Check the configuration of the proxy, and that the key manager is there.',
  },
  tcp: {
    keyStore: 'XksProxyUriUnreachableException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'KMS cannot reach the external key store proxy. It may be a passing trouble of the network; if not, check that the proxy runs, that the network lets KMS through, and that the URI endpoint is right.',
  },
  tls: {
    keyStore: 'XksProxyUriUnreachableException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'KMS cannot make a TLS connection to the external key store proxy. Check its TLS configuration and its certificate.',
  },
  timeout: {
    keyStore: 'XksProxyUriUnreachableException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'The external key store proxy did not answer in time. Try again; tell the administrator of the proxy if this happens again.',
  },
  unavailable: {
    keyStore: 'XksProxyUriUnreachableException', // developer guide, external key manager
    createKey: 'CustomKeyStoreInvalidStateException', // cannot happen
    message: 'The external key store proxy says that none of its key managers is available.',
  },
  malformed: {
    keyStore: 'XksProxyInvalidResponseException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message: malformed,
  },
  'not-connected': {
    keyStore: 'CustomKeyStoreInvalidStateException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'The custom key store is not connected to its external key store proxy. Connect it and try again.',
  },
  busy: {
    keyStore: 'ThrottlingException',
    createKey: 'ThrottlingException',
    message: 'The rate of requests for keys of this custom key store is too high.',
  },
};

export function exceptionFor(failure: unknown, purpose: Purpose): unknown {
  return failure instanceof XksFailure ? exceptionOf(scenarioOf(failure), purpose) : failure;
}

export function exceptionOf(scenario: Scenario, purpose: Purpose): ServiceError {
  const row = table[scenario];
  if (purpose === 'key-store') return kmsError(row.keyStore, row.message);
  if (purpose === 'create-key' || scenario === 'busy') return kmsError(row.createKey, row.message);
  return kmsError('KMSInvalidStateException', row.message);
}

function scenarioOf({ fault, errorName }: XksFailure): Scenario {
  switch (fault) {
    case 'proxy-error':
      return errorName ?? 'malformed';
    case 'invalid-response':
      return 'malformed';
    case 'unreachable':
    case 'network':
      return 'tcp';
    case 'tls':
    case 'timeout':
    case 'unavailable':
    case 'busy':
      return fault;
  }
}

/** Developer guide, "Connection error codes for external key stores". */
const codeOfName: Partial<Record<ProxyErrorName, ConnectionErrorCode>> = {
  AuthenticationFailedException: 'INVALID_CREDENTIALS',
  AccessDeniedException: 'XKS_PROXY_ACCESS_DENIED',
  InvalidUriPathException: 'XKS_PROXY_INVALID_CONFIGURATION',
  DependencyTimeoutException: 'XKS_PROXY_TIMED_OUT',
  ThrottlingException: 'XKS_PROXY_NOT_REACHABLE',
};

export function connectionErrorCode({ fault, errorName }: XksFailure): ConnectionErrorCode {
  switch (fault) {
    case 'proxy-error':
      return (errorName === undefined ? undefined : codeOfName[errorName]) ?? 'XKS_PROXY_INVALID_RESPONSE';
    case 'invalid-response':
      return 'XKS_PROXY_INVALID_RESPONSE';
    case 'unreachable':
    case 'unavailable':
      return 'XKS_PROXY_NOT_REACHABLE';
    case 'network':
      return 'NETWORK_ERRORS';
    case 'tls':
      return 'XKS_PROXY_INVALID_TLS_CONFIGURATION';
    case 'timeout':
      return 'XKS_PROXY_TIMED_OUT';
    case 'busy':
      return 'INTERNAL_ERROR';
  }
}
