import { deletionHold } from '../store/backup/deletion-hold.ts';
import type { House } from '../vault/context.ts';

/*
 * Destroying a key cannot be undone, and when it is done is for the clock to say. After a clock has leapt ahead nothing is
 * deleted for a day: time for someone to see the log and to set it right. So after a backup was put back, which may have
 * forgotten that a deletion was cancelled, or that there was such a hold (src/store/backup/restored-store.ts).
 */

const { lease: leaseName, milliseconds: holdTime } = deletionHold;
/** What a clock may gain between two looks without anyone asking why, milliseconds. */
export const suspiciousLeap = 60 * 60 * 1000;

/** Begins a hold. `why` is kept beside it. */
export async function holdDeletions({ store, now }: House, why: string): Promise<void> {
  const until = new Date(now().getTime() + holdTime).toISOString();
  await store.bookkeep(async (trx) =>
    trx
      .insertInto('leases')
      .values({ name: leaseName, holder: why, until })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ holder: why, until }))
      .execute(),
  );
}

/** Until when nothing is deleted; undefined where nothing holds deletions up. */
export async function deletionsHeldUntil({
  store,
  now,
}: Pick<House, 'store' | 'now'>): Promise<Date | undefined> {
  const row = await store.db
    .selectFrom('leases')
    .select('until')
    .where('name', '=', leaseName)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const left = Date.parse(row.until) - now().getTime();
  // Longer than any hold: the clock that had leapt ahead was set back, and with it the reason is gone.
  if (left > 0 && left <= holdTime) return new Date(row.until);
  await store.bookkeep(async (trx) => trx.deleteFrom('leases').where('name', '=', leaseName).execute());
  return undefined;
}

/** How far ahead of the latest sign of life of any node the clock stands, milliseconds; 0 where there was none. */
export async function aheadOfLastSign({ store, now }: House): Promise<number> {
  const row = await store.db
    .selectFrom('nodes')
    .select((eb) => eb.fn.max('last_seen_at').as('last'))
    .executeTakeFirst();
  return row?.last === null || row?.last === undefined ? 0 : now().getTime() - Date.parse(row.last);
}
