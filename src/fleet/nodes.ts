import { setTimeout as delay } from 'node:timers/promises';
import { sql, type Transaction } from 'kysely';
import { monotonicNow } from '../clock.ts';
import { rowsOf, type ClearedRows } from '../store/cleared-rows.ts';
import type { NodeTable, Tables } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { Reading } from '../vault/edits.ts';
import type { VaultContext } from '../vault/context.ts';
import { divide, type Division, type OwnQuotas, type Peer, type ToldShares } from './quota-shares.ts';
import { shownOf, type ShownDatabase, type ShownNode, type ShownToken } from './shown-node.ts';

/** A node shows itself so often, milliseconds. */
export const showEvery = 10_000;

/** One that is drained, and hears by that when it is wanted back, milliseconds. */
export const showEveryDrained = 1_000;

/** It is thought to be down when it did not for so long, milliseconds. */
export const upFor = 60_000;

/** So long nodes believe that another serves which was killed since, milliseconds: two signs may be missed. */
const servesFor = 2.5 * showEvery;

/** What a node has claimed of the quotas is left to it for so long after it may not use all of it any more, milliseconds. */
const claimMargin = 2 * showEvery;

/** It may use what it has claimed of them for so long after it has shown that at the least, milliseconds. */
export const keepsAtLeast = upFor - claimMargin;

/** A node as its supervisor has it shown. */
export interface NodeSign {
  id: string;
  hostname: string;
  version: string;
  /** Of this start of the node, a UUID. */
  start: string;
  startedAt: string;
  /** It has shown itself since then. */
  again: boolean;
  /** It is the last time: the node ends. */
  ends: boolean;
  tokens: ShownToken[];
  /** {@link ShownNode} */
  serves: boolean;
  manages: boolean;
  boot: string | null;
  /** No quota of it has let anything through since the last sign. */
  idle: boolean;
  /** Without it the node shares quotas with no other. */
  quotas?: OwnQuotas | undefined;
  /** {@link ShownNode} */
  unkept?: string | undefined;
}

/** What the node is told of the others, and of itself. */
export interface Fleet {
  /** Nodes that are up. */
  live: number;
  /** Tokens of the others that are up. */
  tokens: ShownToken[];
  /** It is to get no new work, and there is another that says it takes it. */
  drained: boolean;
  /** What it may let through of each quota from now on. */
  shares?: ToldShares | undefined;
  /** Another process with this node's id has shown itself meanwhile. */
  twin?: { hostname: string; startedAt: string };
}

type Shows = Pick<Store, 'db' | 'bookkeep' | 'revision'>;

/** Says that the node lives, and what it has; answers what the others say. `clock` compares with the database server's. */
export async function showNode(
  store: Shows,
  sign: NodeSign,
  database: ShownDatabase,
  now: () => Date,
  clock = clockAhead,
): Promise<Fleet> {
  const { tokens, serves, manages, boot, unkept = null } = sign;
  const revision = await store.revision();
  return store.bookkeep('node', async (trx) => {
    // On a connection that is there: how long one is waited for says nothing of the clock.
    const clockOffset = database.kind === 'sqlite' ? null : await clock(trx, now);
    const at: NodeTime = { at: now(), ahead: clockOffset };
    const nodes = await trx.selectFrom('nodes').selectAll().execute();
    const before = nodes.find(({ id }) => id === sign.id);
    const others = nodes.filter((node) => node.id !== sign.id && isUp(node, at));
    const drained = isDrained(before) && others.some((node) => takesRequests(node, at));
    // One that is about to hear that it is drained is none that another's drain may count on.
    const facts = { database, clockOffset, revision, tokens, serves: serves && !drained, manages, boot };
    const sharesQuotas = !drained || !sign.idle;
    const shares = dividedAmong(nodes, sign, sharesQuotas, at);
    const quotas = shares?.shown ?? null;
    const shown = JSON.stringify({ ...facts, sharesQuotas, quotas, unkept } satisfies ShownNode);
    await write(trx, { ...(await rowOf(trx, sign, before)), shown }, at.at, sign.ends);
    // Of an earlier release that was killed as it wrote its id. Nobody can name it to remove it.
    if (!sign.again && nodes.some((node) => node.id === '' && !isUp(node, at)))
      await trx.deleteFrom('nodes').where('id', '=', '').execute();
    return {
      live: others.length + (sign.ends ? 0 : 1),
      tokens: others.flatMap((node) => shownOf(node)?.tokens ?? []),
      drained,
      shares: shares?.told,
      ...(sign.again && isAnother(before, sign, at)
        ? { twin: { hostname: before.hostname, startedAt: before.started_at } }
        : {}),
    };
  });
}

