import { setTimeout as delay } from 'node:timers/promises';
import { sql, type Kysely, type Transaction } from 'kysely';
import { monotonicNow } from '../../clock.ts';
import type { Tables } from '../schema.ts';
import type { Session } from './session.ts';

/**
 * The last audit event that a transaction wrote: by what it is found again where the connection was lost during its COMMIT. Nothing
 * else of PostgreSQL's would do: transaction ids are given again after a crash, and another server has its own.
 */
export interface TransactionMark {
  sequence: number;
  request_id: string;
  action: string;
  at: string;
}

/** Undefined where it wrote none. */
export async function markOf(trx: Transaction<Tables>): Promise<TransactionMark | undefined> {
  const { rows } = await sql<TransactionMark>`SELECT sequence, request_id, action, at
    FROM (SELECT sequence, request_id, action, at, xmin FROM audit_events ORDER BY sequence DESC LIMIT 1) AS last
    WHERE last.xmin = pg_current_xact_id_if_assigned()::xid`.execute(trx);
  return rows[0];
}

/** Between two looks, milliseconds. */
const pause = 50;

/**
 * Whether a transaction whose COMMIT was not answered was done. Undefined where the database could not be asked before
 * `until`, milliseconds of the monotonic clock.
 */
export async function wasDone(
  db: Kysely<Tables>,
  mark: TransactionMark,
  session: Session,
  until: number,
): Promise<boolean | undefined> {
  for (;;) {
    try {
      // In this order: what commits while it is looked for has ended before.
      const hasEnded = await endSession(db, session);
      if (await isRecorded(db, mark)) return true;
      if (hasEnded) return false;
    } catch {
      // Not there yet: it is asked again.
    }
    if (monotonicNow() > until) return undefined;
    await delay(pause);
  }
}

/** The process that serves the lost connection may still be at the COMMIT. */
async function endSession(db: Kysely<Tables>, { pid, backendStart }: Session): Promise<boolean> {
  const { rows } = await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = ${pid} AND backend_start = ${backendStart}::timestamptz`.execute(db);
  return rows.length === 0;
}

/** Whether the audit event of the transaction is in the database that `db` asks. */
export async function isRecorded(
  db: Kysely<Tables>,
  { sequence, request_id, action, at }: TransactionMark,
): Promise<boolean> {
  const found = await db
    .selectFrom('audit_events')
    .select('sequence')
    .where('sequence', '=', sequence)
    .where('request_id', '=', request_id)
    .where('action', '=', action)
    .where('at', '=', at)
    .executeTakeFirst();
  return found !== undefined;
}
