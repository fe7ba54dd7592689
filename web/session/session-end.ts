import type { Schemas } from '../../src/cli/client/api-types.ts';

/**
 * When a session ends unless somebody comes back, milliseconds of the epoch by this browser's clock. That may be another than the
 * node's, of whose times only how long there was left counts, at the moment `told` at which it told them.
 */
export function endOf(
  session: Pick<Schemas['Session'], 'expiresAt' | 'lastSeenAt' | 'idleMinutes'>,
  told: number,
  unwatchedSince: number | undefined,
): number {
  const latest = told + Date.parse(session.expiresAt) - Date.parse(session.lastSeenAt);
  if (unwatchedSince === undefined) return latest;
  return Math.min(latest, unwatchedSince + session.idleMinutes * 60_000);
}
