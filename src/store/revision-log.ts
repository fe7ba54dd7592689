import { randomBytes } from 'node:crypto';
import type { Selectable, Transaction } from 'kysely';
import { willStand } from './read-back.ts';
import type { RevisionTable, ServedChangeTable, Tables } from './schema.ts';
import type { ChangesOfTransaction, ChangesSince, ServedChange } from './served-changes.ts';
import { nameOfChange, takenNow } from './taken.ts';

/**
 * A moment in the history of the store. A database that has gone back in time uses the number of a revision again, and never its mark:
 * so whoever remembers something keeps both.
 */
export interface Moment {
  revision: number;
  /** Null for a revision that a node of an older version, or a person, has moved: then the number has to do. */
  mark: string | null;
  /** Which store it is of. Null where a version that knew of no ids remembers it: then it may be of any. */
  store: string | null;
}

/** A revision that was made by a process of this version, and so has a mark. */
export interface Moved {
  revision: number;
  mark: string;
}

/** Before everything: that of whoever remembers nothing. */
export const beforeEverything: Moment = { revision: -1, mark: null, store: null };

/** The mark in the row counts for the number that it was written with. */
export function momentOf({
  revision,
  mark,
  marked,
  store_id: store,
}: Omit<Selectable<RevisionTable>, 'id'>): Moment {
  return { revision, mark: marked === revision ? mark : null, store };
}

/** Whether they are moments of two stores: what is known of the one says nothing of the other. */
export function isOtherStore(one: Pick<Moment, 'store'>, other: Pick<Moment, 'store'>): boolean {
  return one.store !== null && other.store !== null && one.store !== other.store;
}

export function isSameMoment(a: Moment, b: Moment): boolean {
  return a.revision === b.revision && a.mark === b.mark && !isOtherStore(a, b);
}

/** The same moment with the store that it turns out to be of; the same object where that was known. */
export function ofItsStore(known: Moment, found: Moment): Moment {
  return known.store === null ? found : known;
}

/** Whether the store that is at `now` cannot have been at `known` before, by the two alone; a later one may still not have been. */
export function isOtherHistory(known: Moment, now: Moment): boolean {
  if (isOtherStore(known, now)) return true;
  return now.revision < known.revision || (now.revision === known.revision && now.mark !== known.mark);
}

/** Whoever has not looked for so many revisions is told that everything may have changed. */
const keptRevisions = 2000;

/** Whoever would have to be told more is told `everything`; one row more than so many need be read. */
export const maxTold = 2000;

/** Whether the list of what was changed between the two is worth reading: else it is told. */
export function toldOutright(since: Moment, now: Moment): ChangesSince | undefined {
  if (isOtherHistory(since, now)) return 'went-back';
  if (since.revision === now.revision) return [];
  return now.revision - since.revision > keptRevisions ? 'everything' : undefined;
}

/**
 * What was changed after `since` up to `now` at the least, by the rows of `served_changes` from that of `since` on, in order. A
 * revision without a row is one that is not known any more, or that nobody of ours has moved: then it may have been anything.
 */
export function toldChanges(
  rows: readonly Selectable<ServedChangeTable>[],
  since: Moment,
  { revision }: Moment,
): ChangesSince {
  const [first] = rows;
  if (first?.revision === since.revision) {
    if (first.mark !== since.mark) return 'went-back';
  } else if (since.mark !== null) return 'everything';
  if (rows.length > maxTold) return 'everything';
  const changes: ServedChange[] = [];
  let last = since.revision;
  for (const { revision: at, kind, name } of rows) {
    if (at === since.revision) continue;
    if (at > last + 1 || kind === 'everything') return 'everything';
    last = at;
    if (kind !== 'nothing') changes.push({ kind, name });
  }
  return last < revision ? 'everything' : changes;
}

/** Moves the revision and notes with it what was changed; last in the transaction, but for the reading back. Resolves with where it is then. */
export async function moveRevision(
  trx: Transaction<Tables>,
  { changes, named }: Pick<ChangesOfTransaction, 'changes' | 'named'>,
): Promise<Moved> {
  const mark = randomBytes(12).toString('base64url');
  const { revision } = await trx
    .updateTable('revision')
    .set((eb) => ({ revision: eb('revision', '+', 1), mark, marked: eb('revision', '+', 1) }))
    .where('id', '=', 1)
    .returning('revision')
    .executeTakeFirstOrThrow();
  const taken = await takenNow(trx, named);
  const byName = named.map(({ kind, name }) => {
    const of = taken.get(nameOfChange({ kind, name })) ?? '{}';
    return { revision, mark, kind, name, taken: of };
  });
  const unnamed = (kind: 'everything' | 'nothing') => ({ revision, mark, kind, name: '', taken: null });
  // Workers look up everything anew, and yet what it took away must be known by name once it is lost.
  const rows =
    changes === 'everything'
      ? [unnamed('everything'), ...byName.filter((row) => row.taken !== '{}')]
      : changes.length === 0
        ? [unnamed('nothing')]
        : byName;
  // What a store that was set back to an earlier revision had noted of this one.
  await trx.deleteFrom('served_changes').where('revision', '>=', revision).execute();
  await trx.insertInto('served_changes').values(rows).execute();
  await trx
    .deleteFrom('served_changes')
    .where('revision', '<=', revision - keptRevisions)
    .execute();
  // Without them no worker would see the change.
  willStand(trx, 'the revision', async () => {
    const row = await trx
      .selectFrom('revision')
      .select(['revision', 'mark', 'marked'])
      .where('id', '=', 1)
      .executeTakeFirst();
    return row?.revision === revision && row.mark === mark && row.marked === revision;
  });
  willStand(trx, 'what workers have to hear of', async () => {
    const noted = await trx
      .selectFrom('served_changes')
      .select(['kind', 'name'])
      .where('revision', '=', revision)
      .where('mark', '=', mark)
      .execute();
    const found = new Set(noted.map(({ kind, name }) => `${kind} ${name}`));
    return rows.every(({ kind, name }) => found.has(`${kind} ${name}`));
  });
  return { revision, mark };
}
