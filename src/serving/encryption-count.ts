import { TokenError } from '../token/faults.ts';
import { countCall } from '../token/remediations.ts';
import { monotonicNow } from '../clock.ts';
import type { CloudKey } from './directory.ts';
import { blockSize, isRotationDue } from '../keys/encryption-limits.ts';
import type { Leased, LeaseAsk } from '../keys/encryption-leases.ts';

/**
 * The next block is asked for while this many are left: at the 1800 requests a second that KMS sends to one key store, a
 * disk may stand still for some 18 seconds before anybody waits for it.
 */
const lowMark = blockSize / 2;
/** A block that could not be had is not asked for again ahead of need for so long, milliseconds. */
const pause = 1_000;

/** The current version of the key has used up its encryptions and has not been rotated. */
export class EncryptionLimitError extends Error {
  constructor() {
    super('the key version has reached its limit of encryptions');
    this.name = 'EncryptionLimitError';
  }
}

interface Lease {
  left: number;
  fetching: Promise<void> | undefined;
  /** By the monotonic clock: not ahead of need before then. */
  notBefore: number;
}

/**
 * Counts encryptions per key version ahead of their use, in leased blocks (promise 5). Every attempt counts, retries
 * too: what the token did before it failed is unknown.
 */
export class EncryptionCount {
  readonly #leaseOne: (ask: LeaseAsk) => Promise<Leased>;
  readonly #onRotationDue: (key: CloudKey) => void;
  readonly #leases = new Map<string, Lease>();

  /** `leaseOne` resolves once the block is in the store. */
  constructor(leaseOne: (ask: LeaseAsk) => Promise<Leased>, onRotationDue: (key: CloudKey) => void) {
    this.#leaseOne = leaseOne;
    this.#onRotationDue = onRotationDue;
  }

  /**
   * Makes sure that one encryption with the current version may be done, and counts it. Throws EncryptionLimitError
   * at the limit, TokenError `timeout` at the deadline (by {@link monotonicNow}): then what is fetched is for the next.
   */
  async take(key: CloudKey, deadline = Infinity): Promise<void> {
    const lease = this.#lease(key);
    while (lease.left <= 0) await within(this.#fetch(key, lease), deadline);
    lease.left--;
    if (lease.left < lowMark && lease.fetching === undefined && monotonicNow() >= lease.notBefore)
      this.#fetch(key, lease).catch(() => undefined);
  }

  /** Counts another attempt of the same request. False when none is left: then there is no other attempt. */
  takeAnother(key: CloudKey): boolean {
    const lease = this.#lease(key);
    if (lease.left <= 0) return false;
    lease.left--;
    return true;
  }

  #lease(key: CloudKey): Lease {
    const name = `${key.id}:${key.currentVersion}`;
    let lease = this.#leases.get(name);
    if (lease === undefined) {
      lease = { left: 0, fetching: undefined, notBefore: -Infinity };
      this.#leases.set(name, lease);
    }
    return lease;
  }

  async #fetch(key: CloudKey, lease: Lease): Promise<void> {
    lease.fetching ??= this.#leaseBlock(key, lease).finally(() => {
      lease.fetching = undefined;
    });
    return lease.fetching;
  }

  async #leaseBlock(key: CloudKey, lease: Lease): Promise<void> {
    lease.notBefore = monotonicNow() + pause;
    const leased = await this.#leaseOne({ cloudKeyId: key.id, version: key.currentVersion });
    if (leased === null) {
      this.#onRotationDue(key);
      throw new EncryptionLimitError();
    }
    lease.notBefore = -Infinity;
    lease.left += blockSize;
    if (isRotationDue(leased)) this.#onRotationDue(key);
  }
}

async function within(work: Promise<void>, deadline: number): Promise<void> {
  if (deadline === Infinity) return work;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new TokenError('timeout', countCall)),
    Math.max(0, deadline - monotonicNow()),
  );
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
