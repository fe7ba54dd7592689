import type { ActTransaction } from '../store/store.ts';
import { bumpRecords } from '../vault/edit-record.ts';

/** What was taken away in another store is not known in this one: no program, and nobody who was signed in, gets in. */
export async function withholdAccess(
  trx: ActTransaction,
): Promise<{ apiKeysRevoked: number; sessionsEnded: number }> {
  const at = trx.at.toISOString();
  const usable = trx
    .selectFrom('api_keys')
    .select('id')
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', at);
  const revoked = await bumpRecords(trx, 'api_keys', usable, { revoked_at: at });
  const ended = await trx.deleteFrom('sessions').executeTakeFirst();
  return { apiKeysRevoked: revoked.length, sessionsEnded: Number(ended.numDeletedRows) };
}
