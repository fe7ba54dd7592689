import type { Quota, QuotaAsk, QuotaGrant } from './quota.ts';

/** How long a request waits for the supervisor's answer, milliseconds; a little longer by the turn of the clock. */
const timeout = 80;
const tickInterval = 20;
/** An ask without an answer for so long is given up, milliseconds: what it told is forgotten, which is the safe side. */
const maxAskLength = 1_000;
/** What was not used for so long is given back, milliseconds. */
const idleAfter = 250;
/** A lease in use is asked for again when it has less than this to live, milliseconds. */
const renewBefore = 500;
/** What was refused is told after so long where nothing else is to be asked, milliseconds. */
const refusalsToldAfter = 1_000;
/** A bucket that nobody asked for in so long is forgotten, milliseconds. */
const forgetAfter = 60_000;
/** More requests than this do not wait at one bucket. */
const maxWaiting = 1_024;

/** `spent`: the quota is used up. `unanswered`: the supervisor did not say in time, and no answer is no permission. */
export type Admission = 'granted' | 'spent' | 'unanswered';

interface Waiter {
  since: number;
  settle: ((admission: Admission) => void) | undefined;
}

interface Bucket {
  quota: Quota;
  lease: number;
  /** Held, and usable before `until`. */
  left: number;
  until: number;
  /** More are asked for when no more than this are left. */
  lowMark: number;
  /** What the supervisor has not been told yet. */
  used: number;
  unused: number;
  refused: number;
  /** The supervisor said that there is none before this moment. */
  noneBefore: number;
  /** Who waits for the answer to the ask under way, if there is one. */
  asking: Waiter[] | undefined;
  askedAt: number;
  /** Who came since. */
  waiting: Waiter[];
  lastTake: number;
}

export interface QuotaLeasesOptions {
  /** Sends asks to the supervisor; its answer comes to {@link QuotaLeases.receive}. */
  send: (asks: QuotaAsk[]) => void;
  /** The machine's monotonic clock, milliseconds: the supervisor's too. */
  now: () => number;
}

/**
 * A worker's part in the quotas: it holds a few requests of each busy bucket ahead of need, so that most requests ask
 * nobody. What it does not use it gives back, and a lease ends by itself, so that other workers get it.
 */
export class QuotaLeases {
  readonly #send: QuotaLeasesOptions['send'];
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();
  /** Buckets that have something to ask or to tell. */
  readonly #toAsk = new Set<Bucket>();
  #isFlushing = false;
  #ticking: NodeJS.Timeout | undefined;

  constructor({ send, now }: QuotaLeasesOptions) {
    this.#send = send;
    this.#now = now;
  }

  /** Whether one request may go on. Waits for the supervisor at most about {@link patience}. */
  take(quota: Quota): Admission | Promise<Admission> {
    const now = this.#now();
    const bucket = this.#bucket(quota, now);
    bucket.lastTake = now;
    if (bucket.left > 0 && now < bucket.until) {
      this.#use(bucket);
      return 'granted';
    }
    if (now < bucket.noneBefore || bucket.waiting.length >= maxWaiting) {
      bucket.refused++;
      return 'spent';
    }
    // The supervisor is late for others already: nobody more needs to wait for it.
    if (bucket.asking !== undefined && now - bucket.askedAt > timeout) return 'unanswered';
    return new Promise((settle) => {
      bucket.waiting.push({ since: now, settle });
      this.#askSoon(bucket);
    });
  }

  /**
   * Whether one request may go on by both quotas, and if not, by which it may not. What it took of the first it gives
   * back where the second holds it up: until that is known, the supervisor is told nothing of it.
   */
  async takeBoth(
    first: Quota,
    second: Quota,
  ): Promise<{ admission: Admission; by: 'first' | 'second' | undefined }> {
    const admission = await this.take(first);
    if (admission !== 'granted') return { admission, by: 'first' };
    const bucket = this.#bucket(first, this.#now());
    const { lease } = bucket;
    bucket.used--;
    const other = await this.take(second);
    const isGranted = other === 'granted';
    // Under another lease it counts as used anyway.
    if (bucket.lease === lease) {
      if (isGranted) bucket.used++;
      else bucket.left++;
    }
    return { admission: other, by: isGranted ? undefined : 'second' };
  }

  receive(grants: readonly QuotaGrant[]): void {
    const now = this.#now();
    for (const grant of grants) {
      const bucket = this.#buckets.get(grant.bucket);
      if (bucket !== undefined) this.#settle(bucket, grant, now);
    }
  }

