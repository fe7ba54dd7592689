import { checkAccess } from '../admin/access.ts';
import { uncertainKinds, type Problem } from '../admin/problem.ts';
import type { Route } from '../admin/route.ts';
import type { Caller } from '../identity/caller.ts';
import { VerifiedKeys } from './verified-keys.ts';
import { answeredWithin } from '../store/answered-within.ts';
import { StoreError } from '../store/store-error.ts';

/** How long the store is waited for, milliseconds: whoever monitors waits ten seconds for the whole answer. */
export const callerPatience = 2_000;

/** Who asks, as the store says, or, where `withoutStore`, as it said a short while ago. */
export interface Resolved {
  caller: Caller | undefined;
  withoutStore: boolean;
}

/** What an API key is read from: changed by an act, it may have been taken from its owner. */
const readFrom = ['api_keys', 'users'];

/** Tells who calls a route that is answered `withoutStore` too: with an API key alone, which it was asked with before. */
export class CallerWithoutStore {
  readonly #keys: VerifiedKeys;
  readonly #patience: number;

  constructor(now: () => Date, patience = callerPatience) {
    this.#keys = new VerifiedKeys(now);
    this.#patience = patience;
  }

  /** `ask` is what asks the store. Throws what it throws where that is all that can be told. */
  async resolve(route: Route, bearer: string, ask: () => Promise<Caller | undefined>): Promise<Resolved> {
    const asked = this.#keys.asking();
    // Also what comes too late for this request counts for the next.
    const answer = ask().then((caller) => {
      if (caller !== undefined && mayUse(route, caller)) this.#keys.confirmed(bearer, caller, asked);
      else this.#keys.refused(bearer);
      return caller;
    });
    try {
      return { caller: await answeredWithin(this.#patience, answer), withoutStore: false };
    } catch (error) {
      const caller = error instanceof StoreError ? this.#keys.callerOf(bearer) : undefined;
      if (caller === undefined) throw error;
      return { caller, withoutStore: true };
    }
  }

  /**
   * Is told of each request that this process has answered: what may have taken an API key from its owner has all of them looked up
   * anew. So has an act of which nobody knows whether it was done.
   */
  saw(route: Route, changed: ReadonlySet<string>, problem: Problem | undefined): void {
    const isUncertain = problem !== undefined && uncertainKinds[problem.kind] !== undefined;
    // A sign-in notes in its user that it was, and takes nothing away.
    if (isUncertain || (route.signIn !== true && readFrom.some((table) => changed.has(table))))
      this.#keys.forgetAll();
  }
}

function mayUse(route: Route, caller: Caller): boolean {
  try {
    checkAccess(route, caller, undefined);
    return true;
  } catch {
    return false;
  }
}
