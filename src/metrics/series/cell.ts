import { z } from 'zod';
import type { RequestFigures } from '../figures.ts';
import {
  addDistribution,
  countOf,
  emptyDistribution,
  latencyBounds,
  latencyBuckets,
  type Distribution,
} from '../latency.ts';
import { addCounts } from '../request-totals.ts';

/** Requests of one step of time, of a vault and admin group. */
export interface Cell extends Distribution {
  errors: Record<string, number>;
}

/** What AWS KMS counts against a proxy's reliability: 429, 500 and 503 (XKS spec, Error codes), which it tries again. */
const retryable = ['ThrottlingException', 'InternalException', 'DependencyTimeoutException'];

export function emptyCell(): Cell {
  return { errors: {}, ...emptyDistribution() };
}

export function addToCell(cell: Cell, more: Pick<RequestFigures, 'errors' | 'buckets' | 'sum'>): void {
  addDistribution(cell, more);
  addCounts(cell.errors, more.errors);
}

export function requestsOf(cell: Cell): number {
  return countOf(cell);
}

export function isRetryable(error: string): boolean {
  return retryable.includes(error);
}

export function retryableOf({ errors }: Cell): number {
  return retryable.reduce((sum, name) => sum + (errors[name] ?? 0), 0);
}

/** After which AWS KMS has given up, milliseconds (AWS KMS developer guide, external key stores). */
const patience = 250;

export function lateOf({ buckets }: Cell): number {
  return buckets.slice(latencyBounds.indexOf(patience) + 1).reduce((sum, inBucket) => sum + inBucket, 0);
}

const count = z.int().min(0);
const form = z.object({
  errors: z.record(z.string(), count),
  buckets: z.array(count).length(latencyBuckets),
  sum: z.number().min(0),
});

/** Of a row; one of another release whose buckets were others counts for nothing. */
export function readCell(text: string): Cell {
  const read = form.safeParse(JSON.parse(text));
  return read.success ? read.data : emptyCell();
}
