import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { State, stateWord } from '../parts/state.tsx';
import { stores as t } from '../texts/cloud.ts';

/** What AWS says of the connection, and what was asked for and is not done yet. */
export function StoreState({ store: { state, wanted } }: { store: Schemas['ExternalKeyStore'] }) {
  if (wanted === null) return <State of={state} />;
  return (
    <StatusIndicator type="in-progress">
      {stateWord(state)}, {t.wanted[wanted]}
    </StatusIndicator>
  );
}