  #settle(bucket: Bucket, grant: QuotaGrant, now: number): void {
    if (grant.lease !== bucket.lease)
      Object.assign(bucket, { lease: grant.lease, left: 0, used: 0, unused: 0 });
    const waiting = [...(bucket.asking ?? []), ...bucket.waiting].filter(
      ({ settle }) => settle !== undefined,
    );
    bucket.asking = undefined;
    bucket.waiting = [];
    bucket.left += grant.granted;
    bucket.until = grant.until;
    bucket.noneBefore = grant.noneBefore;
    bucket.lowMark = Math.floor((grant.granted - waiting.length) / 2);
    for (const waiter of waiting) {
      if (bucket.left > 0) {
        this.#use(bucket);
        settle(waiter, 'granted');
      } else if (now < bucket.noneBefore) {
        bucket.refused++;
        settle(waiter, 'spent');
      } else bucket.waiting.push(waiter);
    }
    if (bucket.waiting.length > 0) this.#askSoon(bucket);
  }

  #use(bucket: Bucket): void {
    bucket.left--;
    bucket.used++;
    if (bucket.left <= bucket.lowMark) this.#askSoon(bucket);
  }

  #bucket(quota: Quota, now: number): Bucket {
    const known = this.#buckets.get(quota.bucket);
    if (known !== undefined) {
      if (known.quota !== quota) this.#renew(known, quota);
      return known;
    }
    const bucket: Bucket = {
      quota,
      lease: 0,
      left: 0,
      until: 0,
      lowMark: 0,
      used: 0,
      unused: 0,
      refused: 0,
      noneBefore: 0,
      asking: undefined,
      askedAt: 0,
      waiting: [],
      lastTake: now,
    };
    this.#buckets.set(quota.bucket, bucket);
    this.#ticking ??= setInterval(() => this.#tick(), tickInterval).unref();
    return bucket;
  }

  /** Another revision of the store. What was leased under another quota is not used any more. */
  #renew(bucket: Bucket, quota: Quota): void {
    // A request that began before another may bring what is older.
    if (quota.revision <= bucket.quota.revision) return;
    if (quota.rate !== bucket.quota.rate || quota.burst !== bucket.quota.burst) {
      bucket.unused += bucket.left;
      bucket.left = 0;
      bucket.noneBefore = 0;
    }
    bucket.quota = quota;
  }

  /** Once for everything that one turn of the event loop brought. */
  #askSoon(bucket: Bucket): void {
    this.#toAsk.add(bucket);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      this.#askNow();
    });
  }

  #askNow(): void {
    const now = this.#now();
    const asks: QuotaAsk[] = [];
    for (const bucket of this.#toAsk) {
      // One ask at a time; the answer to it sees to the rest.
      if (bucket.asking !== undefined) continue;
      const { quota, waiting, lease, used, unused, refused } = bucket;
      const need = waiting.length;
      const ahead = now - bucket.lastTake < idleAfter && bucket.left <= bucket.lowMark;
      asks.push({ ...quota, need, ahead, lease, used, unused, refused });
      Object.assign(bucket, { asking: waiting, askedAt: now, waiting: [], used: 0, unused: 0, refused: 0 });
    }
    this.#toAsk.clear();
    if (asks.length > 0) this.#send(asks);
  }

  // oxlint-disable-next-line complexity -- one decision after another on the same figures
  #tick(): void {
    const now = this.#now();
    for (const [name, bucket] of this.#buckets) {
      for (const waiter of bucket.asking ?? []) endWaiting(waiter, now);
      for (const waiter of bucket.waiting) endWaiting(waiter, now);
      if (bucket.asking !== undefined) {
        if (now - bucket.askedAt >= maxAskLength) bucket.asking = undefined;
        continue;
      }
      if (bucket.left > 0 && now - bucket.lastTake >= idleAfter) {
        bucket.unused += bucket.left;
        bucket.left = 0;
      }
      const told = bucket.used + bucket.unused === 0;
      const tellsRefusals = bucket.refused > 0 && now - bucket.askedAt >= refusalsToldAfter;
      if (tellsRefusals || (bucket.left === 0 ? !told : bucket.until - now < renewBefore))
        this.#askSoon(bucket);
      else if (told && bucket.refused === 0 && now - bucket.lastTake >= forgetAfter)
        this.#buckets.delete(name);
    }
    if (this.#buckets.size > 0) return;
    clearInterval(this.#ticking);
    this.#ticking = undefined;
  }
}

function endWaiting(waiter: Waiter, now: number): void {
  if (now - waiter.since >= timeout) settle(waiter, 'unanswered');
}

function settle(waiter: Waiter, admission: Admission): void {
  waiter.settle?.(admission);
  waiter.settle = undefined;
}
