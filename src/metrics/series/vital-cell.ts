import { z } from 'zod';
import { addDistribution, emptyDistribution, latencyBuckets, type Distribution } from '../latency.ts';

/** How a node, or several, found themselves in a step of time: sums over their looks, and the worst of each. */
export interface VitalCell {
  looks: number;
  /** By name in the configuration. */
  tokens: Record<string, TokenVitals>;
  /** Of XKS workers; null where none serves under a lease, as with a file. */
  leases: LeaseVitals | null;
  store: StoreVitals;
  /** Largest share of its 2^32 encryptions that a current key version has used; null where the store did not say. */
  budget: number | null;
  /** When the first of the certificates expires that AWS is shown, milliseconds since the epoch; null where it is not known. */
  certificate: number | null;
}

export interface TokenVitals {
  /** Token hosts that there are to be, and that serve and answer in time, summed up over the looks. */
  hosts: number;
  fit: number;
  /** Smallest share of them that was fit at a look. */
  leastFit: number;
  /** Most requests that waited for a host at a look. */
  waiting: number;
  /** Longest time that the last of them had to wait, as estimated then, milliseconds; null where no host was fit while some waited. */
  estimated: number | null;
  /** What requests did wait, milliseconds. */
  waits: Distribution;
}

export interface LeaseVitals {
  /** Of all workers, summed up over the looks; and those that held a lease. */
  workers: number;
  held: number;
  /** Smallest share of its length that was left of a lease at a look: 0 where it had ended. */
  least: number;
}

export interface StoreVitals {
  /** Looks in which it did not answer a question about one row in time, and in which it did. */
  away: number;
  answers: number;
  /** What the answers took together, and the slowest, milliseconds. */
  sum: number;
  slowest: number;
}

/** So many tokens are told apart. A node has as many as its configuration. */
const maxTokens = 100;

export function emptyVitals(): VitalCell {
  return {
    ...{ looks: 0, tokens: {}, leases: null, budget: null, certificate: null },
    store: { away: 0, answers: 0, sum: 0, slowest: 0 },
  };
}

export function addVitals(to: VitalCell, more: VitalCell): void {
  to.looks += more.looks;
  for (const [name, token] of Object.entries(more.tokens)) addToken(to, name, token);
  if (more.leases !== null) {
    const { workers = 0, held = 0, least = 1 } = to.leases ?? {};
    to.leases = {
      workers: workers + more.leases.workers,
      held: held + more.leases.held,
      least: Math.min(least, more.leases.least),
    };
  }
  to.store = {
    away: to.store.away + more.store.away,
    answers: to.store.answers + more.store.answers,
    sum: to.store.sum + more.store.sum,
    slowest: Math.max(to.store.slowest, more.store.slowest),
  };
  to.budget = ofBoth(to.budget, more.budget, Math.max);
  to.certificate = ofBoth(to.certificate, more.certificate, Math.min);
}

function addToken({ tokens }: VitalCell, name: string, more: TokenVitals): void {
  const known = Object.hasOwn(tokens, name) ? tokens[name] : undefined;
  if (known === undefined && Object.keys(tokens).length >= maxTokens) return;
  const sum = known ?? {
    hosts: 0,
    fit: 0,
    leastFit: 1,
    waiting: 0,
    estimated: 0,
    waits: emptyDistribution(),
  };
  tokens[name] = sum;
  sum.hosts += more.hosts;
  sum.fit += more.fit;
  sum.leastFit = Math.min(sum.leastFit, more.leastFit);
  sum.waiting = Math.max(sum.waiting, more.waiting);
  // Longer than any time is what nobody knows.
  const isKnown = sum.estimated !== null && more.estimated !== null;
  sum.estimated = isKnown ? Math.max(sum.estimated ?? 0, more.estimated ?? 0) : null;
  addDistribution(sum.waits, more.waits);
}

function ofBoth(
  one: number | null,
  other: number | null,
  choose: (...values: number[]) => number,
): number | null {
  if (one === null || other === null) return one ?? other;
  return choose(one, other);
}

const count = z.int().min(0);
const share = z.number().min(0).max(1);
const milliseconds = z.number().min(0);
const form = z.object({
  looks: count,
  tokens: z.record(
    z.string(),
    z.object({
      ...{ hosts: count, fit: count, leastFit: share, waiting: count },
      estimated: milliseconds.nullable(),
      waits: z.object({ buckets: z.array(count).length(latencyBuckets), sum: milliseconds }),
    }),
  ),
  leases: z.object({ workers: count, held: count, least: share }).nullable(),
  store: z.object({ away: count, answers: count, sum: milliseconds, slowest: milliseconds }),
  budget: z.number().min(0).nullable(),
  certificate: z.number().nullable(),
});

/** Of a row; one of another release in another form counts for nothing. */
export function readVitals(text: string): VitalCell {
  const read = form.safeParse(JSON.parse(text));
  return read.success ? read.data : emptyVitals();
}
