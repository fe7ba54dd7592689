import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import { states, type KnownState } from '../texts/states.ts';

type Kind = StatusIndicatorProps.Type;

/** How a state looks: sign and colour; the word is beside it always. */
const kinds: Readonly<Record<KnownState, Kind>> = {
  ACTIVE: 'success',
  AVAILABLE: 'success',
  CONNECTED: 'success',
  CONNECTING: 'in-progress',
  CREATING: 'in-progress',
  DEGRADED: 'warning',
  DELETED: 'stopped',
  DELETING: 'in-progress',
  DESTROYED: 'stopped',
  DESTROYING: 'in-progress',
  DISABLED: 'stopped',
  DISCONNECTED: 'stopped',
  DISCONNECTING: 'in-progress',
  DONE: 'success',
  DOWN: 'error',
  DRAINING: 'warning',
  EXPIRED: 'stopped',
  FAILED: 'error',
  FROZEN: 'warning',
  GONE: 'stopped',
  LIVE: 'success',
  NOT_FOUND: 'error',
  PENDING: 'in-progress',
  PENDING_DELETION: 'warning',
  REFUSED: 'error',
  RETIRED: 'stopped',
  REVOKED: 'stopped',
  UNAVAILABLE: 'error',
  UNKNOWN: 'pending',
  UP: 'success',
  VERIFYING: 'in-progress',
  WITHDRAWN: 'stopped',
};

const words: Readonly<Record<string, string | undefined>> = states;
const signs: Readonly<Record<string, Kind | undefined>> = kinds;

/** A state, by the API's word for it. A word that a later node has is shown as it comes. */
export function State({ of, more }: { of: string; more?: string | undefined }) {
  const known = stateWord(of);
  return (
    <StatusIndicator type={signs[of] ?? 'info'}>
      {more === undefined ? known : `${known}, ${more}`}
    </StatusIndicator>
  );
}

export function stateWord(of: string): string {
  return words[of] ?? of;
}
