import type { TokenFigures } from './figures.ts';
import { addDistribution, emptyDistribution, type Distribution } from './latency.ts';
import { addCounts } from './request-totals.ts';

/** So many minutes are told of, the one that has begun among them. */
export const tokenMinutes = 5;
const minute = 60_000;
/** So many tokens are told apart. */
const maxTokens = 100;

/** What one token was asked by AWS's requests, and what came of it. */
interface TokenSums {
  operations: Distribution;
  waits: Distribution;
  faults: Record<string, number>;
}

/** What the tokens of a node were asked in the last minutes alone: what is told of a moment must not be hidden by a week. */
export class TokenMinutes {
  readonly #monotonic: () => number;
  /** By the minute of the monotonic clock in which it was told, and by token. */
  readonly #minutes = new Map<number, Map<string, TokenSums>>();

  /** Milliseconds. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  add(tokens: readonly TokenFigures[]): void {
    const now = this.#now;
    this.#forget(now);
    const sums = this.#minutes.get(now) ?? new Map<string, TokenSums>();
    this.#minutes.set(now, sums);
    for (const more of tokens) {
      const { token } = more;
      if (!sums.has(token) && sums.size >= maxTokens) continue;
      const sum = sums.get(token) ?? noSums();
      sums.set(token, sum);
      addSums(sum, more);
    }
  }

  of(token: string): TokenSums {
    this.#forget(this.#now);
    const all = noSums();
    for (const sums of this.#minutes.values()) {
      const sum = sums.get(token);
      if (sum !== undefined) addSums(all, sum);
    }
    return all;
  }

  get #now(): number {
    return Math.floor(this.#monotonic() / minute);
  }

  #forget(now: number): void {
    for (const at of this.#minutes.keys()) if (at <= now - tokenMinutes) this.#minutes.delete(at);
  }
}

function noSums(): TokenSums {
  return { operations: emptyDistribution(), waits: emptyDistribution(), faults: {} };
}

function addSums(to: TokenSums, { operations, waits, faults }: TokenSums): void {
  addDistribution(to.operations, operations);
  addDistribution(to.waits, waits);
  addCounts(to.faults, faults);
}
