import { ownAuthority } from '../src/evidence/trail.ts';
import type { Acting } from '../src/store/store.ts';

/** A change of the store that no act of Holdfast makes, such as a test's own. */
export const byHand: Acting = { authority: ownAuthority, now: () => new Date() };
