import type { QuotaAsk, QuotaGrant } from './quota.ts';
import { WindowedCount } from '../windowed-count.ts';

/** What a worker holds it may use for so long after each answer, milliseconds. */
export const leaseLife = 1_000;
/** So long after its part became smaller a node certainly uses nothing more of the larger one, milliseconds. */
export const settlesAfter = leaseLife + 100;
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
  /** As the store has it; `rate` and `burst` are this node's part of it. */
  quota: Pick<QuotaAsk, 'rate' | 'burst'>;
  part: number;
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
  /** Requests used or refused since the demand was last asked for. */
  asked: number;
  /** There is one where any was. */
  refused: WindowedCount | undefined;
}

/** What of each quota this node lets through, 1 for all of it. */
export interface QuotaParts {
  each: number;
  /** Of these buckets another part. */
  of: ReadonlyMap<string, number>;
}

export interface QuotaLedgerOptions {
  /** What of each quota is let through until {@link QuotaLedger.letThrough} says otherwise. */
  part: number;
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
  #parts: QuotaParts;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();
  readonly #since: number;
  #demandSince: number;
  #leases = 0;
  #granted = 0;

  constructor({ part, now }: QuotaLedgerOptions) {
    this.#parts = { each: part, of: new Map() };
    this.#now = now;
    this.#since = now();
    this.#demandSince = now();
  }

  /**
   * From now on. Where a part is smaller than before, what workers hold of the larger one is used up, or has ended, after
   * {@link settlesAfter}.
   */
  letThrough(parts: QuotaParts): void {
    this.#parts = parts;
    const now = this.#now();
    for (const [name, bucket] of this.#buckets) {
      if (bucket.part === this.#part(name)) continue;
      refill(bucket, now);
      this.#size(name, bucket);
    }
  }

  /** How much of each quota was asked for since this was asked last, in requests: 1 for all of it. */
  demands(): Map<string, number> {
    const now = this.#now();
    const seconds = (now - this.#demandSince) / 1000;
    this.#demandSince = now;
    const demands = new Map<string, number>();
    for (const [name, bucket] of this.#buckets) {
      if (bucket.asked > 0 && seconds > 0) demands.set(name, bucket.asked / seconds / bucket.quota.rate);
      bucket.asked = 0;
    }
    return demands;
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
    // What is held of a part that was larger is not kept beyond its time: another node is to have it.
    if (granted > 0 || roomOf(bucket) >= 0) lease.until = now + leaseLife;
    return lease;
  }

  /**
   * Read at a later revision of the store the quota may be another: the bucket changes its size, and what was used
   * stays used. Undefined where there are too many buckets.
   */
  #bucket(name: string, worker: number, ask: QuotaAsk, now: number): Bucket | undefined {
    const { vaultId, revision, rate, burst } = ask;
    const known = this.#buckets.get(name);
    if (known === undefined) {
      if (this.#buckets.size >= maxBuckets) this.#forgetFull(now);
      if (this.#buckets.size >= maxBuckets) return undefined;
      const bucket: Bucket = {
        ...{ vaultId, revision, quota: { rate, burst }, part: 0, rate, burst, toldBy: worker },
        ...{
          level: 0,
          at: now,
          held: new Map(),
          used: new WindowedCount(minute),
          asked: 0,
          refused: undefined,
        },
      };
      this.#size(name, bucket);
      bucket.level = bucket.burst;
      this.#buckets.set(name, bucket);
      return bucket;
    }
    if (revision > known.revision) {
      refill(known, now);
      // A key set may have gone to another vault since.
      Object.assign(known, { vaultId, revision, quota: { rate, burst }, toldBy: worker });
      this.#size(name, known);
    }
    return known;
  }

  #part(name: string): number {
    return this.#parts.of.get(name) ?? this.#parts.each;
  }

  #size(name: string, bucket: Bucket): void {
    const { rate, burst } = bucket.quota;
    bucket.part = this.#part(name);
    bucket.rate = rate * bucket.part;
    // A part of less than one request would never let any through.
    bucket.burst = Math.max(1, burst * bucket.part);
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
  bucket.asked += count(ask.refused);
  const lease = bucket.held.get(worker);
  // Of a lease that has ended everything counts as used already.
  if (lease?.id !== ask.lease) return;
  const used = Math.min(lease.count, count(ask.used));
  bucket.used.add(used, now);
  bucket.asked += used;
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
