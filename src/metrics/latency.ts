/*
 * Durations as Prometheus keeps them: how many were no longer than each of these. AWS KMS gives up after 250 ms, connection
 * set-up included (AWS KMS developer guide, external key stores), and a node answers by 240 ms: both are bounds, so that
 * what came too late can be read off exactly.
 */

/** Upper bounds, milliseconds; what is longer than the last has a bucket of its own. */
export const latencyBounds = [
  1, 2.5, 5, 10, 20, 30, 50, 75, 100, 150, 200, 240, 250, 500, 1_000, 2_500,
] as const;

export const latencyBuckets = latencyBounds.length + 1;

/** Of many durations: how many fell into each bucket (not cumulated), and what they sum up to, milliseconds. */
export interface Distribution {
  buckets: number[];
  sum: number;
}

export function emptyDistribution(): Distribution {
  return { buckets: Array.from({ length: latencyBuckets }, () => 0), sum: 0 };
}

export function observe(distribution: Distribution, milliseconds: number): void {
  const { buckets } = distribution;
  let at = 0;
  // Most are among the first few.
  while (at < latencyBounds.length && milliseconds > (latencyBounds[at] as number)) at++;
  buckets[at] = (buckets[at] ?? 0) + 1;
  distribution.sum += milliseconds;
}

/** Adds the second to the first. */
export function addDistribution(to: Distribution, more: Distribution): void {
  for (const [at, count] of more.buckets.entries()) to.buckets[at] = (to.buckets[at] ?? 0) + count;
  to.sum += more.sum;
}

export function countOf({ buckets }: Pick<Distribution, 'buckets'>): number {
  return buckets.reduce((sum, count) => sum + count, 0);
}

/**
 * The duration that a share `q` (0 to 1) of them did not exceed, milliseconds: between the bounds of its bucket as if those
 * in it were spread evenly, as Prometheus' histogram_quantile has it. Beyond the last bound that bound; null of none.
 */
export function quantile(buckets: readonly number[], q: number): number | null {
  const count = countOf({ buckets: [...buckets] });
  if (count === 0) return null;
  const rank = q * count;
  let below = 0;
  for (const [at, inBucket] of buckets.entries()) {
    if (inBucket === 0 || below + inBucket < rank) {
      below += inBucket;
      continue;
    }
    const upper = latencyBounds[at];
    if (upper === undefined) break;
    const lower = at === 0 ? 0 : (latencyBounds[at - 1] ?? 0);
    return lower + (upper - lower) * Math.max(0, (rank - below) / inBucket);
  }
  return latencyBounds.at(-1) ?? null;
}
