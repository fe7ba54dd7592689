import { z } from 'zod';
import { beginOf, detailStep } from '../../metrics/series/steps.ts';

const hour = 3_600;

/** How far back, and in steps of what length, seconds: as the AWS console offers them for an external key store, and a month. */
const ranges = {
  '1h': { length: hour, step: detailStep },
  '3h': { length: 3 * hour, step: 300 },
  '12h': { length: 12 * hour, step: 300 },
  '1d': { length: 24 * hour, step: 300 },
  '1w': { length: 7 * 24 * hour, step: hour },
  '30d': { length: 30 * 24 * hour, step: hour },
} as const;

export type SeriesRange = keyof typeof ranges;
export const rangeNames = Object.keys(ranges) as [SeriesRange, ...SeriesRange[]];

export const rangeQuery = { range: z.enum(rangeNames).default('1h').describe('How far back.') };

/** What a range is at a moment: when its first step begins, milliseconds since the epoch, and the beginnings of all. */
export interface Steps {
  step: number;
  first: number;
  begins: readonly number[];
}

export function stepsOf(range: SeriesRange, now: number): Steps {
  const { length, step } = ranges[range];
  const first = beginOf(now, step) - (length - step) * 1_000;
  return {
    step,
    first,
    begins: Array.from({ length: length / step }, (_, index) => first + index * step * 1_000),
  };
}
