import { setTimeout as delay } from 'node:timers/promises';
import { TokenError } from '../token/faults.ts';
import { countCall } from '../token/remediations.ts';
import { monotonicNow } from '../clock.ts';
import { byDeadline } from './by-deadline.ts';
import type { CloudKey } from './directory.ts';
import { blockSize, isRotationDue } from '../keys/encryption-limits.ts';
import type { Leased, LeaseAsk } from '../keys/encryption-leases.ts';

/**
 * The next block is asked for while this many are left: at the 1800 requests a second that KMS sends to one key store, a
 * disk may stand still for some 18 seconds before anybody waits for it.
 */
const lowMark = blockSize / 2;
/** How fast a key is used is looked at after so many encryptions. */
const paceOver = blockSize / 8;
/** What is used up while the store is away is reckoned by the pace of a moment ago, which may have been slower. */
const paceMargin = 1.5;
/** A block that could not be had is not asked for again ahead of need for so long, milliseconds. */
const pause = 1_000;
/** So many are asked for at once ahead of need, in one transaction: who needs one waits for no more of them. */
const aheadAtOnce = 25;
/** Between two tries to have those, milliseconds, at the most. */
const longestPause = 30_000;

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
  /** The next block is asked for while fewer are left. */
  lowMark: number;
  /** Counted since a moment of the monotonic clock, by which {@link lowMark} is set. */
  counted: number;
  since: number;
}

/**
 * Counts encryptions per key version ahead of their use, in leased blocks (promise 5). Every attempt counts, retries
 * too: what the token did before it failed is unknown.
 */
export class EncryptionCount {
  readonly #leaseOne: (ask: LeaseAsk) => Promise<Leased>;
  readonly #onRotationDue: (key: CloudKey) => void;
  readonly #leases = new Map<string, Lease>();
  /** How long the store may be away without anybody's notice, milliseconds. */
  readonly #away: number;
  /** Versions that are to have a block before it is asked for, and have none yet. */
  readonly #behind = new Map<string, CloudKey>();
  #catchingUp: Promise<void> | undefined;

  /** `leaseOne` resolves once the block is in the store. */
  constructor(
    leaseOne: (ask: LeaseAsk) => Promise<Leased>,
    onRotationDue: (key: CloudKey) => void,
    away = 0,
  ) {
    this.#leaseOne = leaseOne;
    this.#onRotationDue = onRotationDue;
    this.#away = away;
  }

  /**
   * Makes sure that one encryption with the current version may be done, and counts it. Throws EncryptionLimitError
   * at the limit, TokenError `timeout` at the deadline (by {@link monotonicNow}): then what is fetched is for the next.
   */
  async take(key: CloudKey, deadline = Infinity): Promise<void> {
    const lease = this.#lease(key);
    while (lease.left <= 0)
      await byDeadline(this.#fetch(key, lease), deadline, () => new TokenError('timeout', countCall));
    lease.left--;
    if (++lease.counted === paceOver) this.#pace(lease);
    if (lease.left < lease.lowMark && lease.fetching === undefined && monotonicNow() >= lease.notBefore)
      this.#fetch(key, lease).catch(() => undefined);
  }

  /**
   * Sees to it that the current versions of these keys have a block, so that their first encryption needs no store that may be
   * away by then. Resolves once it is so, or tried again later. Never rejects.
   */
  async keepAhead(keys: readonly CloudKey[]): Promise<void> {
    for (const key of keys)
      if (key.canEncrypt && key.state === 'AVAILABLE' && this.#lease(key).left <= 0)
        this.#behind.set(nameOf(key), key);
    this.#catchingUp ??= this.#catchUp().finally(() => {
      this.#catchingUp = undefined;
    });
    return this.#catchingUp;
  }

  async #catchUp(): Promise<void> {
    for (let wait = pause; this.#behind.size > 0;) {
      const some = [...this.#behind].slice(0, aheadAtOnce);
      const results = await Promise.all(some.map(async ([, key]) => this.#leaseAhead(key)));
      const had = some.filter((_, index) => results[index]);
      for (const [name] of had) this.#behind.delete(name);
      if (had.length > 0) continue;
      await delay(wait, undefined, { ref: false });
      wait = Math.min(2 * wait, longestPause);
    }
  }

  /** Whether nothing is left to be tried. */
  async #leaseAhead(key: CloudKey): Promise<boolean> {
    const lease = this.#lease(key);
    try {
      if (lease.left <= 0) await this.#fetch(key, lease);
      return true;
    } catch (error) {
      return error instanceof EncryptionLimitError;
    }
  }

  #pace(lease: Lease): void {
    const now = monotonicNow();
    const used = (lease.counted * this.#away * paceMargin) / Math.max(1, now - lease.since);
    lease.lowMark = Math.max(lowMark, Math.ceil(used));
    lease.counted = 0;
    lease.since = now;
  }

  /** Counts another attempt of the same request. False when none is left: then there is no other attempt. */
  takeAnother(key: CloudKey): boolean {
    const lease = this.#lease(key);
    if (lease.left <= 0) return false;
    lease.left--;
    return true;
  }

  #lease(key: CloudKey): Lease {
    const name = nameOf(key);
    let lease = this.#leases.get(name);
    if (lease === undefined) {
      lease = {
        left: 0,
        fetching: undefined,
        notBefore: -Infinity,
        lowMark,
        counted: 0,
        since: monotonicNow(),
      };
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

function nameOf({ id, currentVersion }: CloudKey): string {
  return `${id}:${currentVersion}`;
}
