import { sql } from 'kysely';
import { rowsOf, type ClearedRows } from '../store/cleared-rows.ts';

/* What let somebody in and does so no more, for housekeeping. Moments are ISO 8601. */

/** Sessions, and sign-ins under way, that ended by `at`. */
export function expiredSessions(at: string): ClearedRows[] {
  return [rowsOf('sessions', sql`expires_at <= ${at}`), rowsOf('oidc_sign_ins', sql`expires_at <= ${at}`)];
}

/** Recovery codes that were used, and API keys that ended, by `before`. */
export function endedSecrets(before: string): ClearedRows[] {
  return [
    rowsOf('recovery_codes', sql`used_at <= ${before}`),
    rowsOf('api_keys', sql`expires_at <= ${before}`),
    rowsOf('api_keys', sql`revoked_at <= ${before}`),
  ];
}
