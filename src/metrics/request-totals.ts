import type { RequestFigures, TokenFigures, WorkerFigures } from './figures.ts';
import { addDistribution, emptyDistribution } from './latency.ts';
import { otherKeySets } from './request-counts.ts';

/** So many names of errors or faults are told apart, and so many tokens. */
const maxNames = 100;

/** So many key sets are told apart in the sums; what a Prometheus keeps of them is as many series. */
const maxKeySets = 1_000;

/** What the XKS workers of a node have counted together, since this process began to ask them. */
export class RequestTotals {
  readonly #requests = new Map<string, RequestFigures>();
  readonly #tokens = new Map<string, TokenFigures>();
  readonly #keySets = new Set<string>();

  add({ requests, tokens }: Pick<WorkerFigures, 'requests' | 'tokens'>): void {
    for (const more of requests) this.#addRequests(more);
    for (const more of tokens) {
      const { token } = more;
      if (!this.#tokens.has(token) && this.#tokens.size >= maxNames) continue;
      const sum = this.#tokens.get(token) ?? {
        ...{ token, operations: emptyDistribution(), waits: emptyDistribution(), faults: {} },
      };
      this.#tokens.set(token, sum);
      addDistribution(sum.operations, more.operations);
      addDistribution(sum.waits, more.waits);
      addCounts(sum.faults, more.faults);
    }
  }

  get requests(): readonly RequestFigures[] {
    return [...this.#requests.values()];
  }

  get tokens(): readonly TokenFigures[] {
    return [...this.#tokens.values()];
  }

  /** Those of which it has counted requests so far, by id. */
  get keySets(): readonly string[] {
    return [...this.#keySets].filter((keySet) => keySet !== '' && keySet !== otherKeySets);
  }

  /** Key sets that are no more are told no more, or they would add up forever. */
  forget(keySets: ReadonlySet<string>): void {
    for (const [name, { keySet }] of this.#requests)
      if (keySets.has(keySet)) {
        this.#requests.delete(name);
        this.#keySets.delete(keySet);
      }
  }

  #addRequests(more: RequestFigures): void {
    const keySet =
      this.#keySets.has(more.keySet) || this.#keySets.size < maxKeySets ? more.keySet : otherKeySets;
    this.#keySets.add(keySet);
    const name = `${keySet} ${more.operation}`;
    const sum = this.#requests.get(name) ?? {
      ...{ keySet, operation: more.operation, errors: {}, throttled: {}, ...emptyDistribution() },
    };
    this.#requests.set(name, sum);
    addDistribution(sum, more);
    addCounts(sum.errors, more.errors);
    addCounts(sum.throttled, more.throttled);
  }
}

export function addCounts(to: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [said, count] of Object.entries(more)) {
    // There are a score of each; what tells of more is no worker as it should be.
    const name = said in to || Object.keys(to).length < maxNames ? said : 'other';
    to[name] = (to[name] ?? 0) + count;
  }
}
