/** What KMS remembers, in forms that the state file can keep: times are milliseconds, bytes are Base64. */

export interface KmsKey {
  readonly id: string;
  readonly arn: string;
  readonly accountId: string;
  readonly region: string;
  readonly createdAt: number;
  readonly origin: 'AWS_KMS' | 'EXTERNAL_KEY_STORE';
  readonly manager: 'CUSTOMER' | 'AWS';
  /** Of a key in an external key store. */
  readonly keyStoreId?: string;
  readonly xksKeyId?: string;
  /** KMS's own AES-256 key: the inner layer of a key in an external key store. */
  readonly material: string;
  /** Shown as CurrentKeyMaterialId. */
  readonly materialId: string;
  description: string;
  state: 'Enabled' | 'Disabled' | 'PendingDeletion';
  deletionAt?: number;
  /** The policy as its author wrote it. */
  policy: string;
  tags: Record<string, string>;
  /** The last cryptographic operation that succeeded. */
  lastUsage?: { operation: string; at: number; requestId: string };
  grants: Grant[];
}

export interface Grant {
  readonly id: string;
  readonly token: string;
  readonly createdAt: number;
  readonly name?: string;
  readonly grantee: string;
  readonly retiring?: string;
  readonly issuingAccount: string;
  readonly operations: readonly string[];
  readonly contextSubset?: Readonly<Record<string, string>>;
  readonly contextEquals?: Readonly<Record<string, string>>;
}

export interface Alias {
  readonly name: string;
  readonly createdAt: number;
  updatedAt: number;
  targetKeyId: string;
  /** From then on operations see the target: aliases are eventually consistent. */
  effectiveAt: number;
  /** What they see before; nothing for a new alias. */
  previousKeyId?: string;
}

export type ConnectionState = 'CONNECTED' | 'CONNECTING' | 'DISCONNECTED' | 'DISCONNECTING' | 'FAILED';

export type ConnectionErrorCode =
  | 'INTERNAL_ERROR'
  | 'INVALID_CREDENTIALS'
  | 'NETWORK_ERRORS'
  | 'XKS_PROXY_ACCESS_DENIED'
  | 'XKS_PROXY_INVALID_CONFIGURATION'
  | 'XKS_PROXY_INVALID_RESPONSE'
  | 'XKS_PROXY_INVALID_TLS_CONFIGURATION'
  | 'XKS_PROXY_NOT_REACHABLE'
  | 'XKS_PROXY_TIMED_OUT'
  | 'XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION'
  | 'XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND';

export interface XksCredential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The settings of an external key store that UpdateCustomKeyStore can change. */
export interface StoreSettings {
  readonly name: string;
  readonly connectivity: 'PUBLIC_ENDPOINT' | 'VPC_ENDPOINT_SERVICE';
  /** `https://` and a host name. */
  readonly uriEndpoint: string;
  readonly uriPath: string;
  readonly vpcEndpointServiceName?: string;
  readonly vpcEndpointServiceOwner?: string;
  readonly credential: XksCredential;
}

export interface KeyStore {
  readonly id: string;
  readonly accountId: string;
  readonly region: string;
  readonly createdAt: number;
  settings: StoreSettings;
  /** Which some of AWS's hosts still sign with (see `KmsControls.slowUpdates`). */
  previousCredential?: XksCredential;
  /** When all of them sign with the new one. */
  spreadAt?: number;
  state: ConnectionState;
  /** With FAILED. */
  errorCode?: ConnectionErrorCode;
}

/** Under this name the changes of a key store spread. */
export function storeName(id: string): string {
  return `key store ${id}`;
}
