import { RunningClock } from '../clock.ts';
import { StoreError } from './store-error.ts';

/** How often it is looked whether it is late, and how long a step between two looks counts at the most, milliseconds. */
const look = 100;
const maxStep = 200;

/**
 * What the store answers, where it does so within so many milliseconds in which this process ran: what was not heard while it stood still
 * itself is no silence of the store. Throws StoreError where it does not; whatever comes of it later nobody hears.
 */
export async function answeredWithin<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const running = new RunningClock(maxStep);
  const timer = setInterval(
    () => {
      running.advance();
      if (running.now() >= milliseconds) reject(notInTime(milliseconds));
    },
    Math.min(look, milliseconds),
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearInterval(timer);
  }
}

function notInTime(milliseconds: number): StoreError {
  return new StoreError(
    'unreachable',
    `the database has not answered within ${milliseconds / 1_000} s`,
    'see the load of the database server and its log, and the network between',
  );
}
