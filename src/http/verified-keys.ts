import { timingSafeEqual } from 'node:crypto';
import { bootNow } from '../clock.ts';
import { apiKeyIdOf, hashOf } from '../identity/bearer.ts';
import type { Caller } from '../identity/caller.ts';

/** So long after the store has confirmed an API key it is taken without it, milliseconds. */
export const takenFor = 15 * 60_000;

/** So many are kept: there is one for each Prometheus that scrapes this node. */
const maxKept = 16;

/** When the store was asked. */
export interface Asked {
  /** Milliseconds of the clock that goes on while the machine is suspended. */
  at: number;
  /** How often any were forgotten before that may be asked about at the same time. */
  forgotten: number;
}

interface Verified {
  hash: Buffer;
  caller: Caller;
  at: number;
}

/**
 * API keys that the store has confirmed to this process a short while ago, for what must be told while nobody can ask it. That one
 * was revoked since, by way of another node, cannot be known then: so none is good for longer than {@link takenFor}. By hash,
 * in memory alone.
 */
export class VerifiedKeys {
  readonly #kept = new Map<string, Verified>();
  readonly #now: () => Date;
  readonly #elapsed: () => number;
  #forgotten = 0;

  /** `now` is the clock that API keys end by. */
  constructor(now: () => Date, elapsed: () => number = bootNow) {
    this.#now = now;
    this.#elapsed = elapsed;
  }

  /** To be called before the store is asked: what it answers was so at that moment, and perhaps no longer. */
  asking(): Asked {
    return { at: this.#elapsed(), forgotten: this.#forgotten };
  }

  /** The store has said whose the API key is. */
  confirmed(bearer: string, caller: Caller, { at, forgotten }: Asked): void {
    const id = apiKeyIdOf(bearer);
    if (id === undefined || caller.kind !== 'api-key' || forgotten !== this.#forgotten) return;
    this.#kept.delete(id);
    this.#kept.set(id, { hash: hashOf(bearer), caller, at });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > maxKept && oldest !== undefined) this.#kept.delete(oldest);
  }

  /** The store has said that it is nobody's, or may not do this. Whoever knows no more than its id has nothing forgotten. */
  refused(bearer: string): void {
    if (this.#find(bearer) === undefined) return;
    this.#kept.delete(apiKeyIdOf(bearer) ?? '');
    // What another scrape has asked before, and hears later, was perhaps so before it was revoked.
    this.#forgotten++;
  }

  /** Something was done that may have taken one from its owner. */
  forgetAll(): void {
    this.#kept.clear();
    this.#forgotten++;
  }

  /** Whose it was when the store was asked last; undefined where that is too long ago, or it has ended since. */
  callerOf(bearer: string): Caller | undefined {
    const known = this.#find(bearer);
    if (known === undefined) return undefined;
    const { caller, at } = known;
    const hasEnded = (caller.expiresAt ?? '') <= this.#now().toISOString();
    return hasEnded || this.#elapsed() - at >= takenFor ? undefined : caller;
  }

  #find(bearer: string): Verified | undefined {
    const known = this.#kept.get(apiKeyIdOf(bearer) ?? '');
    return known !== undefined && timingSafeEqual(known.hash, hashOf(bearer)) ? known : undefined;
  }
}
