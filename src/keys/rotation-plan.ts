import { sql, type Transaction } from 'kysely';
import { record, type Act } from '../evidence/trail.ts';
import type { CloudKeyState, Tables } from '../store/schema.ts';
import type { ChangeTransaction } from '../store/store.ts';
import { keyEntry } from './key-records.ts';
import { bumpRecord, bumpRecords } from '../vault/edit-record.ts';
import { nextRotation, rotationDays } from './rotation-time.ts';
import type { Step } from '../vault/unfinished-work.ts';

/** States in which a key may be rotated, now or once it is enabled again. */
const living: ReadonlySet<CloudKeyState> = new Set(['AVAILABLE', 'DISABLED', 'EXPIRED']);

/**
 * Gives the CloudKeys that inherit the key set's schedule, as it is now, their next rotations. Until it has come to a key
 * that is rotated by no schedule ({@link isBeingPlanned}), so that the one of before rotates nothing any more.
 */
export const planRotations: Step = async (trx, _act, { id, after }, max) => {
  const keySet = await trx
    .selectFrom('key_sets')
    .select('rotation_days')
    .where('id', '=', id)
    .executeTakeFirst();
  if (keySet === undefined) return undefined;
  const [lastMadeAt = '', lastId = ''] = after.split(' ');
  const page = await trx
    .selectFrom('cloud_keys')
    .select(['id', 'state', 'rotation', 'rotation_days', 'rotated_at', 'created_at'])
    .where('key_set_id', '=', id)
    // When it was made stays; what is made meanwhile has the new schedule.
    .where(sql<boolean>`(created_at, id) > (${lastMadeAt}, ${lastId})`)
    .orderBy('created_at')
    .orderBy('id')
    .limit(max)
    .execute();
  const keys = page.filter(({ rotation, state }) => rotation === 'INHERIT' && living.has(state));
  if (keys.length > 0) {
    const cases = keys.map((key) => {
      const next = nextRotation(new Date(key.rotated_at), rotationDays(key, keySet), trx.at);
      return sql`WHEN ${key.id} THEN ${next?.toISOString() ?? null}`;
    });
    const ids = keys.map((key) => key.id);
    const next_rotation_at = sql<string | null>`CASE id ${sql.join(cases, sql` `)} END`;
    await bumpRecords(trx, 'cloud_keys', ids, { next_rotation_at });
  }
  const last = page.at(-1);
  return page.length < max || last === undefined ? undefined : `${last.created_at} ${last.id}`;
};

/** Gives a CloudKey another due time than `next_rotation_at`; false, and nothing done, where it has that no more. */
export async function rescheduleKey(
  trx: ChangeTransaction,
  act: Act,
  key: { id: string; name: string; vault_id: string; next_rotation_at: string },
  next: Date,
): Promise<boolean> {
  const before = await trx
    .selectFrom('cloud_keys')
    .select(['id', 'row_version'])
    .where('id', '=', key.id)
    .where('next_rotation_at', '=', key.next_rotation_at)
    .executeTakeFirst();
  if (before === undefined) return false;
  const next_rotation_at = next.toISOString();
  await bumpRecord(trx, 'cloud_keys', before, { next_rotation_at });
  await record(trx, act, {
    ...keyEntry('reschedule', key.vault_id, key),
    before: { nextRotationAt: key.next_rotation_at },
    after: { nextRotationAt: next_rotation_at },
  });
  return true;
}

/** Whether the keys of the key set that inherit its schedule still have due times of the one before. */
export async function isBeingPlanned(trx: Transaction<Tables>, keySetId: string): Promise<boolean> {
  const work = await trx
    .selectFrom('unfinished_work')
    .select('id')
    .where('kind', '=', 'rotation-plan')
    .where('id', '=', keySetId)
    .executeTakeFirst();
  return work !== undefined;
}
