import { sql } from 'kysely';
import { monotonicNow } from '../../clock.ts';
import { InForce } from '../../fleet/in-force.ts';
import type { Scrape } from '../../metrics/exposition/scrape.ts';
import { countLost } from '../../store/lost-changes.ts';
import type { Reading } from '../../vault/edits.ts';
import { allTroubles } from '../status/findings.ts';
import type { Status } from '../status/status.ts';
import type { AdminServices, NodeFacts } from '../services.ts';
import type { VaultNames } from './scrape-node.ts';

/** Encryptions of one key version under SP 800-38D, 8.3. */
const budget = 2 ** 32;
/** As the index has it. */
const toldFrom = sql.raw<number>('268435456');

/** What the store has, and what the supervisor knows: of all nodes together, but for what is of this one by its nature. */
export async function tellRecords(
  scrape: Scrape,
  services: AdminServices,
  { status, facts, vaults }: { status: Status; facts: NodeFacts | undefined; vaults: VaultNames },
): Promise<void> {
  tellStatus(scrape, status);
  tellTokens(scrape, status);
  tellCounts(scrape, status);
  tellFacts(scrape, facts);
  scrape.tell('holdfast_store_writable', {}, services.whyUnwritable?.() === undefined ? 1 : 0);
  scrape.tell('holdfast_store_lost_changes', {}, (await countLost(services.store.db)).lost);
  await tellBudgets(scrape, services, vaults);
  await tellWanted(scrape, services);
  const { sequence } = await services.store.db
    .selectFrom('audit_events')
    .select(sql<number>`coalesce(max(sequence), 0)`.as('sequence'))
    .executeTakeFirstOrThrow();
  scrape.tell('holdfast_audit_sequence', {}, sequence);
  const { revision } = await services.store.db
    .selectFrom('revision')
    .where('id', '=', 1)
    .select('revision')
    .executeTakeFirstOrThrow();
  scrape.tell('holdfast_store_revision', {}, revision);
  scrape.tell('holdfast_workers_unconfirmed', {}, await InForce.of(services.store).unconfirmed());
}

function tellStatus(scrape: Scrape, status: Status): void {
  const { findings, nodes = [], schedules = [], disk } = status;
  const troubles = Map.groupBy(findings, ({ trouble }) => trouble);
  for (const trouble of allTroubles)
    scrape.tell('holdfast_findings', { trouble }, troubles.get(trouble)?.length ?? 0);
  const week = Date.parse(status.at) - 7 * 86_400_000;
  for (const state of ['UP', 'DRAINING', 'DOWN'] as const) {
    const those = nodes.filter((node) => node.state === state && Date.parse(node.lastSeenAt) > week);
    scrape.tell('holdfast_nodes', { state }, those.length);
  }
  for (const { name: lease, until } of schedules)
    // Those on single records come and go, and are as many as there are records.
    if (scheduled.has(lease))
      scrape.tell('holdfast_lease_expiry_timestamp_seconds', { lease }, Date.parse(until) / 1_000);
  scrape.tell('holdfast_quotas_near', {}, status.quotas?.near);
  scrape.tell('holdfast_audit_events', {}, status.auditEvents);
  scrape.tell('holdfast_store_disk_free_bytes', {}, disk?.freeBytes);
  scrape.tell('holdfast_store_disk_size_bytes', {}, disk?.totalBytes);
  scrape.tell('holdfast_store_reserve_bytes', {}, disk?.reserveBytes);
  scrape.tell('holdfast_store_reserve_wanted_bytes', {}, disk?.wholeReserveBytes);
}

function tellTokens(scrape: Scrape, { tokens }: Status): void {
  for (const { name: token, health: now, hosts, hostsUp, pinRefused } of tokens) {
    for (const health of ['ACTIVE', 'DEGRADED', 'UNAVAILABLE'])
      scrape.tell('holdfast_token_health', { token, health }, health === now ? 1 : 0);
    scrape.tell('holdfast_token_hosts_wanted', { token }, hosts ?? undefined);
    scrape.tell('holdfast_token_hosts_up', { token }, hostsUp ?? undefined);
    scrape.tell('holdfast_token_pin_refused', { token }, pinRefused ? 1 : 0);
  }
}

function tellCounts(scrape: Scrape, status: Status): void {
  const { vaults, keySets } = status;
  if (vaults !== undefined) tellFrozen(scrape, 'holdfast_vaults', vaults);
  tellFrozen(scrape, 'holdfast_key_sets', keySets);
  for (const [state, count] of Object.entries(status.cloudKeys))
    scrape.tell('holdfast_cloud_keys', { state }, count);
  for (const [state, count] of Object.entries(status.externalKeyStores))
    scrape.tell('holdfast_external_key_stores', { state }, count);
  scrape.tell('holdfast_xks_credentials', {}, status.credentials.live);
}

const scheduled: ReadonlySet<string> = new Set(['schedules', 'aws', 'audit pruning']);

function tellFrozen(
  scrape: Scrape,
  name: 'holdfast_vaults' | 'holdfast_key_sets',
  { total, frozen }: { total: number; frozen: number },
): void {
  scrape.tell(name, { state: 'frozen' }, frozen);
  scrape.tell(name, { state: 'open' }, total - frozen);
}

