/*
 * Every metric of a node, for docs/metrics.md too. Names and units as Prometheus has them (prometheus.io, "Metric and label
 * naming"): seconds, bytes, ratios of 1, `_total` for what only grows. Which node it is Prometheus tells by the label
 * `instance` of what it scrapes. No label has a value that AWS's callers could make up: key sets are told by id, CloudKeys and
 * principals not at all, and of what is inside vaults no name.
 */

interface Metric {
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  labels: readonly string[];
}

export const metricCatalogue = {
  holdfast_build_info: {
    type: 'gauge',
    help: 'Always 1; which release runs, and on which node.',
    labels: ['version', 'node_id', 'hostname'],
  },
  // What AWS asks.
  holdfast_xks_requests_total: {
    type: 'counter',
    help: 'Requests to the XKS API that were answered, by error of the XKS API; none where they succeeded.',
    labels: ['vault', 'key_set', 'operation', 'error'],
  },
  holdfast_xks_request_duration_seconds: {
    type: 'histogram',
    help: 'From the head of an XKS request to its answer. AWS KMS gives up after 0.25 s; a node answers by 0.24.',
    labels: ['vault', 'key_set', 'operation'],
  },
  holdfast_xks_throttled_total: {
    type: 'counter',
    help: 'Requests answered with ThrottlingException, by what was used up: quota of the cloud-key or key-set, or the node itself.',
    labels: ['vault', 'key_set', 'by'],
  },
  holdfast_quotas_near: {
    type: 'gauge',
    help: 'Request quotas that were used by four fifths in the last whole minute, or past which requests were refused in this hour or the one before.',
    labels: [],
  },
  holdfast_gcm_budget_used_ratio: {
    type: 'gauge',
    help: 'Of the 2^32 encryptions that a key version may do (SP 800-38D): of the current versions of a key set the one with most. Told from a sixteenth on; a new version is made at 0.5.',
    labels: ['vault', 'key_set'],
  },
  // Tokens.
  holdfast_token_health: {
    type: 'gauge',
    help: '1 for the health that the token has on this node: ACTIVE, DEGRADED or UNAVAILABLE; 0 for the others.',
    labels: ['token', 'health'],
  },
  holdfast_token_hosts_wanted: {
    type: 'gauge',
    help: 'Token hosts that this node is to have.',
    labels: ['token'],
  },
  holdfast_token_hosts_up: {
    type: 'gauge',
    help: 'Token hosts that serve.',
    labels: ['token'],
  },
  holdfast_token_hosts_sick: {
    type: 'gauge',
    help: 'Token hosts of XKS workers that do not answer in time, of each member of an HSM group; else the member has the token’s name.',
    labels: ['token', 'member'],
  },
  holdfast_token_member_hosts_wanted: {
    type: 'gauge',
    help: 'Token hosts that this node is to have of each member of an HSM group.',
    labels: ['token', 'member'],
  },
  holdfast_token_member_hosts_up: {
    type: 'gauge',
    help: 'Token hosts of each member of an HSM group that serve.',
    labels: ['token', 'member'],
  },
  holdfast_token_pin_refused: {
    type: 'gauge',
    help: '1 where the token has refused its PIN: nobody tries it again before a reload or a restart.',
    labels: ['token'],
  },
  holdfast_token_queue_length: {
    type: 'gauge',
    help: 'Requests of XKS workers that wait for a token host.',
    labels: ['token'],
  },
  holdfast_token_requests_in_flight: {
    type: 'gauge',
    help: 'Requests of XKS workers that a token host has.',
    labels: ['token'],
  },
  holdfast_token_operation_duration_seconds: {
    type: 'histogram',
    help: 'What a request to the token took in its token host, which is as good as in the HSM.',
    labels: ['token'],
  },
  holdfast_token_wait_duration_seconds: {
    type: 'histogram',
    help: 'What a request to the token took besides: queues and the way to the token host and back.',
    labels: ['token'],
  },
  holdfast_token_faults_total: {
    type: 'counter',
    help: 'XKS requests that failed in the token, by fault.',
    labels: ['token', 'fault'],
  },
  // What the node manages.
  holdfast_findings: {
    type: 'gauge',
    help: 'What `holdfast status` finds, by its kind; what is acknowledged too.',
    labels: ['trouble'],
  },
  holdfast_findings_open: {
    type: 'gauge',
    help: 'Of these, those that nobody has acknowledged: they need attention.',
    labels: ['trouble'],
  },
  holdfast_nodes: {
    type: 'gauge',
    help: 'Nodes that use this database: UP have reported within a minute, DRAINING have and are drained, DOWN have not, or were stopped, within 7 days.',
    labels: ['state'],
  },
  holdfast_vaults: { type: 'gauge', help: 'Vaults.', labels: ['state'] },
  holdfast_key_sets: { type: 'gauge', help: 'Key sets.', labels: ['state'] },
  holdfast_cloud_keys: { type: 'gauge', help: 'CloudKeys that are not deleted.', labels: ['state'] },
  holdfast_xks_credentials: { type: 'gauge', help: 'XKS credentials that are live.', labels: [] },
  holdfast_external_key_stores: {
    type: 'gauge',
    help: 'External key stores, by state as last seen in AWS.',
    labels: ['state'],
  },
  holdfast_aws_wanted: {
    type: 'gauge',
    help: 'Records of which something is wanted in AWS and not done yet.',
    labels: ['kind'],
  },
  holdfast_aws_wanted_oldest_seconds: {
    type: 'gauge',
    help: 'For how long the oldest of these is wanted; 0 where there is none.',
    labels: ['kind'],
  },
  holdfast_aws_wanted_failing: {
    type: 'gauge',
    help: 'Of these, those whose last try failed.',
    labels: ['kind'],
  },
  holdfast_lease_expiry_timestamp_seconds: {
    type: 'gauge',
    help: 'When the lease on scheduled work expires that a node of the fleet holds: `schedules` for keys and credentials, `aws`.',
    labels: ['lease'],
  },
  // The store.
  holdfast_store_up: {
    type: 'gauge',
    help: '1 where the store has answered what this scrape asks of it; 0 where it did not, or not in time: then what comes from it is missing here.',
    labels: [],
  },
  holdfast_store_answer_seconds: {
    type: 'gauge',
    help: 'How long the store took to answer a question about one row, in this scrape.',
    labels: [],
  },
  holdfast_store_connections: {
    type: 'gauge',
    help: 'Connections of the management process to the database server that are used or idle, and what is waiting for one; it has eight at the most.',
    labels: ['state'],
  },
  holdfast_store_writable: {
    type: 'gauge',
    help: '0 where the store takes no write: somebody has changed its schema, or its disk fails or is read-only.',
    labels: [],
  },
  holdfast_store_disk_free_bytes: { type: 'gauge', help: 'Free on the disk of the store.', labels: [] },
  holdfast_store_disk_size_bytes: { type: 'gauge', help: 'Size of the disk of the store.', labels: [] },
  holdfast_store_reserve_bytes: {
    type: 'gauge',
    help: 'Kept free for disable, freeze and withdraw when the disk is full.',
    labels: [],
  },
  holdfast_store_reserve_wanted_bytes: {
    type: 'gauge',
    help: 'What of that there is to be.',
    labels: [],
  },
  holdfast_store_write_duration_seconds: {
    type: 'histogram',
    help: 'What a write for XKS workers took, such as a lease of encryptions, from its ask to its commit.',
    labels: [],
  },
  holdfast_store_writes_failed_total: {
    type: 'counter',
    help: 'Writes for XKS workers that failed.',
    labels: [],
  },
  holdfast_store_writes_waiting: {
    type: 'gauge',
    help: 'Writes for XKS workers that are not committed yet.',
    labels: [],
  },
  holdfast_store_went_back_total: {
    type: 'counter',
    help: 'How often the XKS worker found that the store had gone back in time: it has lost changes, which may have been acknowledged.',
    labels: ['worker'],
  },
  holdfast_store_revision: {
    type: 'gauge',
    help: 'Revision of the store: it grows with each change, and falls only where the store has gone back in time.',
    labels: [],
  },
  // The leases of XKS workers on a store in PostgreSQL.
  holdfast_worker_lease_length_seconds: {
    type: 'gauge',
    help: 'Length of the lease under which the XKS worker serves from memory (store.lease).',
    labels: ['worker'],
  },
  holdfast_worker_lease_remaining_seconds: {
    type: 'gauge',
    help: 'For how long that lease holds unless it is renewed; 0 where it has ended, and each request asks the database.',
    labels: ['worker'],
  },
  holdfast_worker_lease_renewals_total: {
    type: 'counter',
    help: 'Tries to renew it, by outcome: done or failed.',
    labels: ['worker', 'outcome'],
  },
  holdfast_worker_lease_lost_total: {
    type: 'counter',
    help: 'How often the XKS worker held a lease that then ended.',
    labels: ['worker'],
  },
  holdfast_worker_asks_total: {
    type: 'counter',
    help: 'Requests that asked the database all the same: there was no lease (no-lease), or what is remembered would have refused them (refusal).',
    labels: ['worker', 'why'],
  },
  holdfast_worker_revision: {
    type: 'gauge',
    help: 'Revision of the store that the XKS worker serves by.',
    labels: ['worker'],
  },
  holdfast_workers_unconfirmed: {
    type: 'gauge',
    help: 'XKS workers of all nodes that have not confirmed the last change of what is served: a disable waits for them.',
    labels: [],
  },
  holdfast_in_force_wait_duration_seconds: {
    type: 'histogram',
    help: 'How long acts that take something away, such as a disable, waited until they were in force on every node; 5 s at the most.',
    labels: [],
  },
  holdfast_in_force_unconfirmed_total: {
    type: 'counter',
    help: 'Of these, acts that were answered with 503, since a node had not confirmed by then.',
    labels: [],
  },
  holdfast_acts_uncertain_total: {
    type: 'counter',
    help: 'Acts of which the management API could not say that they are done for good, by outcome: not-certain on a standby, or in-doubt whether they were done.',
    labels: ['outcome'],
  },
  holdfast_store_lost_changes: {
    type: 'gauge',
    help: 'Changes that the store has lost by going back in time and on which nobody has decided: until then nothing is changed that does not take away.',
    labels: [],
  },
  holdfast_audit_events: {
    type: 'gauge',
    help: 'Events in the audit trails of all vaults and of the appliance.',
    labels: [],
  },
  holdfast_audit_sequence: {
    type: 'gauge',
    help: 'Sequence number of the last audit event: it grows with each, and never falls.',
    labels: [],
  },
  // The management API.
  holdfast_management_requests_total: {
    type: 'counter',
    help: 'Requests to the management API, by operation of OpenAPI (empty for the console and for addresses that are not there) and HTTP status.',
    labels: ['operation', 'status'],
  },
  holdfast_management_request_duration_seconds: {
    type: 'histogram',
    help: 'What they took.',
    labels: [],
  },
  holdfast_sign_ins_total: {
    type: 'counter',
    help: 'Requests that begin or complete a sign-in: accepted, refused, throttled, or failed.',
    labels: ['outcome'],
  },
  // Certificates and the clock.
  holdfast_certificate_expiry_timestamp_seconds: {
    type: 'gauge',
    help: 'When the certificate expires that a listener serves.',
    labels: ['listener', 'subject'],
  },
  holdfast_certificate_refused: {
    type: 'gauge',
    help: '1 where the certificate files in place could not be taken: the one before is served on.',
    labels: ['listener', 'subject'],
  },
  holdfast_clock_steps_total: {
    type: 'counter',
    help: 'How often the wall clock was set by more than 0.25 s between two looks; a machine that was suspended shows so too.',
    labels: ['direction'],
  },
  holdfast_clock_last_step_seconds: {
    type: 'gauge',
    help: 'By how much it was set last; below zero backward, 0 for never.',
    labels: [],
  },
  // Processes.
  holdfast_process_cpu_seconds_total: {
    type: 'counter',
    help: 'Processor time, user and system.',
    labels: ['process', 'worker', 'token', 'host'],
  },
  holdfast_process_resident_memory_bytes: {
    type: 'gauge',
    help: 'Resident memory.',
    labels: ['process', 'worker', 'token', 'host'],
  },
  holdfast_process_threads: {
    type: 'gauge',
    help: 'Threads.',
    labels: ['process', 'worker', 'token', 'host'],
  },
  holdfast_process_open_fds: {
    type: 'gauge',
    help: 'Open file descriptors.',
    labels: ['process', 'worker', 'token', 'host'],
  },
  holdfast_process_starts_total: {
    type: 'counter',
    help: 'How often processes were started since the supervisor was: beyond the first each replaces one that ended.',
    labels: ['process', 'worker', 'token'],
  },
  holdfast_event_loop_active_seconds_total: {
    type: 'counter',
    help: 'For how long the event loop of the process worked.',
    labels: ['process', 'worker'],
  },
  holdfast_event_loop_idle_seconds_total: {
    type: 'counter',
    help: 'For how long it waited for something to do.',
    labels: ['process', 'worker'],
  },
  holdfast_heap_used_bytes: {
    type: 'gauge',
    help: 'JavaScript heap in use.',
    labels: ['process', 'worker'],
  },
  holdfast_supervisor_up: {
    type: 'gauge',
    help: '0 where the supervisor does not answer: then requests, processes and writes are as they were told last, or missing.',
    labels: [],
  },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof metricCatalogue;

type NamesOf<T extends Metric['type']> = {
  [N in MetricName]: (typeof metricCatalogue)[N]['type'] extends T ? N : never;
}[MetricName];

/** Those that are one number for each set of labels. */
export type NumberName = NamesOf<'counter' | 'gauge'>;
export type HistogramName = NamesOf<'histogram'>;

/** Values for just the labels that the metric has. */
export type LabelsOf<N extends MetricName> = Readonly<
  Record<(typeof metricCatalogue)[N]['labels'][number], string>
>;

export const metricNames = Object.keys(metricCatalogue) as MetricName[];
