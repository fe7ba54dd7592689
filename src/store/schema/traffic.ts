/** Requests of AWS in a step of time, as one node answered them: src/metrics/series. */
export interface TrafficTable {
  /** Seconds that the step lasts. */
  step: number;
  /** When it begins. */
  at: string;
  node_id: string;
  /** Of whose key sets; both are '' of requests that were not authenticated, and the second of a key set of no group. */
  vault_id: string;
  admin_group_id: string;
  /** JSON: {errors, buckets, sum}. */
  figures: string;
}

/** How a node was in a step of time, as it found itself: src/metrics/series. */
export interface VitalsTable {
  /** Seconds that the step lasts. */
  step: number;
  /** When it begins. */
  at: string;
  node_id: string;
  /** JSON: {looks, tokens, leases, store, budget, certificate}. */
  figures: string;
}
