import { useSyncExternalStore } from 'react';
import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { isSilent } from './looks.ts';

/** From when, at the earliest, what is shown is; undefined where all of it was answered when it was asked for last. */
function since(client: QueryClient): number | undefined {
  const silent = client
    .getQueryCache()
    .findAll({ type: 'active' })
    .filter(({ state }) => isSilent(state.fetchFailureReason ?? state.error) && state.dataUpdatedAt > 0)
    .map(({ state }) => state.dataUpdatedAt);
  return silent.length === 0 ? undefined : Math.min(...silent);
}

/**
 * Since when the node does not answer what this page asks it, in milliseconds of the epoch: what is shown is from then,
 * though it looks like now.
 */
export function useSilence(): number | undefined {
  const client = useQueryClient();
  return useSyncExternalStore(
    (listener) => client.getQueryCache().subscribe(listener),
    () => since(client),
  );
}
