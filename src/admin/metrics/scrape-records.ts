import { sql } from 'kysely';
import { monotonicNow } from '../../clock.ts';
import { InForce } from '../../fleet/in-force.ts';
import type { Scrape } from '../../metrics/exposition/scrape.ts';
import { encryptionBudget, readBudgets, type UsedBudget } from '../../metrics/series/budgets.ts';
import { countLost } from '../../store/lost-changes.ts';
import type { Reading } from '../../vault/edits.ts';
import { allTroubles } from '../status/findings.ts';
import { statusOf, type Status } from '../status/status.ts';
import type { AdminServices } from '../services.ts';
import type { VaultNames } from './scrape-node.ts';

/** What a scrape tells of the store. */
export interface Records {
  status: Status;
  vaults: VaultNames;
  /** Key sets of which requests were counted, and that are no more. One that is made since is not among them, whatever is counted of it. */
  gone: ReadonlySet<string>;
  /** What the store took to answer, milliseconds. */
  answeredIn: number;
  lost: number;
  budgets: UsedBudget[];
  wanted: Wanted[];
  sequence: number;
  revision: number;
  unconfirmed: number;
}

/** Reads all that a scrape tells of the store. `counted`: what it tells of requests is there, and each of their key sets is made. */
export async function readRecords(
  services: AdminServices,
  counted: Promise<void> | undefined,
): Promise<Records> {
  const { db } = services.store;
  const asked = monotonicNow();
  const { revision } = await db
    .selectFrom('revision')
    .where('id', '=', 1)
    .select('revision')
    .executeTakeFirstOrThrow();
  const answeredIn = monotonicNow() - asked;
  const { sequence } = await db
    .selectFrom('audit_events')
    .select(sql<number>`coalesce(max(sequence), 0)`.as('sequence'))
    .executeTakeFirstOrThrow();
  const status = await statusOf(services, 'appliance');
  await counted;
  const known = services.gathered?.metrics.requests.keySets ?? [];
  const vaults = await readVaults(db);
  return {
    ...{ revision, answeredIn, sequence, status, vaults },
    gone: new Set(known.filter((keySet) => !vaults.has(keySet))),
    lost: (await countLost(db)).lost,
    budgets: await readBudgets(db),
    wanted: await readWanted(db),
    unconfirmed: await InForce.of(services.store).unconfirmed(),
  };
}

/** Of all nodes together, but for what is of this one by its nature. */
export function tellRecords(scrape: Scrape, records: Records, now: Date): void {
  const { status, answeredIn, lost, sequence, revision, unconfirmed } = records;
  tellStatus(scrape, status);
  tellCounts(scrape, status);
  scrape.tell('holdfast_store_answer_seconds', {}, answeredIn / 1_000);
  scrape.tell('holdfast_store_lost_changes', {}, lost);
  tellBudgets(scrape, records);
  tellWanted(scrape, records, now);
  scrape.tell('holdfast_audit_sequence', {}, sequence);
  scrape.tell('holdfast_store_revision', {}, revision);
  scrape.tell('holdfast_workers_unconfirmed', {}, unconfirmed);
}

function tellStatus(scrape: Scrape, status: Status): void {
  const { findings, nodes = [], schedules = [] } = status;
  const troubles = Map.groupBy(findings, ({ trouble }) => trouble);
  for (const trouble of allTroubles) {
    const those = troubles.get(trouble) ?? [];
    scrape.tell('holdfast_findings', { trouble }, those.length);
    const open = those.filter(({ acknowledgements }) => acknowledgements.length === 0);
    scrape.tell('holdfast_findings_open', { trouble }, open.length);
  }
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

async function readVaults(db: Reading): Promise<VaultNames> {
  const keySets = await db
    .selectFrom('key_sets')
    .innerJoin('vaults', 'vaults.id', 'key_sets.vault_id')
    .where('vaults.deleted_at', 'is', null)
    .where('key_sets.removed_at', 'is', null)
    .select(['key_sets.id', 'vaults.name'])
    .execute();
  return new Map(keySets.map(({ id, name }) => [id, name]));
}

function tellBudgets(scrape: Scrape, { budgets, vaults }: Records): void {
  for (const { keySet, most } of budgets) {
    const vault = vaults.get(keySet);
    if (vault !== undefined)
      scrape.tell('holdfast_gcm_budget_used_ratio', { vault, key_set: keySet }, most / encryptionBudget);
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

async function readWanted(db: Reading): Promise<Wanted[]> {
  let last = lastWanted.get(db);
  if (last === undefined || monotonicNow() - last.at > wantedKeptFor) {
    last = { at: monotonicNow(), found: findWanted(db) };
    lastWanted.set(db, last);
    last.found.catch(() => lastWanted.delete(db));
  }
  return last.found;
}

function tellWanted(scrape: Scrape, { wanted }: Records, now: Date): void {
  for (const { kind, n, oldest, failing } of wanted) {
    const age = oldest === null ? 0 : Math.max(0, now.getTime() - Date.parse(oldest)) / 1_000;
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
