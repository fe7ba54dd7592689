import type { VaultContext } from '../vault/context.ts';

/** The first moment after `now` at which the schedule has something to do; undefined where it has nothing. */
export async function nextDue(
  { store: { db } }: Pick<VaultContext, 'store'>,
  now: Date,
): Promise<Date | undefined> {
  const at = now.toISOString();
  const moments = await Promise.all([
    db
      .selectFrom('cloud_keys')
      .select((eb) => eb.fn.min('next_rotation_at').as('at'))
      .where('state', '=', 'AVAILABLE')
      .where('next_rotation_at', '>', at)
      .executeTakeFirst(),
    db
      .selectFrom('cloud_keys')
      .select((eb) => eb.fn.min('expires_at').as('at'))
      .where('state', 'in', ['AVAILABLE', 'DISABLED'])
      .where('expires_at', '>', at)
      .executeTakeFirst(),
    db
      .selectFrom('cloud_keys')
      .select((eb) => eb.fn.min('deletion_at').as('at'))
      .where('state', '=', 'PENDING_DELETION')
      .where('deletion_at', '>', at)
      .executeTakeFirst(),
    db
      .selectFrom('xks_credentials')
      .select((eb) => eb.fn.min('expires_at').as('at'))
      .where('withdrawn_at', 'is', null)
      .where('expires_at', '>', at)
      .executeTakeFirst(),
  ]);
  const [first] = moments.flatMap((row) => (typeof row?.at === 'string' ? [row.at] : [])).toSorted();
  return first === undefined ? undefined : new Date(first);
}
