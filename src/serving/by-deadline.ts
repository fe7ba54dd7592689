import { monotonicNow } from '../clock.ts';
import { StoreError } from '../store/store-error.ts';

/** Waits for `work` until `deadline`, by {@link monotonicNow}, and throws what `late` makes then; the work itself goes on. */
export async function byDeadline<T>(work: Promise<T>, deadline: number, late: () => Error): Promise<T> {
  if (deadline === Infinity) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), Math.max(0, deadline - monotonicNow()));
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The same for what is read from the store, which takes seconds where a database hangs. Throws StoreError at the deadline. */
export async function readBy<T>(reading: Promise<T>, deadline: number): Promise<T> {
  return byDeadline(reading, deadline, notReadInTime);
}

/** What whoever may not wait for the store any longer is told. */
export function notReadInTime(): StoreError {
  return new StoreError(
    'unreachable',
    'the database did not answer while the request could wait for it',
    'the next request asks again; see the load of the database server, and the network',
  );
}
