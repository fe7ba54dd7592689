import { setTimeout as delay } from 'node:timers/promises';
import { sql, type RawBuilder, type Transaction } from 'kysely';
import type { Tables } from '../store/schema.ts';
import { removeCredentials } from '../keys/credentials/credential-records.ts';
import { deletionsHeldUntil } from './deletion-hold.ts';
import { storesWithCredential } from '../cloud/key-stores/records.ts';
import type { House } from '../vault/context.ts';

const hour = 3_600_000;
const day = 24 * hour;
/** A repetition later than this is a new request (docs: Idempotency-Key). */
const idempotencyKeptFor = day;
/** What ended grants nothing any more; so long it can still be asked what it was. The audit trail has it for good. */
const endedKeptFor = 90 * day;
/** A lease that ran out so long ago has no holder who could come back for it. */
const leasesKeptFor = day;
/** A node that was not seen for so long is no node of this store. */
const nodesKeptFor = 90 * day;

const reconciliationsKept = 50;
/** So many vaults are looked at in one statement for reports beyond those that are kept. */
const scopesAtOnce = 500;

/** So many rows are deleted in one transaction: some two milliseconds. */
const rowsAtOnce = 200;
/** Between two of them others write, milliseconds. */
const pause = 5;
/** So many transactions of one kind in one look; the rest is for the next. */
const mostAtOneLook = 100;

/** This node, as it shows itself to the others. */
export interface NodeFacts {
  id: string;
  hostname: string;
  version: string;
}

/** Deletes so many rows of one kind that have served, each found by an index; answers how many there were. */
interface Step {
  most: number;
  clear: (trx: Transaction<Tables>, most: number) => Promise<number>;
}

/** Deletes what has served: it grants nothing any more, and would grow without end. Answers how many rows. */
export async function clearAway(house: House): Promise<number> {
  // A clock that leapt ahead ends everything: what cannot be made again waits, as deletions do.
  const trusted = (await deletionsHeldUntil(house)) === undefined;
  let cleared = 0;
  for (const step of [...passing(house.now()), ...(trusted ? ended(house.now()) : [])])
    cleared += await repeat(house, step);
  return cleared + (await clearReconciliations(house));
}

/** Step after step, with room for others between. */
async function repeat(house: House, { most, clear }: Step): Promise<number> {
  let cleared = 0;
  for (let count = 0; count < mostAtOneLook; count++) {
    const last = await house.store.bookkeep(async (trx) => clear(trx, most));
    cleared += last;
    if (last < most) break;
    await delay(pause);
  }
  return cleared;
}

/** Of each vault and of the whole the newest stay, so that nobody's drive out another's. */
async function clearReconciliations(house: House): Promise<number> {
  let cleared = 0;
  for (let scope: string | undefined = ''; scope !== undefined;) {
    const next: { last: string | null; over: string[] } = await reportScopes(house, scope);
    for (const over of next.over)
      cleared += await repeat(house, {
        most: rowsAtOnce,
        clear: async (trx, most) => clearReports(trx, over, most),
      });
    scope = next.last ?? undefined;
    await delay(pause);
  }
  return cleared;
}

/** Which of the next vaults after `from`, and the first time the appliance (''), have more reports than are kept. */
async function reportScopes(house: House, from: string): Promise<{ last: string | null; over: string[] }> {
  const beyond = from === '' ? sql`>=` : sql`>`;
  // From one vault to the next by the index, not over all of their reports.
  const { rows } = await sql<{ vault_id: string; is_over: number }>`
    WITH RECURSIVE scopes (vault_id, n) AS (
      SELECT min(vault_id), 1 FROM reconciliations WHERE vault_id ${beyond} ${from}
      UNION ALL
      SELECT (SELECT min(vault_id) FROM reconciliations WHERE vault_id > scopes.vault_id), n + 1
      FROM scopes WHERE scopes.vault_id IS NOT NULL AND n < ${scopesAtOnce})
    SELECT vault_id, EXISTS (SELECT 1 FROM reconciliations WHERE reconciliations.vault_id = scopes.vault_id
      LIMIT 1 OFFSET ${reconciliationsKept}) AS is_over
    FROM scopes WHERE vault_id IS NOT NULL`.execute(house.store.db);
  const over = rows.flatMap(({ vault_id, is_over }) => (is_over === 1 ? [vault_id] : []));
  return { last: rows.length < scopesAtOnce ? null : (rows.at(-1)?.vault_id ?? null), over };
}

