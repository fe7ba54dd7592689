import type { ChangeTransaction } from '../../store/store.ts';
import { bumpRecords } from '../../vault/edit-record.ts';
import { encryptionsPerSecond, rotateAt } from '../encryption-limits.ts';

/**
 * What was taken away in another store since `since` is not known in this one: its key sets serve nothing until somebody thaws them,
 * no deletion is scheduled any more that somebody may have cancelled, and the encryptions that there may have been are counted. As after a
 * restore of which nothing is known (src/store/backup/restored-store.ts).
 */
export async function withholdKeys(
  trx: ChangeTransaction,
  since: Date,
): Promise<{ keySetsFrozen: number; deletionsCancelled: number }> {
  await countEncryptions(trx, since);
  const served = trx
    .selectFrom('key_sets')
    .select('id')
    .where('frozen_at', 'is', null)
    .where('removed_at', 'is', null);
  const frozen = await bumpRecords(trx, 'key_sets', served, { frozen_at: trx.at.toISOString() });
  const waiting = trx.selectFrom('cloud_keys').select('id').where('state', '=', 'PENDING_DELETION');
  const kept = await bumpRecords(trx, 'cloud_keys', waiting, { state: 'DISABLED', deletion_at: null });
  return { keySetsFrozen: frozen.length, deletionsCancelled: kept.length };
}

/** No IV is given twice, whatever is counted; the count keeps a version below its limit. Up to where a new one is made at the next use. */
async function countEncryptions(trx: ChangeTransaction, since: Date): Promise<void> {
  const seconds = Math.max(0, Math.ceil((trx.at.getTime() - since.getTime()) / 1000));
  const more = Math.min(rotateAt, seconds * encryptionsPerSecond);
  const room = rotateAt - more;
  const live = trx
    .updateTable('key_versions')
    .where('state', 'in', ['ACTIVE', 'PENDING'])
    .where('encryptions_leased', '<', rotateAt);
  await live.where('encryptions_leased', '>', room).set({ encryptions_leased: rotateAt }).execute();
  await live
    .where('encryptions_leased', '<=', room)
    .set((eb) => ({ encryptions_leased: eb('encryptions_leased', '+', more) }))
    .execute();
}
