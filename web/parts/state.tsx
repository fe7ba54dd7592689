import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import { states as words } from '../texts/states.ts';

type Kind = StatusIndicatorProps.Type;

/** How a state looks: sign and colour; the word is beside it always. */
const kinds: Readonly<Record<string, Kind>> = {
  ACTIVE: 'success',
  ACCEPTED: 'success',
  AVAILABLE: 'success',
  CONNECTED: 'success',
  CONNECTING: 'in-progress',
  CREATING: 'in-progress',
  CURRENT: 'success',
  DEGRADED: 'warning',
  DELETED: 'stopped',
  DESTROYED: 'stopped',
  DESTROYING: 'in-progress',
  DISABLED: 'stopped',
  DISCONNECTED: 'stopped',
  DISCONNECTING: 'in-progress',
  DOWN: 'error',
  EXPIRED: 'stopped',
  FAILED: 'error',
  FROZEN: 'warning',
  GONE: 'stopped',
  LIVE: 'success',
  NOT_FOUND: 'error',
  OLD: 'pending',
  PENDING: 'in-progress',
  PENDING_DELETION: 'warning',
  REFUSED: 'error',
  RETIRED: 'stopped',
  REVOKED: 'stopped',
  UNAVAILABLE: 'error',
  UNKNOWN: 'pending',
  UP: 'success',
  WITHDRAWN: 'stopped',
};

/** A state, by the API's word for it. A word that a later node has is shown as it comes. */
export function State({ of, more }: { of: string; more?: string | undefined }) {
  const known = words[of] ?? of;
  return (
    <StatusIndicator type={kinds[of] ?? 'info'}>
      {more === undefined ? known : `${known}, ${more}`}
    </StatusIndicator>
  );
}

export function stateWord(of: string): string {
  return words[of] ?? of;
}
