import { z } from 'zod';
import type { NodeMetrics } from '../metrics/node-metrics.ts';
import { countOf, quantile } from '../metrics/latency.ts';
import { tokenMinutes } from '../metrics/token-minutes.ts';

const milliseconds = z.number();

export const shownQueue = z
  .strictObject({
    waiting: z.int().describe('Operations that wait for a token host.'),
    underWay: z.int().describe('Operations that a token host has.'),
    estimatedWaitMilliseconds: milliseconds
      .nullable()
      .describe(
        'How long an operation that came now would wait, by how long operations took last: of the worker where it is longest. Null if ' +
          'a worker has no host that it could go to.',
      ),
  })
  .describe('Of all XKS workers of this node, when they were asked last, at most 30 seconds ago.');

export const shownMinutes = z
  .strictObject({
    minutes: z.int().describe('So many minutes, the one that has begun among them.'),
    operations: z.int().describe('Operations for requests of AWS that the token answered.'),
    p50Milliseconds: milliseconds.nullable(),
    p99Milliseconds: milliseconds
      .nullable()
      .describe('What 99 in 100 of them took in the token at most; null if there were none.'),
    waitP99Milliseconds: milliseconds
      .nullable()
      .describe('What 99 in 100 of them waited at most before the token had them.'),
    faults: z
      .record(z.string(), z.int())
      .describe('How often it failed, by what it failed with, as `holdfast_token_faults_total` has it.'),
  })
  .describe('Requests to this node, counted since its management process was started at the earliest.');

/** Null where no worker has told lately. */
export function showQueue(
  metrics: NodeMetrics | undefined,
  token: string,
): z.infer<typeof shownQueue> | null {
  const pools = metrics?.poolsOf(token) ?? [];
  if (pools.length === 0) return null;
  const waits = pools.map(({ wait }) => wait);
  return {
    waiting: pools.reduce((sum, { waiting }) => sum + waiting, 0),
    underWay: pools.reduce((sum, { underWay }) => sum + underWay, 0),
    estimatedWaitMilliseconds: waits.some((wait) => wait === null)
      ? null
      : Math.max(...waits.map((wait) => wait ?? 0)),
  };
}

/** Null where nobody counts. */
export function showMinutes(
  metrics: NodeMetrics | undefined,
  token: string,
): z.infer<typeof shownMinutes> | null {
  if (metrics === undefined) return null;
  const { operations, waits, faults } = metrics.tokenMinutes.of(token);
  return {
    minutes: tokenMinutes,
    operations: countOf(operations),
    p50Milliseconds: quantile(operations.buckets, 0.5),
    p99Milliseconds: quantile(operations.buckets, 0.99),
    waitP99Milliseconds: quantile(waits.buckets, 0.99),
    faults,
  };
}
