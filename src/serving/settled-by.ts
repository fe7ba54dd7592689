import { monotonicNow } from '../clock.ts';
import { StoreError } from '../store/store-error.ts';

/** Waits until it is known what the store has lost; the deadline is by {@link monotonicNow}. Throws StoreError then. */
export async function settledBy(deadline: number, settling: Promise<void> | undefined): Promise<void> {
  if (settling === undefined || deadline === Infinity) return settling;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      late.reject(
        new StoreError(
          'unreachable',
          'the store has gone back in time or is another one, and what it has lost was not found out in time',
          'see the log of the node: journalctl --unit holdfast | grep history',
        ),
      ),
    Math.max(0, deadline - monotonicNow()),
  );
  try {
    await Promise.race([settling, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
