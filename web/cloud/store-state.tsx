import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { State, stateWord } from '../parts/state.tsx';
import { stores as t } from '../texts/cloud.ts';
import { storeHealth } from '../texts/store-edit.ts';

type Store = Schemas['ExternalKeyStore'];

/** What is known to be wrong with it, apart from whether AWS is connected: a connection may be up and a request still fail. */
export function healthWords({ connectionError, problem, warnings, checkedAt }: Store): string {
  if (connectionError !== null || problem !== null) return connectionError?.code ?? problem?.code ?? '';
  if (warnings.length > 0) return storeHealth.warnings(warnings.length);
  return checkedAt === null ? storeHealth.notLooked : storeHealth.nothingFound;
}

export function StoreHealth({ store }: { store: Store }) {
  const { connectionError, problem, warnings, checkedAt } = store;
  const type =
    connectionError !== null || problem !== null
      ? 'error'
      : warnings.length > 0
        ? 'warning'
        : checkedAt === null
          ? 'pending'
          : 'success';
  return <StatusIndicator type={type}>{healthWords(store)}</StatusIndicator>;
}

/** What AWS says of the connection, and what was asked for and is not done yet. */
export function StoreState({ store: { state, wanted } }: { store: Store }) {
  if (wanted === null) return <State of={state} />;
  return (
    <StatusIndicator type="in-progress">
      {stateWord(state)}, {t.wanted[wanted]}
    </StatusIndicator>
  );
}
