import {
  duration,
  flag,
  listOf,
  nullOr,
  oneOf,
  record,
  recordOf,
  textOf,
  wholeFrom,
  type Check,
} from '../message-check.ts';
import {
  hostStates,
  type HostFigures,
  type LeaseFigures,
  type PoolFigures,
  type RequestFigures,
  type TokenFigures,
  type WorkerFigures,
} from './figures.ts';
import { latencyBuckets } from './latency.ts';

/** Of the XKS API; '' for a path that is none of it. */
const operations = ['', 'GetHealthStatus', 'GetKeyMetadata', 'Encrypt', 'Decrypt'];

/* What an XKS worker may tell of its counts: workers face the network. */

const name = textOf(200);
const count = wholeFrom(0);
/** There are a dozen errors of the XKS API and a score of faults. */
const counts = recordOf(count, 50);
const buckets: Check<number[]> = (value, at) => {
  const list = listOf(count, latencyBuckets)(value, at);
  return Array.from({ length: latencyBuckets }, (_, index) => list[index] ?? 0);
};
const distribution = { buckets, sum: duration };

const requests: Check<RequestFigures> = record<RequestFigures>({
  keySet: textOf(64, /^[\w-]*$/),
  operation: oneOf(operations),
  errors: counts,
  throttled: counts,
  ...distribution,
});

const tokens: Check<TokenFigures> = record<TokenFigures>({
  token: name,
  operations: record(distribution),
  waits: record(distribution),
  faults: counts,
});

const hosts: Check<HostFigures> = record<HostFigures>({
  pid: count,
  member: name,
  state: oneOf(hostStates),
  check: nullOr(record({ ago: duration, took: duration, ok: flag })),
});

const pools: Check<PoolFigures> = record<PoolFigures>({
  token: name,
  members: listOf(record({ member: name, sick: count }), 1_000),
  hosts: listOf(hosts, 1_000),
  waiting: count,
  underWay: count,
  wait: nullOr(duration),
});

const lease: Check<LeaseFigures> = record<LeaseFigures>({
  ...{ length: duration, remaining: duration, renewals: count, failures: count, lost: count },
  asks: record({ 'no-lease': count, refusal: count }),
  // Below zero before anything was read.
  revision: wholeFrom(-1),
});

export const workerFigures: Check<WorkerFigures> = record<WorkerFigures>({
  requests: listOf(requests, 10_000),
  tokens: listOf(tokens, 1_000),
  pools: listOf(pools, 1_000),
  loop: record({ active: duration, idle: duration, heapUsed: count }),
  lease: nullOr(lease),
  wentBack: count,
});
