import type { Transaction } from 'kysely';
import { wallClock } from '../../clock.ts';
import { readMovedMark, type MovedMark } from '../moved-mark.ts';
import { openMovedStore, placeInWords, type StorePlace } from '../opening/open.ts';
import type { Tables } from '../schema.ts';
import type { ChangeTransaction } from '../store.ts';
import { StoreError } from '../store-error.ts';

/**
 * Marks a store as moved, on its disk before this returns. Answers whether an earlier move to the same place was begun and has not ended:
 * then that mark stays, since everything may be there already. Throws StoreError: where it has been moved, or a move to another place has
 * been begun, and where it cannot be marked, as on a disk that is read-only.
 */
export async function beginMove(from: StorePlace, to: StorePlace): Promise<{ isRepeated: boolean }> {
  return inMoved(from, async (trx) => {
    const mark = await readMovedMark(trx);
    if (mark !== undefined) {
      assertSameMove(mark, from, to);
      return { isRepeated: true };
    }
    await trx
      .insertInto('store_moves')
      .values({
        ...{ id: 'move', moved_to: placeInWords(to) },
        ...{ begun_at: wallClock().toISOString(), ended_at: null },
      })
      .execute();
    return { isRepeated: false };
  });
}

function assertSameMove(mark: MovedMark, from: StorePlace, to: StorePlace): void {
  if (mark.ended_at !== null)
    throw new StoreError(
      'moved',
      `the store at ${placeInWords(from)} was moved to ${mark.moved_to} at ${mark.ended_at}`,
      `move that one: what was changed since is not here`,
    );
  if (mark.moved_to === placeInWords(to)) return;
  throw new StoreError(
    'moved',
    `a move of the store at ${placeInWords(from)} to ${mark.moved_to} was begun at ${mark.begun_at} and has not ended`,
    `look at ${mark.moved_to} first: where the store is there, start the node with its configuration, or move that one. Where it is not, repeat the move to there, or give it up: holdfast store reopen`,
  );
}

/** Everything is there. */
export async function endMove(from: StorePlace): Promise<void> {
  await inMoved(from, async (trx) => {
    await trx.updateTable('store_moves').set({ ended_at: wallClock().toISOString() }).execute();
  });
}

/** Nothing is there, and nothing was by an earlier move. */
export async function takeMoveBack(from: StorePlace): Promise<void> {
  await inMoved(from, async (trx) => {
    await trx.deleteFrom('store_moves').where('ended_at', 'is', null).execute();
  });
}

async function inMoved<T>(place: StorePlace, run: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
  const store = await openMovedStore(place);
  try {
    return await store.bookkeep('store move', run);
  } finally {
    await store.close();
  }
}

/** Takes the mark off, in the transaction of the act. Answers what it was; undefined where there is none. */
export async function takeMarkOff(trx: ChangeTransaction): Promise<MovedMark | undefined> {
  const mark = await readMovedMark(trx);
  await trx.deleteFrom('store_moves').execute();
  return mark;
}
