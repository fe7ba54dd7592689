import { monotonicNow } from '../clock.ts';
import { recordAlone, type Act } from '../evidence/trail.ts';
import type { Caller } from '../identity/caller.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Problem } from './problem.ts';
import { isThere, targetOf } from './refused-targets.ts';
import type { Route } from './route.ts';

/** A request that was refused, as far as it came. */
export interface RefusedRequest {
  caller: Caller;
  route: Route;
  /** Parameters of its path, as they came, and the key set that its body names. */
  params: Readonly<Record<string, string>>;
  act: Act;
}

/** So many operations are named in a row that stands for many refusals. */
const maxNamed = 20;

interface Window {
  began: number;
  count: number;
  /** Those without a row of their own, by operation. */
  folded: Map<string, number>;
}

/**
 * Who tried what they may not: on the record, with what they reached for. Of one caller so many a minute have a row of
 * their own, and what comes beyond stands in one with its number, so that trying does not fill the disk and nothing is
 * lost.
 */
export class RefusedRequests {
  readonly #context: VaultContext;
  readonly #windows = new Map<string, Window>();
  readonly #rowsOfOne: number;
  readonly #length: number;

  /** `length` of a window in milliseconds. */
  constructor(context: VaultContext, { rowsOfOne = 30, length = 60_000 } = {}) {
    this.#context = context;
    this.#rowsOfOne = rowsOfOne;
    this.#length = length;
  }

  /** Puts it on record where it is a refusal of what the caller may; a mistake in a request is none. */
  async record(request: RefusedRequest, problem: Problem): Promise<void> {
    if (!(await this.#isReach(request, problem))) return;
    const { caller, route } = request;
    const now = monotonicNow();
    let window = this.#windows.get(caller.credentialId);
    if (window === undefined || now - window.began >= this.#length) {
      window = { began: now, count: 0, folded: new Map() };
      const opened = window;
      this.#windows.set(caller.credentialId, window);
      setTimeout(() => void this.#close(request, opened).catch(() => undefined), this.#length).unref();
    }
    window.count += 1;
    if (window.count <= this.#rowsOfOne) {
      await recordAlone(this.#context.store, request.act, {
        ...entryOf(request),
        target: await targetOf(this.#context.store.db, request),
        after: { operation: route.operation, problem: problem.kind },
      });
      return;
    }
    const name =
      window.folded.has(route.operation) || window.folded.size < maxNamed ? route.operation : 'others';
    window.folded.set(name, (window.folded.get(name) ?? 0) + 1);
  }

  async #close(request: RefusedRequest, window: Window): Promise<void> {
    if (this.#windows.get(request.caller.credentialId) === window)
      this.#windows.delete(request.caller.credentialId);
    const refusals = [...window.folded.values()].reduce((sum, count) => sum + count, 0);
    if (refusals === 0) return;
    await recordAlone(this.#context.store, request.act, {
      ...entryOf(request),
      target: { kind: 'operation', id: '', name: 'several' },
      after: { refusals, operations: Object.fromEntries(window.folded) },
    });
  }

  /** What is another admin group's is answered as if it were not there; only that it is there tells it from a typing error. */
  async #isReach({ caller, params }: RefusedRequest, { kind, beyond }: Problem): Promise<boolean> {
    if (kind === 'forbidden' || kind === 'csrf-token-required' || beyond) return true;
    if (kind !== 'not-found' || caller.sight === 'all') return false;
    return isThere(this.#context.store.db, params);
  }
}

function entryOf({ caller }: RefusedRequest) {
  return { action: 'request.refuse', outcome: 'refused' as const, vaultId: caller.vaultId };
}
