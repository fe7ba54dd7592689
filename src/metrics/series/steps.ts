/*
 * Which steps of time a series is kept in, and for how long: what charts of an hour, of a day and of a month need. Each kind of step
 * is a row of its own in the store, so that none has to be made of another.
 */

const hour = 3_600_000;

/** A kind of step, in seconds, and for how long it is kept, milliseconds. */
export interface KeptStep {
  step: number;
  keptFor: number;
}

/** Of the last hour. A node looks at what it counts so often, seconds. */
export const detailStep = 15;
export const detail: KeptStep = { step: detailStep, keptFor: 1.25 * hour };

/** Of what is older. */
export const longSteps = [
  { step: 300, keptFor: 25 * hour },
  { step: 3_600, keptFor: 31 * 24 * hour },
] as const satisfies readonly KeptStep[];

/** When the step of `seconds` began that this moment is in; both in milliseconds since the epoch. */
export function beginOf(at: number, seconds: number): number {
  return Math.floor(at / (seconds * 1_000)) * seconds * 1_000;
}
