import { monotonicNow } from '../clock.ts';
import { TokenError, type TokenFault } from '../token/faults.ts';
import type { TokenPool } from '../token/pool/token-pool.ts';

/** What the vault and the XKS operations need of a token's pool. */
export type TokenClient = Pick<
  TokenPool,
  'name' | 'members' | 'usable' | 'health' | 'healthOf' | 'serialOf' | 'hosts' | 'call'
>;

/** The pools of the configured tokens, by name. */
export class TokenPools {
  readonly #pools: ReadonlyMap<string, TokenClient>;

  constructor(pools: readonly TokenClient[]) {
    this.#pools = new Map(pools.map((pool) => [pool.name, pool]));
  }

  get all(): readonly TokenClient[] {
    return [...this.#pools.values()];
  }

  has(name: string): boolean {
    return this.#pools.has(name);
  }

  /** Throws TokenError `unavailable` for a token that the configuration does not name (any more). */
  pool(name: string): TokenClient {
    const pool = this.#pools.get(name);
    if (pool === undefined) throw new TokenError('unavailable', 'configuration');
    return pool;
  }
}

/** How long a management act waits for the token, milliseconds: key generation may be slow on an HSM. */
const managementTimeout = 15_000;

export function managementDeadline(): { deadline: number } {
  return { deadline: monotonicNow() + managementTimeout };
}

const ofWholeToken: ReadonlySet<TokenFault> = new Set([
  'unavailable',
  'timeout',
  'device',
  'pin-refused',
  'other-token',
]);

/** What the next key object of the token would meet too. */
export function isOfWholeToken({ fault }: TokenError): boolean {
  return ofWholeToken.has(fault);
}

/** Why the token says that a key object is not the one on record; undefined where `ask` went well. Throws all else. */
export async function whyUnfit(ask: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await ask();
    return undefined;
  } catch (error) {
    if (!(error instanceof TokenError) || error.fault !== 'key-unfit') throw error;
    return error.detail ?? error.message;
  }
}
