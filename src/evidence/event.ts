import type { Selectable } from 'kysely';
import type { AuditEventTable } from '../store/schema.ts';
import { canonicalJson } from './canonical-json.ts';

/** An event of the trail as the API and archives show it. */
export interface AuditEvent {
  sequence: number;
  at: string;
  beganAt: string | null;
  actor: {
    kind: AuditEventTable['actor_kind'];
    id: string;
    name: string;
    /** Left out where it is not known: archives of before have the line without. */
    vaultId?: string;
  };
  address: string;
  requestId: string;
  action: string;
  outcome: AuditEventTable['outcome'];
  target: { kind: string; id: string; name: string };
  before: unknown;
  after: unknown;
}

export function showEvent(row: Selectable<AuditEventTable>): AuditEvent {
  return {
    sequence: row.sequence,
    at: row.at,
    beganAt: row.began_at,
    actor: {
      kind: row.actor_kind,
      id: row.actor_id,
      name: row.actor_name,
      ...(row.actor_vault_id === null ? {} : { vaultId: row.actor_vault_id }),
    },
    address: row.address,
    requestId: row.request_id,
    action: row.action,
    outcome: row.outcome,
    target: { kind: row.target_kind, id: row.target_id, name: row.target_name },
    before: row.before === null ? null : (JSON.parse(row.before) as unknown),
    after: row.after === null ? null : (JSON.parse(row.after) as unknown),
  };
}

/** The line of an archive that an event is, its end included: what archive and node make their digests of. */
export function eventLine(event: AuditEvent): string {
  return `${canonicalJson(event)}\n`;
}
