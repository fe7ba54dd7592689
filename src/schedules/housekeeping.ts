import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { oldIdempotencyKeys } from '../evidence/trail.ts';
import { staleLeases } from '../fleet/leases.ts';
import { silentNodes } from '../fleet/nodes.ts';
import { endedSecrets, expiredSessions } from '../identity/given-up.ts';
import { removeCredentials } from '../keys/credentials/credential-records.ts';
import { oldFailedRequests } from '../keys/failed-request-rows.ts';
import { deletionsHeldUntil } from './deletion-hold.ts';
import { storesWithCredential } from '../cloud/key-stores/records.ts';
import { reportsBeyond, vaultsWithMany } from '../reconcile/old-reports.ts';
import { clearedPerBatch, rowsOf, type ClearedRows } from '../store/cleared-rows.ts';
import type { VaultContext } from '../vault/context.ts';

const hour = 3_600_000;
const day = 24 * hour;
/** A repetition later than this is a new request (docs: Idempotency-Key). */
const idempotencyKeptFor = day;
/** What ended grants nothing any more; so long it can still be asked what it was. The audit trail has it for good. */
const endedKeptFor = 90 * day;
/** As long as the charts in which they are counted go back. */
const failedRequestsKeptFor = 30 * day;
/** A lease that ran out so long ago has no holder who could come back for it. */
const leasesKeptFor = day;
/** A node that was not seen for so long is no node of this store. */
const nodesKeptFor = 90 * day;

/** Between two of them others write, milliseconds. */
const pause = 5;
/** So many transactions of one kind in one look; the rest is for the next. */
const maxAtOneLook = 100;

/** Deletes what has served: it grants nothing any more, and would grow without end. Answers how many rows. */
export async function clearAway(context: VaultContext): Promise<number> {
  // A clock that leapt ahead ends everything: what cannot be made again waits, as deletions do.
  const trusted = (await deletionsHeldUntil(context)) === undefined;
  let cleared = 0;
  for (const step of [...passing(context.now()), ...(trusted ? ended(context.now()) : [])])
    cleared += await repeat(context, step);
  return cleared + (await clearReconciliations(context));
}

/** Step after step, with room for others between. */
async function repeat(context: VaultContext, { max, clear }: ClearedRows): Promise<number> {
  let cleared = 0;
  for (let count = 0; count < maxAtOneLook; count++) {
    const last = await context.store.bookkeep('housekeeping', async (trx) => clear(trx, max));
    cleared += last;
    if (last < max) break;
    await delay(pause);
  }
  return cleared;
}

/** Of each vault and of the whole the newest stay, so that nobody's drive out another's. */
async function clearReconciliations(context: VaultContext): Promise<number> {
  let cleared = 0;
  for (let scope: string | undefined = ''; scope !== undefined;) {
    const next: { last: string | null; over: string[] } = await vaultsWithMany(context, scope);
    for (const over of next.over) cleared += await repeat(context, reportsBeyond(over));
    scope = next.last ?? undefined;
    await delay(pause);
  }
  return cleared;
}

function passing(now: Date): ClearedRows[] {
  const before = (age: number) => new Date(now.getTime() - age).toISOString();
  return [...expiredSessions(now.toISOString()), oldIdempotencyKeys(before(idempotencyKeptFor))];
}

function ended(now: Date): ClearedRows[] {
  const before = (age: number) => new Date(now.getTime() - age).toISOString();
  return [
    ...endedSecrets(before(endedKeptFor)),
    staleLeases(before(leasesKeptFor)),
    silentNodes(before(nodesKeptFor)),
    oldFailedRequests(before(failedRequestsKeptFor)),
    // The others stay: they tell what was deleted from the trail.
    rowsOf('audit_prunings', sql`state = 'REFUSED' AND ended_at <= ${before(endedKeptFor)}`),
    withdrawnCredentials(before(endedKeptFor)),
  ];
}

/**
 * With when they were used last. One that an external key store has in AWS, or may have, stays: who looks for why AWS is
 * refused finds it.
 */
function withdrawnCredentials(before: string): ClearedRows {
  const clear: ClearedRows['clear'] = async (trx, max) => {
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
      .limit(max)
      .execute();
    const ids = gone.map(({ access_key_id: id }) => id);
    await removeCredentials(trx, ids);
    return ids.length;
  };
  // Three rows each: with its last use, and what tells workers to forget it.
  return { max: clearedPerBatch / 4, clear };
}
