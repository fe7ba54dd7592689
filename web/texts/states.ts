import type { Schemas } from '../../src/cli/client/api-types.ts';

/** What has a state, by the API. */
interface States {
  apiKey: Schemas['ApiKey']['state'];
  cloudKey: Schemas['CloudKey']['effectiveState'];
  version: Schemas['CloudKeyVersion']['state'];
  credential: Schemas['Credential']['state'];
  externalKeyStore: Schemas['ExternalKeyStore']['state'];
  keySet: Schemas['KeySet']['state'];
  kmsKey: Schemas['KmsKey']['cloudStatus'];
  node: Schemas['Node']['state'];
  pruning: Schemas['AuditPruning']['state'];
  token: Schemas['Token']['health'];
  user: Schemas['User']['state'];
  vault: Schemas['Vault']['state'];
  /** Of a KMS key that is not kept any more. */
  step: 'GONE';
}

/** One that has no word here does not compile. */
export type KnownState = States[keyof States];

/** In words. */
export const states: Readonly<Record<KnownState, string>> = {
  ACTIVE: 'Active',
  AVAILABLE: 'Available',
  CONNECTED: 'Connected',
  CONNECTING: 'Connecting',
  CREATING: 'Being made',
  DEGRADED: 'Degraded',
  DELETED: 'Deleted',
  DELETING: 'Being deleted',
  DESTROYED: 'Destroyed',
  DESTROYING: 'Being destroyed',
  DISABLED: 'Disabled',
  DISCONNECTED: 'Disconnected',
  DISCONNECTING: 'Disconnecting',
  DONE: 'Done',
  DOWN: 'Down',
  DRAINING: 'Drained',
  EXPIRED: 'Expired',
  FAILED: 'Failed',
  FROZEN: 'Frozen',
  GONE: 'Given up',
  LIVE: 'Live',
  NOT_FOUND: 'Not in AWS',
  PENDING: 'Pending',
  PENDING_DELETION: 'Pending deletion',
  REFUSED: 'Refused',
  RETIRED: 'Retired',
  REVOKED: 'Revoked',
  UNAVAILABLE: 'Unavailable',
  UNKNOWN: 'Not known',
  UP: 'Up',
  VERIFYING: 'Being compared',
  WITHDRAWN: 'Withdrawn',
};
