import { leaveUnrecorded } from '../src/store/act-transaction.ts';
import type { Acting } from '../src/store/store.ts';

/** A change of the store that no act of Holdfast makes, such as a test's own. */
export const byHand: Acting = {
  authority: { confirm: async (trx) => leaveUnrecorded(trx, 'by hand') },
  now: () => new Date(),
};
