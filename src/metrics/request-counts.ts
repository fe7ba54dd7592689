import type { LoopFigures, RequestFigures, TokenFigures } from './figures.ts';
import { emptyDistribution, observe } from './latency.ts';

/** One request that was answered. */
export interface CountedRequest {
  /** '' where it was not authenticated. */
  keySet: string;
  /** '' where its path is none of the XKS API. */
  operation: string;
  /** Milliseconds from its head to its answer. */
  duration: number;
  error: string | undefined;
  throttledBy: string | undefined;
  /** The token that was asked, with what it took and what it failed with. */
  token:
    | { name: string; times: { queue: number; token: number } | undefined; fault: string | undefined }
    | undefined;
}

/** So many key sets are told apart between two looks; the requests of others are those of {@link otherKeySets}. */
const maxKeySets = 1_000;

/** Stands for key sets beyond those that are told apart; no id is like it. */
export const otherKeySets = 'other';

/**
 * Counts the requests of one XKS worker. This is on the path of each request: it adds to numbers that are there, and makes
 * something new only with the first request of a kind since the last {@link take}.
 */
export class RequestCounts {
  #requests = new Map<string, Map<string, RequestFigures>>();
  #tokens = new Map<string, TokenFigures>();

  add({ keySet, operation, duration, error, throttledBy, token }: CountedRequest): void {
    const figures = this.#of(keySet, operation);
    observe(figures, duration);
    if (error !== undefined) {
      figures.errors[error] = (figures.errors[error] ?? 0) + 1;
      if (throttledBy !== undefined)
        figures.throttled[throttledBy] = (figures.throttled[throttledBy] ?? 0) + 1;
    }
    if (token !== undefined) this.#addToken(token);
  }

  /** What came since the last call. */
  take(): { requests: RequestFigures[]; tokens: TokenFigures[] } {
    const requests = this.#requests
      .values()
      .flatMap((operations) => operations.values())
      .toArray();
    const tokens = [...this.#tokens.values()];
    this.#requests = new Map();
    this.#tokens = new Map();
    return { requests, tokens };
  }

  #of(keySet: string, operation: string): RequestFigures {
    let operations = this.#requests.get(keySet);
    if (operations === undefined) {
      if (this.#requests.size >= maxKeySets && keySet !== otherKeySets)
        return this.#of(otherKeySets, operation);
      this.#requests.set(keySet, (operations = new Map()));
    }
    let figures = operations.get(operation);
    if (figures === undefined) {
      figures = { keySet, operation, errors: {}, throttled: {}, ...emptyDistribution() };
      operations.set(operation, figures);
    }
    return figures;
  }

  #addToken({ name, times, fault }: NonNullable<CountedRequest['token']>): void {
    let figures = this.#tokens.get(name);
    if (figures === undefined) {
      figures = { token: name, operations: emptyDistribution(), waits: emptyDistribution(), faults: {} };
      this.#tokens.set(name, figures);
    }
    if (times !== undefined) {
      observe(figures.operations, times.token);
      observe(figures.waits, times.queue);
    }
    if (fault !== undefined) figures.faults[fault] = (figures.faults[fault] ?? 0) + 1;
  }
}

/** Of this process. */
export function loopFigures(): LoopFigures {
  const { active, idle } = performance.eventLoopUtilization();
  return { active, idle, heapUsed: process.memoryUsage().heapUsed };
}
