import { StoreError } from '../store/store-error.ts';
import { byDeadline } from './by-deadline.ts';

/** Waits until it is known what the store has lost. Throws StoreError at the deadline. */
export async function settledBy(deadline: number, settling: Promise<void>): Promise<void> {
  await byDeadline(settling, deadline, notSettledInTime);
}

/** What whoever may not wait for it any longer is told. */
export function notSettledInTime(): StoreError {
  return new StoreError(
    'unreachable',
    'the store has gone back in time or is another one, and what it has lost was not found out in time',
    'see the log of the node: journalctl --unit holdfast | grep history',
  );
}
