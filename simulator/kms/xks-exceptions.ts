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
  'AWS KMS cannot interpret the response from the external key store proxy. If you see this error repeatedly, report it to your external key store proxy administrator.';

/**
 * Names and messages as the spec has them: KMS tells causes apart by its message alone, so programs read it. Cryptographic operations always answer KMSInvalidStateException.
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
      'The external key associated with this KMS key in an external key store is not enabled in the external key manager. Enable the external key in the external key manager and retry the request.',
  },
  InvalidCiphertextException: {
    keyStore: 'XksProxyInvalidResponseException', // cannot happen
    createKey: 'CustomKeyStoreInvalidStateException', // cannot happen
    message:
      'The external key store proxy rejected the request because the specified ciphertext or encryption context is corrupted, missing, or otherwise invalid.',
  },
  'inner-ciphertext': {
    keyStore: 'XksProxyInvalidResponseException', // cannot happen
    createKey: 'CustomKeyStoreInvalidStateException', // cannot happen
    message:
      'The ciphertext that the external key store proxy submitted for decryption, or the encryption context, is corrupted, missing, or otherwise invalid.',
  },
  InvalidKeyUsageException: {
    keyStore: 'XksProxyInvalidResponseException', // cannot happen
    createKey: 'XksKeyInvalidConfigurationException',
    message:
      'The external key associated with this KMS key in an external key store does not support the requested operation. Enable the operation on the key in your external key manager, and try the request again.',
  },
  AuthenticationFailedException: {
    keyStore: 'XksProxyIncorrectAuthenticationCredentialException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'The external key store proxy rejected the request because it could not authenticate AWS KMS. Verify the XKS proxy authentication credentials for your external key store and update if necessary.',
  },
  AccessDeniedException: {
    keyStore: 'XksProxyInvalidConfigurationException', // not in the spec
    createKey: 'KMSInvalidStateException',
    message:
      'The external key store proxy denied access to the operation. Verify that the user and the external key are both authorized for this operation, and try the request again.',
  },
  KeyNotFoundException: {
    keyStore: 'XksProxyInvalidResponseException', // cannot happen
    createKey: 'XksKeyNotFoundException',
    message:
      'The external key associated with this KMS key in an external key store was not found in its external key manager. If the external key ID associated with this KMS key is incorrect, create a new KMS key with the correct external key ID.',
  },
  InvalidUriPathException: {
    keyStore: 'XksProxyInvalidConfigurationException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'The external key store proxy rejected the request because of an invalid URI path. Verify the URI path for your external key store and update if necessary.',
  },
  UnsupportedOperationException: {
    keyStore: 'XksProxyInvalidResponseException', // not in the spec
    createKey: 'XksKeyInvalidResponseException',
    message:
      'The external key store proxy rejected the request because it does not support the requested operation. If you see this error repeatedly, report it to your external key store proxy administrator.',
  },
  DependencyTimeoutException: {
    keyStore: 'XksProxyUriUnreachableException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'The external key store proxy did not respond to the request in the time allotted. Retry the request. If you see this error repeatedly, report it to your external key store proxy administrator.',
  },
  ThrottlingException: {
    keyStore: 'XksProxyUriUnreachableException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'The external key store proxy rejected the request due to a very high request rate. Reduce the frequency of your calls using KMS keys in this external key store.',
  },
  InternalException: {
    keyStore: 'XksProxyInvalidResponseException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'The external key store proxy rejected the request because it cannot communicate with the external key manager. Verify that the external key store proxy configuration is correct and that the external key manager is available.',
  },
  tcp: {
    keyStore: 'XksProxyUriUnreachableException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'AWS KMS cannot communicate with the external key store proxy. This might be a transient network issue. If you see this error repeatedly, verify that your external key store proxy is active and is connected to the network, and that its endpoint URI is correct in your external keystore.',
  },
  tls: {
    keyStore: 'XksProxyUriUnreachableException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'AWS KMS cannot establish a TLS connection to the external key store proxy. Verify the TLS configuration, including its certificate.',
  },
  timeout: {
    keyStore: 'XksProxyUriUnreachableException',
    createKey: 'CustomKeyStoreInvalidStateException',
    message:
      'AWS KMS rejected the request because the external key store proxy did not respond in time. Retry the request. If you see this error repeatedly, report it to your external key store proxy administrator.',
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
      'This KMS key is in a custom key store that is not connected to its external key store proxy. Connect the external key store and try the request again.',
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
