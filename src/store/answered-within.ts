import { StoreError } from './store-error.ts';

/**
 * What the store answers, where it does so within so many milliseconds. Throws StoreError where it does not; whatever comes of it
 * later nobody hears.
 */
export async function answeredWithin<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(notInTime(milliseconds)), milliseconds);
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

function notInTime(milliseconds: number): StoreError {
  return new StoreError(
    'unreachable',
    `the database has not answered within ${milliseconds / 1_000} s`,
    'see the load of the database server and its log, and the network between',
  );
}
