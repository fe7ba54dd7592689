import { monotonicNow } from '../clock.ts';

/** Waits for `work` until `deadline`, by {@link monotonicNow}, and throws what `late` makes then; the work itself goes on. */
export async function byDeadline(work: Promise<void>, deadline: number, late: () => Error): Promise<void> {
  if (deadline === Infinity) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), Math.max(0, deadline - monotonicNow()));
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
