import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { lookForSessionTrouble } from '../session/trouble.ts';
import { isFinal } from './queries.ts';

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: lookForSessionTrouble }),
  mutationCache: new MutationCache({ onError: lookForSessionTrouble }),
  defaultOptions: {
    queries: {
      // A browser that believes to be offline would otherwise wait in silence, and send an act whenever it thinks better of it.
      networkMode: 'always',
      retry: (times, error) => times < 2 && !isFinal(error),
      staleTime: 1_000,
      // Whoever comes back to the tab sees how it is now.
      refetchOnWindowFocus: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});
