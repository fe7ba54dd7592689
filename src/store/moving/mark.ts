import type { Transaction } from 'kysely';
import { wallClock } from '../../clock.ts';
import { readMovedMark, type MovedMark } from '../moved-mark.ts';
import { openMovedStore, placeInWords, type StorePlace } from '../opening/open.ts';
import type { Tables } from '../schema.ts';
import type { ChangeTransaction } from '../store.ts';
import { StoreError } from '../store-error.ts';

/**
 * Marks a store as moved, on its disk before this returns. Throws StoreError: where it has been moved, and where it cannot be marked, as
 * on a disk that is read-only.
 */
export async function beginMove(from: StorePlace, to: StorePlace): Promise<void> {
  await inMoved(from, async (trx) => {
    const mark = await readMovedMark(trx);
    if (mark !== undefined && mark.ended_at !== null)
      throw new StoreError(
        'moved',
        `the store at ${placeInWords(from)} was moved to ${mark.moved_to} at ${mark.ended_at}`,
        `move that one: what was changed since is not here`,
      );
    await trx.deleteFrom('store_moves').execute();
    await trx
      .insertInto('store_moves')
      .values({
        ...{ id: 'move', moved_to: placeInWords(to) },
        ...{ begun_at: wallClock().toISOString(), ended_at: null },
      })
      .execute();
  });
}

/** Everything is there. */
export async function endMove(from: StorePlace): Promise<void> {
  await inMoved(from, async (trx) => {
    await trx.updateTable('store_moves').set({ ended_at: wallClock().toISOString() }).execute();
  });
}

/** Nothing is there. */
export async function takeMoveBack(from: StorePlace): Promise<void> {
  await inMoved(from, async (trx) => {
    await trx.deleteFrom('store_moves').where('ended_at', 'is', null).execute();
  });
}

async function inMoved(place: StorePlace, run: (trx: Transaction<Tables>) => Promise<void>): Promise<void> {
  const store = await openMovedStore(place);
  try {
    await store.bookkeep('store move', run);
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
