/*
 * Quotas: how many XKS requests a second a key set or a CloudKey takes, and how many may come at once. The buckets are
 * the supervisor's (quota-ledger.ts), so that the quota is the node's as a whole; workers lease from them
 * (quota-leases.ts). Here is what the two say to each other.
 */

/** A quota as the store has it, and the revision of the store at which it was read: of two, the later one counts. */
export interface Quota {
  /** `key-set:<id>` or `cloud-key:<id>`. */
  readonly bucket: string;
  /** Whose key set or CloudKey it is. */
  readonly vaultId: string;
  /** Requests a second, whole and more than zero. */
  readonly rate: number;
  /** Requests at once, whole and more than zero. */
  readonly burst: number;
  readonly revision: number;
}

/** What a worker asks of one bucket, and what it has done with what it holds of it. */
export interface QuotaAsk extends Quota {
  /** Requests that wait for the answer. */
  need: number;
  /** Whether it wants some ahead of need as well. */
  ahead: boolean;
  /** The lease under which it holds what it has; 0 for none. */
  lease: number;
  /** Of that: used since the last ask, and given back. */
  used: number;
  unused: number;
  /** Requests that it refused since the last ask, because there were none. */
  refused: number;
}

export interface QuotaGrant {
  bucket: string;
  /** In addition to what the worker holds under the same lease; under another lease it holds nothing any more. */
  granted: number;
  lease: number;
  /** What it holds may be used before this moment of the machine's monotonic clock, milliseconds. */
  until: number;
  /** Where fewer were granted than needed: there is none before this moment of the same clock. */
  noneBefore: number;
}

/** A quota from its two columns; undefined where there is none. */
export function toQuota(
  bucket: string,
  vaultId: string,
  row: { quota_rate: number | null; quota_burst: number | null },
  revision: number,
): Quota | undefined {
  if (row.quota_rate === null) return undefined;
  // A rate without a burst: a second's worth at once.
  return { bucket, vaultId, rate: row.quota_rate, burst: row.quota_burst ?? row.quota_rate, revision };
}
