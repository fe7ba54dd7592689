import { credentialState, type XksCredential } from './credential-records.ts';
import { VaultError } from '../../vault/vault-error.ts';
import type { Expected } from '../../vault/context.ts';

/** Thirty days. */
export const maxQuietMinutes = 43_200;

/** A credential of a key set that an act is on. */
export interface CredentialTarget extends Expected {
  accessKeyId: string;
}

export interface CredentialInput {
  /** In the future; null for never. */
  expiresAt?: Date | null | undefined;
  /** Retire it once it was not seen for so many minutes and its successor has been, 1 to 43,200; null for not. */
  retireAfterQuietMinutes?: number | null | undefined;
}

export function checkLive(credential: XksCredential, now: Date): void {
  if (credentialState(credential, now) !== 'LIVE')
    throw new VaultError('conflict', 'the credential is no longer live', 'issue another one');
}

export function parseQuiet(minutes: number | null): number | null {
  if (minutes !== null && (!Number.isInteger(minutes) || minutes < 1 || minutes > maxQuietMinutes))
    throw new VaultError('invalid', `quiet minutes are a whole number from 1 to ${maxQuietMinutes}`);
  return minutes;
}
