import { sql, type Transaction } from 'kysely';
import type { Tables } from '../store/schema.ts';
import type { KeySet } from './key-set-records.ts';
import { nextRotation, rotationDays } from './rotation-time.ts';

/** So many keys in one statement. */
const atOnce = 100;

/** States in which a key may be rotated, now or once it is enabled again. */
const living = ['AVAILABLE', 'DISABLED', 'EXPIRED'] as const;

/** Gives the CloudKeys that inherit the key set's schedule, which was changed just now, their next rotations. */
export async function planRotations(
  trx: Transaction<Tables>,
  keySet: Pick<KeySet, 'id' | 'rotation_days'>,
  now: Date,
): Promise<void> {
  const keys = await trx
    .selectFrom('cloud_keys')
    .select(['id', 'rotation', 'rotation_days', 'rotated_at'])
    .where('key_set_id', '=', keySet.id)
    .where('rotation', '=', 'INHERIT')
    .where('state', 'in', living)
    .execute();
  for (let from = 0; from < keys.length; from += atOnce) {
    const some = keys.slice(from, from + atOnce);
    const cases = some.map((key) => {
      const next = nextRotation(new Date(key.rotated_at), rotationDays(key, keySet), now);
      return sql`WHEN ${key.id} THEN ${next?.toISOString() ?? null}`;
    });
    await trx
      .updateTable('cloud_keys')
      .set((eb) => ({
        next_rotation_at: sql<string | null>`CASE id ${sql.join(cases, sql` `)} END`,
        row_version: eb('row_version', '+', 1),
        updated_at: now.toISOString(),
      }))
      .where(
        'id',
        'in',
        some.map(({ id }) => id),
      )
      .execute();
  }
}