function tellFacts(scrape: Scrape, facts: NodeFacts | undefined): void {
  for (const { name: token, members } of facts?.tokens ?? [])
    for (const { name: member, hosts, up } of members.length > 1 ? members : []) {
      scrape.tell('holdfast_token_member_hosts_wanted', { token, member }, hosts);
      scrape.tell('holdfast_token_member_hosts_up', { token, member }, up);
    }
  for (const { listeners, subject, expiresAt, refused } of facts?.certificates ?? [])
    for (const listener of listeners) {
      const of = { listener, subject };
      const expiry = Date.parse(expiresAt) / 1_000;
      scrape.tell('holdfast_certificate_expiry_timestamp_seconds', of, expiry);
      scrape.tell('holdfast_certificate_refused', of, refused === undefined ? 0 : 1);
    }
}

/** By an index that has few rows, or none. */
async function tellBudgets(
  scrape: Scrape,
  { store: { db } }: Pick<AdminServices, 'store'>,
  vaults: VaultNames,
): Promise<void> {
  const rows = await db
    .selectFrom('key_versions')
    .innerJoin('cloud_keys', (join) =>
      join
        .onRef('cloud_keys.id', '=', 'key_versions.cloud_key_id')
        .onRef('cloud_keys.current_version', '=', 'key_versions.version'),
    )
    .where('key_versions.encryptions_leased', '>=', toldFrom)
    .where('cloud_keys.state', 'in', ['AVAILABLE', 'DISABLED', 'EXPIRED'])
    .select(['cloud_keys.key_set_id', (eb) => eb.fn.max('key_versions.encryptions_leased').as('most')])
    .groupBy('cloud_keys.key_set_id')
    .execute();
  for (const { key_set_id: keySet, most } of rows) {
    const vault = vaults.get(keySet);
    if (vault !== undefined)
      scrape.tell('holdfast_gcm_budget_used_ratio', { vault, key_set: keySet }, most / budget);
  }
}

interface Wanted {
  kind: 'kms-key' | 'external-key-store' | 'access-key-rotation';
  n: number;
  oldest: string | null;
  failing: number;
}

/** The records of KMS keys are many, and have no index for this: they are looked through once in so long, milliseconds. */
const wantedKeptFor = 60_000;
const lastWanted = new WeakMap<Reading, { at: number; found: Promise<Wanted[]> }>();

async function tellWanted(
  scrape: Scrape,
  { store: { db }, now }: Pick<AdminServices, 'store' | 'now'>,
): Promise<void> {
  let last = lastWanted.get(db);
  if (last === undefined || monotonicNow() - last.at > wantedKeptFor) {
    last = { at: monotonicNow(), found: findWanted(db) };
    lastWanted.set(db, last);
    last.found.catch(() => lastWanted.delete(db));
  }
  for (const { kind, n, oldest, failing } of await last.found) {
    const age = oldest === null ? 0 : Math.max(0, now().getTime() - Date.parse(oldest)) / 1_000;
    scrape.tell('holdfast_aws_wanted', { kind }, n);
    scrape.tell('holdfast_aws_wanted_oldest_seconds', { kind }, age);
    scrape.tell('holdfast_aws_wanted_failing', { kind }, failing);
  }
}

/** What the controller has still to bring about in AWS. */
async function findWanted(db: Reading): Promise<Wanted[]> {
  const numbers = [
    sql<number>`count(*)`.as('n'),
    sql<string | null>`min(since)`.as('oldest'),
    sql<number>`coalesce(sum(failing), 0)`.as('failing'),
  ] as const;
  const failing = sql<number>`CASE WHEN problem IS NULL THEN 0 ELSE 1 END`.as('failing');
  const keys = db
    .selectFrom('kms_keys')
    .where('step', '<>', 'GONE')
    .where((eb) =>
      eb.or([
        eb('step', '<>', 'DONE'),
        eb('wanted', 'is not', null),
        eb('leaving', 'is not', null),
        eb('to_apply', '<>', '[]'),
      ]),
    )
    .select(['updated_at as since', failing]);
  const stores = db
    .selectFrom('external_key_stores')
    .where('wanted', 'is not', null)
    .select(['updated_at as since', failing]);
  const rows = [
    ['kms-key', await db.selectFrom(keys.as('of')).select(numbers).executeTakeFirstOrThrow()],
    ['external-key-store', await db.selectFrom(stores.as('of')).select(numbers).executeTakeFirstOrThrow()],
  ] as const;
  const rotations = await db
    .selectFrom('csp_accounts')
    .where('access_key_rotation', 'is not', null)
    .select([
      sql<number>`count(*)`.as('n'),
      sql<string | null>`min(updated_at)`.as('oldest'),
      sql<number>`count(access_key_rotation_problem)`.as('failing'),
    ])
    .executeTakeFirstOrThrow();
  return [...rows, ['access-key-rotation', rotations] as const].map(([kind, found]) => ({
    kind,
    n: found.n,
    oldest: found.oldest,
    failing: found.failing,
  }));
}
