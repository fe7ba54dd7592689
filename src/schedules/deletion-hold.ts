import { deletionHold } from '../store/backup/deletion-hold.ts';
import { dropLease, setLease } from '../fleet/leases.ts';
import type { VaultContext } from '../vault/context.ts';

/*
 * Destroying a key cannot be undone, and when it is done is for the clock to say. After a clock has leapt ahead nothing is
 * deleted for a day: time for someone to see the log and to set it right. So after a backup was put back, which may have
 * forgotten that a deletion was cancelled, or that there was such a hold (src/store/backup/restored-store.ts).
 */

const { lease: leaseName, milliseconds: holdTime } = deletionHold;
/** What a clock may gain between two looks without anyone asking why, milliseconds. */
export const suspiciousLeap = 60 * 60 * 1000;

/** Begins a hold. `why` is kept beside it. */
export async function holdDeletions({ store, now }: VaultContext, why: string): Promise<void> {
  const until = new Date(now().getTime() + holdTime).toISOString();
  await setLease({ store }, { name: leaseName, holder: why, until });
}

/** Until when nothing is deleted; undefined where nothing holds deletions up. */
export async function deletionsHeldUntil({
  store,
  now,
}: Pick<VaultContext, 'store' | 'now'>): Promise<Date | undefined> {
  const row = await store.db
    .selectFrom('leases')
    .select('until')
    .where('name', '=', leaseName)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const left = Date.parse(row.until) - now().getTime();
  // Longer than any hold: the clock that had leapt ahead was set back, and with it the reason is gone.
  if (left > 0 && left <= holdTime) return new Date(row.until);
  await dropLease({ store }, leaseName);
  return undefined;
}
