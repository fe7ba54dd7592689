import { countOf } from '../../metrics/latency.ts';
import { otherKeySets } from '../../metrics/request-counts.ts';
import type { NodeMetrics } from '../../metrics/node-metrics.ts';
import type { Scrape } from '../../metrics/exposition/scrape.ts';

/** Whose a key set is, by its id. */
export type VaultNames = ReadonlyMap<string, string>;

/** What the processes of this node have counted. */
export function tellNode(scrape: Scrape, metrics: NodeMetrics, vaults: VaultNames): void {
  tellRequests(scrape, metrics, vaults);
  tellTokens(scrape, metrics);
  tellManagement(scrape, metrics);
  tellProcesses(scrape, metrics);
  tellLeases(scrape, metrics);
  const { forward, backward, last } = metrics.clock;
  scrape.tell('holdfast_clock_steps_total', { direction: 'forward' }, forward);
  scrape.tell('holdfast_clock_steps_total', { direction: 'backward' }, backward);
  scrape.tell('holdfast_clock_last_step_seconds', {}, last / 1_000);
}

function tellRequests(scrape: Scrape, { requests }: NodeMetrics, vaults: VaultNames): void {
  // Of a key set that is gone nothing is told; the sums forget it.
  const vaultOf = (keySet: string) => (keySet === '' || keySet === otherKeySets ? '' : vaults.get(keySet));
  for (const { keySet, operation, errors, buckets, sum } of requests.requests) {
    const vault = vaultOf(keySet);
    if (vault === undefined) continue;
    const of = { vault, key_set: keySet };
    const total = countOf({ buckets });
    const failed = Object.values(errors).reduce((all, count) => all + count, 0);
    scrape.tell('holdfast_xks_requests_total', { ...of, operation, error: 'none' }, total - failed);
    for (const [error, count] of Object.entries(errors))
      scrape.tell('holdfast_xks_requests_total', { ...of, operation, error }, count);
    scrape.tellDistribution('holdfast_xks_request_duration_seconds', { ...of, operation }, { buckets, sum });
  }
  for (const [{ keySet, by }, count] of throttledOf(requests.requests)) {
    const vault = vaultOf(keySet);
    if (vault !== undefined)
      scrape.tell('holdfast_xks_throttled_total', { vault, key_set: keySet, by }, count);
  }
}

/** Of all operations together. */
function throttledOf(
  requests: NodeMetrics['requests']['requests'],
): [{ keySet: string; by: string }, number][] {
  const found = new Map<string, [{ keySet: string; by: string }, number]>();
  for (const { keySet, throttled } of requests)
    for (const [by, count] of Object.entries(throttled)) {
      const name = `${keySet} ${by}`;
      found.set(name, [{ keySet, by }, (found.get(name)?.[1] ?? 0) + count]);
    }
  return [...found.values()];
}

function tellTokens(scrape: Scrape, { requests, workers }: NodeMetrics): void {
  for (const { token, operations, waits, faults } of requests.tokens) {
    scrape.tellDistribution('holdfast_token_operation_duration_seconds', { token }, operations);
    scrape.tellDistribution('holdfast_token_wait_duration_seconds', { token }, waits);
    for (const [fault, count] of Object.entries(faults))
      scrape.tell('holdfast_token_faults_total', { token, fault }, count);
  }
  const pools = Map.groupBy(
    [...workers.values()].flatMap((worker) => worker.pools),
    ({ token }) => token,
  );
  for (const [token, of] of pools) {
    const sum = (count: (pool: (typeof of)[number]) => number) =>
      of.reduce((all, pool) => all + count(pool), 0);
    for (const [member, counts] of Map.groupBy(
      of.flatMap(({ members }) => members),
      ({ member: name }) => name,
    ))
      scrape.tell(
        'holdfast_token_hosts_sick',
        { token, member },
        counts.reduce((all, { sick }) => all + sick, 0),
      );
    scrape.tell(
      'holdfast_token_queue_length',
      { token },
      sum(({ waiting }) => waiting),
    );
    scrape.tell(
      'holdfast_token_requests_in_flight',
      { token },
      sum(({ underWay }) => underWay),
    );
  }
}

function tellManagement(scrape: Scrape, { management }: NodeMetrics): void {
  for (const { operation, status, count } of management.requests)
    scrape.tell('holdfast_management_requests_total', { operation, status: String(status) }, count);
  scrape.tellDistribution('holdfast_management_request_duration_seconds', {}, management.durations);
  for (const [outcome, count] of Object.entries(management.signIns))
    scrape.tell('holdfast_sign_ins_total', { outcome }, count);
  for (const [outcome, count] of Object.entries(management.uncertain))
    scrape.tell('holdfast_acts_uncertain_total', { outcome }, count);
}

function tellLeases(scrape: Scrape, { leases, management }: NodeMetrics): void {
  for (const { worker: index, length, remaining, renewals, failures, lost, asks, revision } of leases) {
    const worker = String(index);
    scrape.tell('holdfast_worker_lease_length_seconds', { worker }, length / 1_000);
    scrape.tell('holdfast_worker_lease_remaining_seconds', { worker }, remaining / 1_000);
    scrape.tell('holdfast_worker_lease_renewals_total', { worker, outcome: 'done' }, renewals);
    scrape.tell('holdfast_worker_lease_renewals_total', { worker, outcome: 'failed' }, failures);
    scrape.tell('holdfast_worker_lease_lost_total', { worker }, lost);
    for (const [why, count] of Object.entries(asks))
      scrape.tell('holdfast_worker_asks_total', { worker, why }, count);
    scrape.tell('holdfast_worker_revision', { worker }, revision);
  }
  const { waits, unconfirmed } = management.inForce;
  scrape.tellDistribution('holdfast_in_force_wait_duration_seconds', {}, waits);
  scrape.tell('holdfast_in_force_unconfirmed_total', {}, unconfirmed);
}

function tellProcesses(scrape: Scrape, { node, workers, loop }: NodeMetrics): void {
  scrape.tell('holdfast_supervisor_up', {}, node === undefined ? 0 : 1);
  const loops = [
    [{ process: 'management', worker: '' }, loop] as const,
    ...[...workers].map(
      ([worker, of]) => [{ process: 'xks-worker', worker: String(worker) }, of.loop] as const,
    ),
  ];
  for (const [of, { active, idle, heapUsed }] of loops) {
    scrape.tell('holdfast_event_loop_active_seconds_total', of, active / 1_000);
    scrape.tell('holdfast_event_loop_idle_seconds_total', of, idle / 1_000);
    scrape.tell('holdfast_heap_used_bytes', of, heapUsed);
  }
  for (const [worker, { wentBack }] of workers)
    scrape.tell('holdfast_store_went_back_total', { worker: String(worker) }, wentBack);
  if (node === undefined) return;
  for (const { process, worker, token, host, cpu, resident, threads, openFiles } of node.processes) {
    const of = { process, worker, token, host };
    scrape.tell('holdfast_process_cpu_seconds_total', of, cpu);
    scrape.tell('holdfast_process_resident_memory_bytes', of, resident);
    scrape.tell('holdfast_process_threads', of, threads);
    scrape.tell('holdfast_process_open_fds', of, openFiles);
  }
  for (const { process, worker, token, starts } of node.starts)
    scrape.tell('holdfast_process_starts_total', { process, worker, token }, starts);
  const { durations, failed, waiting } = node.writes;
  scrape.tellDistribution('holdfast_store_write_duration_seconds', {}, durations);
  scrape.tell('holdfast_store_writes_failed_total', {}, failed);
  scrape.tell('holdfast_store_writes_waiting', {}, waiting);
}
