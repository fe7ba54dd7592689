import type { QuotaAsk, QuotaGrant } from './quota.ts';
import { WindowedCount } from '../windowed-count.ts';

/** What a worker holds it may use for so long after each answer, milliseconds. */
export const leaseLife = 1_000;
/** Ahead of need a worker gets at most so much of what is there, so that there is some for the others… */
const shareAhead = 1 / 4;
/** …and at most what comes in so many seconds: what one holds and does not use, the others miss. */
const secondsAhead = 0.05;
/** So many buckets are remembered. One that is full is forgotten first, since a new one starts full. */
const maxBuckets = 100_000;
/** More than any worker asks for at once. */
const maxAsked = 100_000;
const minute = 60_000;
const hour = 60 * minute;
/** A quota of which so much was used in a minute is told of. */
const nearAt = 0.8;
/** Of so many at the most, of which each vault has its share. */
const maxTold = 1_000;

/** How one quota was used lately, on this node. */
export interface QuotaUse {
  /** `key-set:<id>` or `cloud-key:<id>`. */
  bucket: string;
  /** How much of this node's part was used in the last whole minute: 1 is all of it. */
  share: number;
  /** Requests refused in this hour and the one before. */
  refused: number;
}

interface Lease {
  id: number;
  count: number;
  until: number;
}

interface Bucket {
  vaultId: string;
  rate: number;
  burst: number;
  revision: number;
  /** The worker that told of it. */
  toldBy: number;
  /** Requests that may still be granted; never more than `burst` less what is held. */
  level: number;
  /** When `level` was right, milliseconds. */
  at: number;
  /** What workers hold and may not have used yet, by worker. */
  held: Map<number, Lease>;
  used: WindowedCount;
  /** There is one where any was. */
  refused: WindowedCount | undefined;
}

export interface QuotaLedgerOptions {
  /** Nodes that share each quota at the least: this one grants its part. One that is only cut off grants its own still. */
  fleetSize: number;
  /** The machine's monotonic clock, milliseconds. */
  now: () => number;
}

/**
 * The buckets of all quotas of a node, in the supervisor, which every worker asks. In no time t, however long, are
 * more than burst + rate · t requests let through: what a worker holds counts as being in the bucket still, until the
 * worker has told that it was used, so that the bucket does not fill up behind its back.
 *
 * What a worker says is parsed by then (worker-messages.ts) and taken with care all the same: it faces the network.
 */
export class QuotaLedger {
  readonly #atLeast: number;
  #fleetSize: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();
  readonly #since: number;
  #leases = 0;
  #granted = 0;

  constructor({ fleetSize, now }: QuotaLedgerOptions) {
    this.#atLeast = fleetSize;
    this.#fleetSize = fleetSize;
    this.#now = now;
    this.#since = now();
  }

