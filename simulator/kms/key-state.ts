import type { ServiceError } from '../service-error.ts';
import { kmsError } from './errors.ts';
import type { Kms } from './kms-house.ts';
import type { KeyStore, KmsKey } from './records.ts';
import { exceptionOf } from './xks-exceptions.ts';

export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion' | 'Unavailable';

/** Developer guide, "Key states": unavailable while the key store is not connected; pending deletion shows through that. */
export function keyState(kms: Kms, key: KmsKey): KeyState {
  const store = storeOf(kms, key);
  if (key.state === 'PendingDeletion' || store === undefined || store.state === 'CONNECTED') return key.state;
  return 'Unavailable';
}

/** Of a key in an external key store. */
export function storeOf(kms: Kms, key: KmsKey): KeyStore | undefined {
  return key.keyStoreId === undefined
    ? undefined
    : kms.state.place(key.accountId, key.region).stores.get(key.keyStoreId);
}

/** For cryptographic operations; throws what the developer guide's table of key states says. */
export function requireUsable(kms: Kms, key: KmsKey): void {
  switch (keyState(kms, key)) {
    case 'Enabled':
      return;
    case 'Disabled':
      throw kmsError('DisabledException', `${key.arn} is disabled.`);
    case 'PendingDeletion':
      throw pendingDeletion(key);
    case 'Unavailable':
      throw exceptionOf('not-connected', 'cryptography');
  }
}

export function refusePendingDeletion(key: KmsKey): void {
  if (key.state === 'PendingDeletion') throw pendingDeletion(key);
}

function pendingDeletion(key: KmsKey): ServiceError {
  return kmsError('KMSInvalidStateException', `${key.arn} is pending deletion.`);
}
