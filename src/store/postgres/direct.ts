import type { Client } from 'pg';
import { StoreError } from '../store-error.ts';
import { nameOf, type PostgresSettings } from './settings.ts';

/** How a pooler refuses the settings that a session is begun with, as PgBouncer does unless it is told to drop them in silence. */
export const refusedBySomePooler = /unsupported startup parameter/;

export const poolerRemediation =
  'let store.address and port lead to the server itself, or to what passes TCP on as it is, such as HAProxy: docs/fleet.md';

/**
 * Whoever accepts a connection names the process that a cancel request is for (PostgreSQL's protocol, BackendKeyData). The server
 * itself names the one that runs our statements. A pooler cannot: it lends that process to others after each transaction, or
 * takes another for us after a while, so that it names one of its own making. What Holdfast has in a session, such as time-outs, LISTEN
 * and the lock of the database, would be somebody else's, or nobody's. Throws StoreError.
 */
export function assertDirect(client: Client, serving: number, settings: PostgresSettings): void {
  const { processID: named } = client as Client & { processID: number | null };
  if (named === serving) return;
  throw new StoreError(
    'not-permitted',
    `the way to ${nameOf(settings)} leads through a connection pooler, such as PgBouncer`,
    poolerRemediation,
  );
}