/**
 * Read and shown in one transaction, and all that write to the store take turns: what the others claim is what they claim until this is
 * committed. The claims of one that is DOWN and was not stopped count until it must have given up what is more than an even share,
 * and longer after the database was away for this one: so it may have been for the other.
 */
export function dividedAmong(
  nodes: readonly NodeTable[],
  { id, quotas }: Pick<NodeSign, 'id' | 'quotas'>,
  isSharer: boolean,
  at: NodeTime,
): Division | undefined {
  if (quotas === undefined) return undefined;
  const peers = nodes.flatMap((node): Peer[] => {
    if (node.id === id) return [];
    const shown = shownOf(node);
    const theirs = shown?.quotas ?? null;
    const up = isUp(node, at);
    const counts = up || (theirs !== null && isUp(node, at, theirs.keeps + claimMargin + quotas.away));
    return counts ? [{ isSharer: up && shown?.sharesQuotas !== false, quotas: theirs }] : [];
  });
  return divide(quotas, isSharer, peers);
}

function isDrained(node: Pick<NodeTable, 'drained_at'> | undefined): boolean {
  return node !== undefined && node.drained_at !== null;
}

/** Whether a node that is drained may leave its requests to this one, by its last sign. */
export function takesRequests(node: NodeTable, now: NodeTime): boolean {
  return isUp(node, now, servesFor) && !isDrained(node) && shownOf(node)?.serves === true;
}

/** Whether it may leave to this one what is done by schedule. */
function takesSchedules(node: NodeTable, now: NodeTime): boolean {
  return isUp(node, now) && !isDrained(node) && shownOf(node)?.manages === true;
}

/** Whether the node is to do nothing by schedule: it is drained, and another does it. */
export async function leavesSchedulesIn(trx: Transaction<Tables>, id: string, now: Date): Promise<boolean> {
  const own = await trx
    .selectFrom('nodes')
    .select('id')
    .where('id', '=', id)
    .where('drained_at', 'is not', null)
    .executeTakeFirst();
  // As a rule it is not.
  if (own === undefined) return false;
  const nodes = await trx.selectFrom('nodes').selectAll().execute();
  const at = await fleetNowIn(trx, id, now);
  return nodes.some((node) => node.id !== id && takesSchedules(node, at));
}

/** What is known of when a node was seen. */
type Seen = Pick<NodeTable, 'last_seen_at' | 'ended_at' | 'shown'>;

/** A time by a node's own clock, and how far that stands ahead of the database server's, milliseconds; null where it is not known. */
export interface NodeTime {
  at: Date;
  ahead: number | null;
}

/** Now, with how far the node that asks has found its clock to be from the database server's: nodes are compared by that one. */
export async function fleetNow({ store, now, instance }: FleetClock): Promise<NodeTime> {
  return fleetNowIn(store.db, nodeOf(instance), now());
}

type FleetClock = Pick<VaultContext, 'instance' | 'now'> & { store: Pick<Store, 'db'> };

async function fleetNowIn(db: Reading, id: string, at: Date): Promise<NodeTime> {
  const own = await db.selectFrom('nodes').select('shown').where('id', '=', id).executeTakeFirst();
  return { at, ahead: (own && shownOf(own)?.clockOffset) ?? null };
}

/** Milliseconds since it was seen, by the database server's clock where both have told how far theirs are from it. */
function since(node: Seen, { at, ahead }: NodeTime): number {
  const theirs = shownOf(node)?.clockOffset ?? null;
  const skew = ahead === null || theirs === null ? 0 : ahead - theirs;
  return at.getTime() - Date.parse(node.last_seen_at) - skew;
}

/** UP, DRAINING where it is up and is to get no new work, or DOWN. */
export function stateOf(
  node: Seen & Pick<NodeTable, 'drained_at'>,
  now: Date | NodeTime,
): 'UP' | 'DRAINING' | 'DOWN' {
  if (!isUp(node, now)) return 'DOWN';
  return node.drained_at === null ? 'UP' : 'DRAINING';
}