/** Deletes so many reports of one vault beyond those that are kept, the newest of them first. */
async function clearReports(trx: Transaction<Tables>, vaultId: string, most: number): Promise<number> {
  return deleted(
    trx,
    sql`reconciliations WHERE rowid IN (SELECT rowid FROM reconciliations WHERE vault_id = ${vaultId}
      ORDER BY began_at DESC, id DESC LIMIT ${most} OFFSET ${reconciliationsKept})`,
  );
}

/*
 * Rows to delete are named by a subquery with a LIMIT, since SQLite is not always built with DELETE ... LIMIT. They are
 * looked for by one end each, so that the index on it is walked no further than what is deleted.
 */
function passing(now: Date): Step[] {
  const at = now.toISOString();
  const before = (age: number) => new Date(now.getTime() - age).toISOString();
  return [
    rowsOf('sessions', sql`expires_at <= ${at}`),
    rowsOf('oidc_sign_ins', sql`expires_at <= ${at}`),
    rowsOf('idempotency_keys', sql`created_at <= ${before(idempotencyKeptFor)}`),
  ];
}

function ended(now: Date): Step[] {
  const before = (age: number) => new Date(now.getTime() - age).toISOString();
  return [
    rowsOf('recovery_codes', sql`used_at <= ${before(endedKeptFor)}`),
    rowsOf('api_keys', sql`expires_at <= ${before(endedKeptFor)}`),
    rowsOf('api_keys', sql`revoked_at <= ${before(endedKeptFor)}`),
    rowsOf('leases', sql`until <= ${before(leasesKeptFor)}`),
    rowsOf('nodes', sql`last_seen_at <= ${before(nodesKeptFor)}`),
    // The others stay: they tell what was deleted from the trail.
    rowsOf('audit_prunings', sql`state = 'REFUSED' AND ended_at <= ${before(endedKeptFor)}`),
    withdrawnCredentials(before(endedKeptFor)),
  ];
}

/**
 * With when they were used last. One that an external key store has in AWS, or may have, stays: who looks for why AWS is
 * refused finds it.
 */
function withdrawnCredentials(before: string): Step {
  const clear: Step['clear'] = async (trx, most) => {
    const gone = await trx
      .selectFrom('xks_credentials')
      .select('access_key_id')
      .where('withdrawn_at', '<=', before)
      .where((eb) =>
        eb.not(
          eb.exists(
            storesWithCredential(
              eb.ref('xks_credentials.key_set_id'),
              eb.ref('xks_credentials.access_key_id'),
            ),
          ),
        ),
      )
      .limit(most)
      .execute();
    const ids = gone.map(({ access_key_id: id }) => id);
    await removeCredentials(trx, ids);
    return ids.length;
  };
  // Three rows each: with its last use, and what tells workers to forget it.
  return { most: rowsAtOnce / 4, clear };
}

function rowsOf(table: keyof Tables, where: RawBuilder<unknown>): Step {
  const found = (most: number) => sql`SELECT rowid FROM ${sql.table(table)} WHERE ${where} LIMIT ${most}`;
  return {
    most: rowsAtOnce,
    clear: async (trx, most) => deleted(trx, sql`${sql.table(table)} WHERE rowid IN (${found(most)})`),
  };
}

async function deleted(trx: Transaction<Tables>, rows: RawBuilder<unknown>): Promise<number> {
  const { numAffectedRows = 0n } = await sql`DELETE FROM ${rows}`.execute(trx);
  return Number(numAffectedRows);
}

/** Says that this node lives; `startedAt` is the start of this process. */
export async function showNode(house: House, node: NodeFacts, startedAt: Date): Promise<void> {
  const { id, hostname, version } = node;
  const facts = {
    hostname,
    version,
    started_at: startedAt.toISOString(),
    last_seen_at: house.now().toISOString(),
  };
  await house.store.bookkeep(async (trx) => {
    await trx
      .insertInto('nodes')
      .values({ id, ...facts })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(facts))
      .execute();
  });
}
