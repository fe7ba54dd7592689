import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { lookForSessionTrouble } from '../session/trouble.ts';
import { isSilent, nextLook } from './looks.ts';

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: lookForSessionTrouble }),
  mutationCache: new MutationCache({ onError: lookForSessionTrouble }),
  defaultOptions: {
    queries: {
      // A browser that believes to be offline would otherwise wait in silence, and send an act whenever it thinks better of it.
      networkMode: 'always',
      retry: (times, error) => times < 2 && isSilent(error),
      staleTime: 1_000,
      // What is asked once is asked again until it is answered; what has a pace of its own says so itself.
      refetchInterval: ({ state }) => nextLook(state.error, false),
      // Whoever comes back to the tab sees how it is now.
      refetchOnWindowFocus: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});
