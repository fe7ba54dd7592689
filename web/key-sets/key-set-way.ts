import { useCallback } from 'react';
import { useWholeList } from '../api/queries.ts';
import { useFilterInAddress } from '../parts/filter-in-address.ts';
import { useSession } from '../session/session.tsx';

type Way = (comparison: { operator: string; value: string }) => { keySetId: string } | undefined;

/**
 * Filters name a key set, as people and the command line do; the API is asked by its id. Until that is known nothing can be
 * asked.
 */
export function useKeySetWay(): { isKnown: boolean; way: Way; name: string } {
  const { vaultId } = useSession().user;
  const [filter] = useFilterInAddress();
  const named = filter.tokens.find(
    ({ propertyKey, operator }) => propertyKey === 'by-keySet' && operator === '=',
  );
  const enabled = vaultId !== null && named !== undefined;
  const name = String(named?.value ?? '');
  const { data, error } = useWholeList(
    'listKeySets',
    { vaultId: vaultId ?? '' },
    { query: { name }, enabled },
  );
  const way = useCallback<Way>(
    ({ operator, value }) => {
      const found = operator === '=' ? data?.find((one) => one.name === value) : undefined;
      return found === undefined ? undefined : { keySetId: found.id };
    },
    [data],
  );
  return { isKnown: !enabled || data !== undefined || error !== null, way, name };
}