  /** From now on so many nodes share each quota: buckets get their new size when they are asked for next. */
  shareAmong({ sharers }: { sharers: number }): void {
    this.#fleetSize = Math.max(sharers, this.#atLeast);
    for (const bucket of this.#buckets.values()) bucket.revision = -1;
  }

  /** How many requests it has let through so far, those among them that workers hold ahead of need. */
  get granted(): number {
    return this.#granted;
  }

  /** Answers each ask in turn. `worker` is any number that no other living worker has. */
  answer(worker: number, asks: readonly QuotaAsk[]): QuotaGrant[] {
    const now = this.#now();
    return asks.map((ask) => this.#answer(worker, ask, now));
  }

  /** The worker is gone: nobody knows whether it used what it held, so it counts as used. */
  forget(worker: number): void {
    const now = this.#now();
    for (const bucket of this.#buckets.values()) {
      refill(bucket, now);
      bucket.held.delete(worker);
      // What it said of the quota may have been a lie: the next that tells of it is believed, whatever it has read.
      if (bucket.toldBy === worker) bucket.revision = -1;
    }
  }

  /** Since when refusals are counted, by this clock. */
  get refusedSince(): number {
    return Math.max(this.#since, WindowedCount.start(hour, this.#now()));
  }

  /**
   * Those quotas that are near their end, or of which requests were refused; what was refused most comes first. Where they
   * are more than can be told, those of one vault keep none of another's out.
   */
  near(): QuotaUse[] {
    const now = this.#now();
    const byVault = new Map<string, QuotaUse[]>();
    for (const [bucket, { vaultId, rate, used, refused }] of this.#buckets) {
      const share = used.complete(now) / ((rate * minute) / 1000);
      const count = refused?.total(now) ?? 0;
      if (share < nearAt && count === 0) continue;
      const found = byVault.get(vaultId) ?? [];
      found.push({ bucket, share, refused: count });
      byVault.set(vaultId, found);
    }
    return fairly([...byVault.values()].map((found) => found.toSorted(worseFirst))).toSorted(worseFirst);
  }

  #answer(worker: number, ask: QuotaAsk, now: number): QuotaGrant {
    const { bucket: name } = ask;
    const bucket = this.#bucket(name, worker, ask, now);
    if (bucket === undefined)
      return { bucket: name, granted: 0, lease: 0, until: now, noneBefore: now + leaseLife };
    refill(bucket, now);
    takeReport(bucket, worker, ask, now);
    const need = count(ask.need);
    const needed = Math.min(need, Math.max(0, Math.floor(bucket.level)));
    bucket.level -= needed;
    const ahead = ask.ahead && needed === need ? aheadOf(bucket) : 0;
    bucket.level -= ahead;
    this.#granted += needed + ahead;
    const lease = this.#lease(bucket, worker, needed + ahead, now);
    return {
      bucket: name,
      granted: needed + ahead,
      lease: lease?.id ?? 0,
      until: lease?.until ?? now,
      noneBefore: needed < need ? now + ((1 - bucket.level) / bucket.rate) * 1000 : now,
    };
  }

  #lease(bucket: Bucket, worker: number, granted: number, now: number): Lease | undefined {
    let lease = bucket.held.get(worker);
    if (lease === undefined) {
      if (granted === 0) return undefined;
      lease = { id: ++this.#leases, count: 0, until: 0 };
      bucket.held.set(worker, lease);
    }
    lease.count += granted;
    lease.until = now + leaseLife;
    return lease;
  }

  /**
   * Read at a later revision of the store the quota may be another: the bucket changes its size, and what was used
   * stays used. Undefined where there are too many buckets.
   */
  #bucket(name: string, worker: number, ask: QuotaAsk, now: number): Bucket | undefined {
    const rate = ask.rate / this.#fleetSize;
    // A part of less than one request would never let any through.
    const burst = Math.max(1, ask.burst / this.#fleetSize);
    const known = this.#buckets.get(name);
    if (known === undefined) {
      if (this.#buckets.size >= maxBuckets) this.#forgetFull(now);
      if (this.#buckets.size >= maxBuckets) return undefined;
      const bucket: Bucket = {
        ...{ rate, burst, revision: ask.revision, toldBy: worker, level: burst, at: now, held: new Map() },
        ...{ vaultId: ask.vaultId, used: new WindowedCount(minute), refused: undefined },
      };
      this.#buckets.set(name, bucket);
      return bucket;
    }
    if (ask.revision > known.revision) {
      refill(known, now);
      // A key set may have gone to another vault since.
      const { vaultId, revision } = ask;
      Object.assign(known, { vaultId, rate, burst, revision, toldBy: worker });
    }
    return known;
  }

  #forgetFull(now: number): void {
    for (const [name, bucket] of this.#buckets) {
      refill(bucket, now);
      if (bucket.level >= bucket.burst) this.#buckets.delete(name);
    }
  }
}

function worseFirst(a: QuotaUse, b: QuotaUse): number {
  return b.refused - a.refused || b.share - a.share;
}

/** The first of each list, then the second of each, until there are {@link maxTold}. */
function fairly(lists: readonly QuotaUse[][]): QuotaUse[] {
  const told: QuotaUse[] = [];
  const max = lists.reduce((max, { length }) => Math.max(max, length), 0);
  for (let rank = 0; rank < max && told.length < maxTold; rank++)
    told.push(...lists.flatMap((list) => list[rank] ?? []));
  return told.slice(0, maxTold);
}

/** Lets time pass. A lease that ends in between counts as used, and makes room from its end on, not before. */
function refill(bucket: Bucket, now: number): void {
  const ended = [...bucket.held].filter(([, { until }]) => until <= now);
  for (const [worker, { until }] of ended.toSorted(([, a], [, b]) => a.until - b.until)) {
    fillUntil(bucket, until);
    bucket.held.delete(worker);
  }
  fillUntil(bucket, now);
}

function fillUntil(bucket: Bucket, now: number): void {
  const came = (bucket.rate * Math.max(0, now - bucket.at)) / 1000;
  bucket.level = Math.min(roomOf(bucket), bucket.level + came);
  bucket.at = Math.max(bucket.at, now);
}

/** What the worker has done with what it held. It cannot give back more than that. */
function takeReport(bucket: Bucket, worker: number, ask: QuotaAsk, now: number): void {
  countRefused(bucket, count(ask.refused), now);
  const lease = bucket.held.get(worker);
  // Of a lease that has ended everything counts as used already.
  if (lease?.id !== ask.lease) return;
  const used = Math.min(lease.count, count(ask.used));
  bucket.used.add(used, now);
  lease.count -= used;
  const unused = Math.min(lease.count, count(ask.unused));
  lease.count -= unused;
  bucket.level += unused;
  if (lease.count === 0) bucket.held.delete(worker);
}

function countRefused(bucket: Bucket, refused: number, now: number): void {
  if (refused === 0) return;
  bucket.refused ??= new WindowedCount(hour);
  bucket.refused.add(refused, now);
}

function roomOf(bucket: Bucket): number {
  let held = 0;
  for (const lease of bucket.held.values()) held += lease.count;
  return bucket.burst - held;
}

function aheadOf({ level, rate }: Bucket): number {
  return Math.max(0, Math.floor(Math.min(level * shareAhead, rate * secondsAhead)));
}

function count(number: number): number {
  return Math.min(number, maxAsked);
}
