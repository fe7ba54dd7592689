/** When and from where something was last used; written by XKS workers every few seconds. */
export interface UseTable {
  kind: 'credential' | 'encrypt' | 'decrypt';
  /** Access key id, or CloudKey id. */
  id: string;
  count: number;
  last_at: string;
  /** Address that the request came from. */
  last_address: string;
}

/**
 * What AWS asked for that was answered with an error: one row for all of a minute that differ in nothing but their time,
 * KMS request id and KMS key. Written by XKS workers every few seconds.
 */
export interface FailedRequestTable {
  /** SHA-256 of what the requests have in common, in hexadecimal digits. */
  id: string;
  /** '' of requests that were not authenticated: they belong to nobody. So is the key set. */
  vault_id: string;
  key_set_id: string;
  /** As the request named it; '' where it named none, and where several rows would have been too many. */
  external_key_id: string;
  /** Of the XKS API; '' for a path that is none of ours, and where several rows would have been too many. */
  operation: string;
  /** Of the XKS API, with what AWS was told: words of our own. */
  error: string;
  message: string;
  /** What tells more than the error: why a signature was refused, the fault of a token, the state of the key. */
  reason: string;
  /** As AWS sends them in requestMetadata. */
  principal: string;
  via_service: string;
  kms_operation: string;
  /** Of the last of them. */
  kms_key_arn: string;
  kms_request_id: string;
  address: string;
  first_at: string;
  last_at: string;
  count: number;
}
