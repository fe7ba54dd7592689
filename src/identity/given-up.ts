import { sql } from 'kysely';
import { rowsOf, type ClearedRows } from '../store/cleared-rows.ts';
import type { VaultPart } from '../vault/vault-part.ts';

/*
 * What this room gives up: to housekeeping what let somebody in and does so no more (moments are ISO 8601), and with a vault
 * that is deleted its people.
 */

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

/** Sessions, recovery codes and memberships go with their users, and of those each has a few. */
const rowsOfUser = 20;

/** Its people and their API keys. */
export const endPeople: VaultPart = async (trx, vaultId, max) => {
  let taken = 0;
  while (taken < max) {
    const user = await trx
      .selectFrom('users')
      .select('id')
      .where('vault_id', '=', vaultId)
      .executeTakeFirst();
    if (user === undefined) break;
    const apiKeys = await trx
      .selectFrom('api_keys')
      .select('id')
      .where('user_id', '=', user.id)
      .limit(max - taken)
      .execute();
    const ids = apiKeys.map(({ id }) => id);
    if (ids.length > 0) await trx.deleteFrom('api_keys').where('id', 'in', ids).execute();
    taken += ids.length;
    if (taken >= max) break;
    await trx.deleteFrom('users').where('id', '=', user.id).execute();
    taken += rowsOfUser;
  }
  return taken;
};
