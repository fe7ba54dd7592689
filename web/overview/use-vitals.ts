import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { call } from '../api/client.ts';
import { pace } from '../api/looks.ts';
import { useIsWatched } from '../api/watched.ts';
import type { Range } from './use-traffic.ts';

export type Vitals = Schemas['Vitals'];

/** How the nodes were over time, or the node with this id. */
export function useVitals(range: Range, node: string | undefined) {
  const watched = useIsWatched();
  return useQuery<Vitals>({
    queryKey: ['vitals', range, node ?? ''],
    queryFn: async ({ signal }) =>
      (await call('getVitals', { query: { range, ...(node === undefined ? {} : { node }) }, signal })).body,
    placeholderData: keepPreviousData,
    refetchInterval: watched ? (range === '1h' ? pace.status : pace.rare) : false,
  });
}