/** Whether it has shown itself within so many milliseconds, and was not stopped since; by {@link fleetNow}, or by one clock. */
export function isUp(node: Seen, now: Date | NodeTime, within = upFor): boolean {
  const { last_seen_at, ended_at } = node;
  // One that an older version starts after that says nothing of its end.
  const wasStopped = ended_at !== null && ended_at >= last_seen_at;
  return !wasStopped && since(node, now instanceof Date ? { at: now, ahead: null } : now) <= within;
}

/**
 * How far ahead of the latest sign of life of any node the clock stood when the node `id` was started, or stands now where that
 * was looked at already, milliseconds; 0 where there was none.
 */
export async function aheadOfLastSign({ store, now }: VaultContext, id: string): Promise<number> {
  const { own, any } = await store.db
    .selectFrom('nodes')
    .select((eb) => [
      eb.fn.max('last_seen_at').as('any'),
      eb.fn.max(eb.case().when('id', '=', id).then(eb.ref('quiet_since')).else(null).end()).as('own'),
    ])
    .executeTakeFirstOrThrow();
  const last: string | null = own ?? any;
  return last === null ? 0 : now().getTime() - Date.parse(last);
}

/** The node's clock was compared with the last sign of life before its start. */
export async function clockCompared({ store }: VaultContext, id: string): Promise<void> {
  await store.bookkeep('node', async (trx) =>
    trx
      .updateTable('nodes')
      .set({ quiet_since: null })
      .where('id', '=', id)
      .where('quiet_since', 'is not', null)
      .execute(),
  );
}

/** Those that were not seen since `before`, ISO 8601: no nodes of this store any more. */
export function silentNodes(before: string): ClearedRows {
  return rowsOf('nodes', sql`last_seen_at <= ${before}`);
}

/**
 * The node on another machine that lives under this node's id, where its row goes on being written while it is watched for so many
 * milliseconds. A node that was killed on this machine and is started again waits for nothing. A copy of a machine has its
 * hostname too, but not its start of the kernel; nor has a machine that was reset, which waits therefore.
 */
export async function livesElsewhere(
  { db }: Pick<Store, 'db'>,
  { id, hostname, boot, now }: Pick<NodeSign, 'id' | 'hostname' | 'boot'> & { now: () => Date },
  watched = 1.5 * showEvery,
): Promise<NodeTable | undefined> {
  const read = async () => db.selectFrom('nodes').selectAll().where('id', '=', id).executeTakeFirst();
  const first = await read();
  if (first === undefined || !isUp(first, now())) return undefined;
  const bootBefore = shownOf(first)?.boot ?? boot;
  if (first.hostname === hostname && bootBefore === boot) return undefined;
  const until = monotonicNow() + watched;
  while (monotonicNow() < until) {
    await delay(watched / 20);
    const row = await read();
    if (row !== undefined && row.last_seen_at > first.last_seen_at) return isUp(row, now()) ? row : undefined;
  }
  return undefined;
}

/** Whether another process than that of the sign lives under this id. */
function isAnother(row: NodeTable | undefined, { start }: NodeSign, now: NodeTime): row is NodeTable {
  return row !== undefined && row.start !== null && row.start !== start && isUp(row, now);
}

async function rowOf(trx: Transaction<Tables>, sign: NodeSign, before: NodeTable | undefined) {
  const { id, hostname, version, start, startedAt: started_at } = sign;
  const row = { id, hostname, version, start, started_at };
  if (sign.again || before?.start === start) return row;
  const { last } = await trx
    .selectFrom('nodes')
    .select((eb) => eb.fn.max('last_seen_at').as('last'))
    .executeTakeFirstOrThrow();
  return { ...row, quiet_since: last as string | null };
}

async function write(
  trx: Transaction<Tables>,
  { id, ...row }: Awaited<ReturnType<typeof rowOf>> & { shown: string },
  at: Date,
  ends: boolean,
): Promise<void> {
  const last_seen_at = at.toISOString();
  const facts = { ...row, last_seen_at, ended_at: ends ? last_seen_at : null };
  await trx
    .insertInto('nodes')
    .values({ id, ...facts })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(facts))
    .execute();
}

/** By half the time that the question took it may be wrong. */
async function clockAhead(trx: Transaction<Tables>, now: () => Date): Promise<number> {
  const asked = now().getTime();
  const { rows } = await sql<{ at: number }>`
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS at`.execute(trx);
  return Math.round((asked + now().getTime()) / 2 - (rows[0]?.at ?? asked));
}

/** The node of an instance, `node id/start`. */
export function nodeOf(instance: string): string {
  return instance.slice(0, instance.lastIndexOf('/'));
}
