import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useSearchParams } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { call } from '../api/client.ts';
import { pace } from '../api/looks.ts';
import { useIsWatched } from '../api/watched.ts';
import { useSession } from '../session/session.tsx';

export type Traffic = Schemas['Traffic'];
export type Range = Traffic['range'];

/** As the AWS console offers them, and a month. */
export const ranges: readonly Range[] = ['1h', '3h', '12h', '1d', '1w', '30d'];

/** How far back charts go, in the address. */
export function useRange(): [Range, (range: Range) => void] {
  const [search, setSearch] = useSearchParams();
  const range = ranges.find((one) => one === search.get('range')) ?? '1h';
  const change = (chosen: Range) =>
    setSearch(
      (before) => {
        const after = new URLSearchParams(before);
        after.set('range', chosen);
        return after;
      },
      { replace: true },
    );
  return [range, change];
}

/** Requests over time, of the vault or of the appliance, as its user sees them; only where they may. */
export function useTraffic(range: Range, enabled: boolean) {
  const { vaultId } = useSession().user;
  const watched = useIsWatched();
  return useQuery<Traffic>({
    queryKey: ['traffic', vaultId, range],
    queryFn: async ({ signal }) =>
      vaultId === null
        ? (await call('getTraffic', { query: { range }, signal })).body
        : (await call('getVaultTraffic', { params: { vaultId }, query: { range }, signal })).body,
    enabled,
    placeholderData: keepPreviousData,
    refetchInterval: watched ? (range === '1h' ? pace.status : pace.rare) : false,
  });
}
