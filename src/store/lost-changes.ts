import { createHash } from 'node:crypto';
import type { Kysely, Selectable, Transaction } from 'kysely';
import type { LostChangeTable, ServedChangeTable, Tables } from './schema.ts';
import { isOtherStore, type Moment } from './revision-log.ts';
import { StoreError } from './store-error.ts';

/** A change that was lost: which, and what it took away. */
export type LostChange = Pick<Selectable<LostChangeTable>, 'revision' | 'mark' | 'kind' | 'name' | 'taken'>;

/** What may have been changed: a thing that workers serve by, more than can be named, or nothing of that. */
export const lostKinds = [
  'vault',
  'key-set',
  'path-prefixes',
  'cloud-key',
  'credential',
  'everything',
  'nothing',
] as const satisfies readonly LostChange['kind'][];

/** So many at the most are gone by: a store that has lost more is no accident of a moment. */
export const maxLost = 5_000;

/** The same for whichever node tells of it. */
export function idOfLost({ revision, mark, kind, name }: Omit<LostChange, 'taken'>): string {
  const text = JSON.stringify([revision, mark, kind, name]);
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}

/** Those on which nobody has decided. */
export async function readOpenLost(db: Pick<Kysely<Tables>, 'selectFrom'>): Promise<LostChange[]> {
  return db
    .selectFrom('lost_changes')
    .select(['revision', 'mark', 'kind', 'name', 'taken'])
    .where('decided_at', 'is', null)
    .orderBy('noticed_at')
    .limit(maxLost)
    .execute();
}

/** How many are open, and how many of them took something away. */
export async function countLost(
  db: Pick<Kysely<Tables>, 'selectFrom'>,
): Promise<{ lost: number; refused: number }> {
  const open = await readOpenLost(db);
  return { lost: open.length, refused: open.filter(({ taken }) => taken !== '{}').length };
}

/** Of these ids those that stand in the store, with or without a decision. */
export async function readLostIds(
  db: Pick<Kysely<Tables>, 'selectFrom'>,
  ids: readonly string[],
): Promise<Map<string, { decided: boolean }>> {
  const found = new Map<string, { decided: boolean }>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await db
      .selectFrom('lost_changes')
      .select(['id', 'decided_at'])
      .where('id', 'in', ids.slice(at, at + 500))
      .execute();
    for (const { id, decided_at } of rows) found.set(id, { decided: decided_at !== null });
  }
  return found;
}

/**
 * The list of what was changed in the store that is at `now`, from a revision on, in order: the last of it where it is longer than that.
 * Throws StoreError where another store answers meanwhile: what is missing there was not lost.
 */
export async function readChangesFrom(
  db: Pick<Kysely<Tables>, 'selectFrom'>,
  now: Pick<Moment, 'store'>,
  revision: number,
  limit: number,
): Promise<Selectable<ServedChangeTable>[]> {
  const rows = await db
    .selectFrom('served_changes')
    .selectAll()
    .select((eb) => eb.selectFrom('revision').select('store_id').where('id', '=', 1).as('store'))
    .where('revision', '>=', revision)
    .orderBy('revision', 'desc')
    .limit(limit)
    .execute();
  for (const { store } of rows) assertSameStore(now, { store });
  if (rows.length === 0) await assertStillSameStore(db, now);
  return rows.toReversed();
}

/** Throws StoreError. */
export async function assertStillSameStore(
  trx: Pick<Transaction<Tables>, 'selectFrom'>,
  known: Pick<Moment, 'store'>,
): Promise<void> {
  const row = await trx.selectFrom('revision').select('store_id').where('id', '=', 1).executeTakeFirst();
  assertSameStore(known, { store: row?.store_id ?? null });
}

function assertSameStore(one: Pick<Moment, 'store'>, other: Pick<Moment, 'store'>): void {
  if (!isOtherStore(one, other)) return;
  throw new StoreError(
    'unreachable',
    `two stores answer in turn at the place of one: ${one.store} and ${other.store}`,
    'see where the name of the database server leads, and restart the node',
  );
}

/** Throws StoreError `went-back`: what is done now would be done to records that may not be as they were last. */
export async function assertNothingLost(trx: Transaction<Tables>): Promise<void> {
  const lost = await trx
    .selectFrom('lost_changes')
    .select('id')
    .where('decided_at', 'is', null)
    .limit(1)
    .executeTakeFirst();
  if (lost === undefined) return;
  throw new StoreError(
    'went-back',
    'the store has gone back in time and lost changes: until somebody has decided on them nothing is changed that does not take away',
    'for an administrator of the appliance: holdfast lost-change list, then apply or leave them (docs/fleet.md)',
  );
}
