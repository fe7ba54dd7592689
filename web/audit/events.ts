import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { QueryOf } from '../api/operation-types.ts';
import { useList } from '../api/queries.ts';
import { useSession } from '../session/session.tsx';

export type Event = Schemas['AuditEvent'];
export type EventQuery = QueryOf<'listAuditEvents'>;

/** Events of the trail of the vault, or of the appliance. */
export function useEvents(query: EventQuery, enabled = true) {
  const { vaultId } = useSession().user;
  const params = { vaultId: vaultId ?? '' };
  const inVault = useList('listAuditEvents', params, { query, enabled: enabled && vaultId !== null });
  const ofAppliance = useList('listApplianceAuditEvents', undefined, {
    query,
    enabled: enabled && vaultId === null,
  });
  return vaultId === null ? ofAppliance : inVault;
}

/** Why it was done, as far as somebody has told. */
export function reasonOf({ after }: Pick<Event, 'after'>): string {
  const told = after?.['reason'];
  return typeof told === 'string' ? told : '';
}

export function isSequence(text: string): boolean {
  return /^[1-9]\d{0,14}$/.test(text);
}

export function actorOf({ name, kind }: Event['actor']): string {
  return name === '' ? kind : kind === 'user' ? name : `${name} (${kind})`;
}
