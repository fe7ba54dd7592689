import type { Kysely } from 'kysely';
import type { StoreMoveTable, Tables } from './schema.ts';
import { StoreError } from './store-error.ts';

/*
 * The mark of a store that was moved. Written before the first row is copied, so that there is no moment, whatever is killed, at which
 * nodes would start both on the old store and on a whole new one: what is disabled in one of them is not in the other.
 */

/** Also where it was moved: for what is done about that alone. */
export interface MovedToo {
  movedToo?: boolean;
}

export type MovedMark = Pick<StoreMoveTable, 'moved_to' | 'begun_at' | 'ended_at'>;

/** Undefined of a store that is nowhere else. */
export async function readMovedMark(db: Pick<Kysely<Tables>, 'selectFrom'>): Promise<MovedMark | undefined> {
  return db.selectFrom('store_moves').select(['moved_to', 'begun_at', 'ended_at']).executeTakeFirst();
}

/** `place`: of the store, in words. Throws StoreError `moved`. */
export async function assertNotMoved(place: string, db: Pick<Kysely<Tables>, 'selectFrom'>): Promise<void> {
  const mark = await readMovedMark(db);
  if (mark !== undefined) throw movedError(place, mark);
}

/** `place`: of the store, in words. */
export function movedError(
  place: string,
  { moved_to: to, begun_at: begun, ended_at: ended }: MovedMark,
): StoreError {
  if (ended === null)
    return new StoreError(
      'moved',
      `a move of the store at ${place} to ${to} was begun at ${begun} and has not ended`,
      'repeat it with holdfast store move; where a store is there already, that has everything: start the node with its configuration. To give the move up: holdfast store reopen',
    );
  return new StoreError(
    'moved',
    `the store at ${place} was moved to ${to} at ${ended}: what was disabled, frozen or withdrawn since then is not known here`,
    `start the node with the configuration of ${to}. Only where that store is lost: holdfast store reopen`,
  );
}
