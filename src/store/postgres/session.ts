import type { Client } from 'pg';
import { StoreError } from '../store-error.ts';
import { assertDirect } from './direct.ts';
import { durabilityProblems, durabilityQuery, type DurabilityRow } from './durability.ts';
import { nameOf, type Durability, type PostgresSettings } from './settings.ts';

/** What is known of one connection: who serves it, and what that does with what it has acknowledged. */
export interface Session {
  /** Of the process that serves it, which is another's where the time of its start is another. */
  pid: number;
  backendStart: string;
  claimed: Durability;
  /** What the claim asks for and the server has not. */
  problems: readonly string[];
}

interface SessionRow extends DurabilityRow {
  pid: number;
  backend_start: string;
  in_recovery: number;
  encoding: string;
  version: number;
}

/** PostgreSQL 14. */
const oldestVersion = 140_000;

const sessionQuery = `${durabilityQuery},
  pg_backend_pid() AS pid,
  (SELECT backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()) AS backend_start,
  pg_is_in_recovery() AS in_recovery,
  current_setting('server_encoding') AS encoding,
  current_setting('server_version_num')::integer AS version`;

/** Looks at whom a new connection leads to. Throws StoreError where the store cannot be there. */
export async function examine(client: Client, settings: PostgresSettings): Promise<Session> {
  const { rows } = await client.query<SessionRow>(sessionQuery);
  const [row] = rows;
  if (row === undefined) throw new Error('the database server says nothing of itself');
  assertDirect(client, row.pid, settings);
  const name = nameOf(settings);
  if (row.in_recovery === 1)
    throw new StoreError(
      'read-only',
      `the server of ${name} is a standby, or still recovering`,
      'store.address must lead to the primary, after a fail-over too: docs/fleet.md',
    );
  if (row.version < oldestVersion)
    throw new StoreError(
      'not-a-store',
      `the server of ${name} is PostgreSQL ${Math.floor(row.version / 10_000)}`,
      'Holdfast needs PostgreSQL 14 or newer',
    );
  if (row.encoding !== 'UTF8')
    throw new StoreError(
      'not-a-store',
      `the database ${name} has the encoding ${row.encoding}`,
      'make it anew: CREATE DATABASE … OWNER … ENCODING UTF8 TEMPLATE template0',
    );
  return {
    pid: row.pid,
    backendStart: row.backend_start,
    claimed: settings.durability,
    problems: durabilityProblems(settings.durability, row),
  };
}
