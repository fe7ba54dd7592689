import { monotonicNow } from '../../clock.ts';
import { answeredWithin } from '../../store/answered-within.ts';
import type { Store } from '../../store/store.ts';
import { addDistribution, countOf, emptyDistribution, type Distribution } from '../latency.ts';
import type { NodeMetrics } from '../node-metrics.ts';
import { encryptionBudget, readBudgets } from './budgets.ts';
import type { StoreVitals, TokenVitals, VitalCell } from './vital-cell.ts';

/** How long the store is waited for, milliseconds. */
const patience = 5_000;

/** What the supervisor knows. */
export interface VitalFacts {
  tokens: readonly {
    name: string;
    /** Token hosts that the node is to have, and that serve. */
    hosts: number;
    up: number;
  }[];
  certificates: readonly {
    listeners: readonly string[];
    /** ISO 8601. */
    expiresAt: string;
  }[];
}

export interface VitalSignsOptions {
  store: Pick<Store, 'db'>;
  metrics: Pick<NodeMetrics, 'requests' | 'workers' | 'leases'>;
  /** Undefined where the supervisor does not say. */
  facts: () => Promise<VitalFacts | undefined>;
}

type Spent = Record<'operations' | 'waits', Distribution>;

/** How this node is at this moment, and since it was looked at last. */
export class VitalSigns {
  readonly #options: VitalSignsOptions;
  /** By token: what the sums were at the last look. */
  #before = new Map<string, Spent>();
  /** By token: what an operation took lately, milliseconds. */
  readonly #operationTimes = new Map<string, number>();

  constructor(options: VitalSignsOptions) {
    this.#options = options;
  }

  /** Looks; what is counted is taken to be counted anew. Never rejects: a store that is away is what is told. */
  async look(): Promise<VitalCell> {
    const [facts, { store, budget }] = await Promise.all([this.#options.facts(), this.#askStore()]);
    const expiries = (facts?.certificates ?? [])
      .filter(({ listeners }) => listeners.includes('xks'))
      .map(({ expiresAt }) => Date.parse(expiresAt));
    return {
      looks: 1,
      tokens: this.#tokens(facts),
      leases: this.#leases(),
      ...{ store, budget },
      certificate: expiries.length === 0 ? null : Math.min(...expiries),
    };
  }

  #tokens(facts: VitalFacts | undefined): VitalCell['tokens'] {
    const pools = [...this.#options.metrics.workers.values()].flatMap((worker) => worker.pools);
    const lately = this.#lately();
    const tokens = (facts?.tokens ?? []).map(({ name, hosts, up }): [string, TokenVitals] => {
      const own = pools.filter(({ token }) => token === name);
      const sick = sum(own.flatMap(({ members }) => members.map((member) => member.sick)));
      const waiting = sum(own.map((pool) => pool.waiting));
      const fit = Math.max(0, up - sick);
      const waits = lately.get(name)?.waits ?? emptyDistribution();
      const operationTime = this.#operationTimes.get(name) ?? 0;
      const estimated = waiting === 0 ? 0 : fit === 0 ? null : (waiting * operationTime) / fit;
      return [
        name,
        { hosts, fit, leastFit: hosts === 0 ? 1 : Math.min(1, fit / hosts), waiting, estimated, waits },
      ];
    });
    return Object.fromEntries(tokens);
  }

  /** What tokens were asked since the last look. */
  #lately(): Map<string, Spent> {
    const found = new Map<string, Spent>();
    const now = new Map<string, Spent>();
    for (const { token, operations, waits } of this.#options.metrics.requests.tokens) {
      const before = this.#before.get(token);
      const spent = {
        operations: since(operations, before?.operations),
        waits: since(waits, before?.waits),
      };
      const count = countOf(spent.operations);
      if (count > 0) this.#operationTimes.set(token, spent.operations.sum / count);
      found.set(token, spent);
      now.set(token, { operations: copied(operations), waits: copied(waits) });
    }
    this.#before = now;
    return found;
  }

  #leases(): VitalCell['leases'] {
    const { leases } = this.#options.metrics;
    if (leases.length === 0) return null;
    return {
      workers: leases.length,
      held: leases.filter(({ remaining }) => remaining > 0).length,
      least: Math.min(
        ...leases.map(({ remaining, length }) => (length === 0 ? 0 : Math.min(1, remaining / length))),
      ),
    };
  }

  async #askStore(): Promise<{ store: StoreVitals; budget: number | null }> {
    try {
      const { db } = this.#options.store;
      return await answeredWithin(
        patience,
        (async () => {
          const asked = monotonicNow();
          await db.selectFrom('revision').where('id', '=', 1).select('revision').executeTakeFirstOrThrow();
          const took = monotonicNow() - asked;
          const budgets = await readBudgets(db);
          const most = Math.max(0, ...budgets.map((budget) => budget.most));
          return {
            store: { away: 0, answers: 1, sum: took, slowest: took },
            budget: most / encryptionBudget,
          };
        })(),
      );
    } catch {
      return { store: { away: 1, answers: 0, sum: 0, slowest: 0 }, budget: null };
    }
  }
}

/** What has been added; all of it where it was begun anew. */
function since(now: Distribution, before: Distribution | undefined): Distribution {
  if (before === undefined || before.sum > now.sum) return copied(now);
  return {
    buckets: now.buckets.map((count, at) => Math.max(0, count - (before.buckets[at] ?? 0))),
    sum: now.sum - before.sum,
  };
}

function copied(from: Distribution): Distribution {
  const copy = emptyDistribution();
  addDistribution(copy, from);
  return copy;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
