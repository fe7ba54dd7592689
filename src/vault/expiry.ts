import { VaultError } from './vault-error.ts';

/** A moment from which on something is expired, as the store has it; null for never. Throws VaultError `invalid`. */
export function parseExpiry(expiresAt: Date | null, now: Date): string | null {
  if (expiresAt === null) return null;
  // A year of five digits would not sort as text.
  if (Number.isNaN(expiresAt.getTime()) || expiresAt.getUTCFullYear() > 9999)
    throw new VaultError('invalid', 'expiresAt is a moment before the year 10000');
  if (expiresAt <= now) throw new VaultError('invalid', 'expiresAt must lie in the future');
  return expiresAt.toISOString();
}
