import type { PropertyFilterProps } from '@cloudscape-design/components/property-filter';
import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router';

/* What a list is filtered by stands in the address, so that it can be sent to somebody, and comes back with the back button. */

const none: PropertyFilterProps.Query = { tokens: [], operation: 'and' };

export function useFilterInAddress(): [
  PropertyFilterProps.Query,
  (query: PropertyFilterProps.Query) => void,
] {
  const [search, setSearch] = useSearchParams();
  const text = search.get('filter');
  const query = useMemo(() => parse(text), [text]);
  const change = useCallback(
    ({ tokens, operation }: PropertyFilterProps.Query) =>
      setSearch(
        (before) => {
          const after = new URLSearchParams(before);
          if (tokens.length === 0) after.delete('filter');
          else
            after.set(
              'filter',
              JSON.stringify([
                operation,
                ...tokens.map((one) => [one.propertyKey ?? '', one.operator, one.value as string]),
              ]),
            );
          return after;
        },
        { replace: true },
      ),
    [setSearch],
  );
  return [query, change];
}

export type Comparison = readonly [property: string, operator: string, value: string];

/** The address of a list that shows what has such a property. */
export function filtered(path: string, ...tokens: readonly Comparison[]): string {
  return `${path}?${new URLSearchParams({ filter: JSON.stringify(['and', ...tokens]) }).toString()}`;
}

function parse(text: string | null): PropertyFilterProps.Query {
  if (text === null) return none;
  try {
    const [operation, ...tokens] = JSON.parse(text) as ['and' | 'or', ...[string, string, string][]];
    if (operation !== 'and' && operation !== 'or') return none;
    // Whoever sends somebody an address may have written anything there.
    if (!tokens.flat().every((part) => typeof part === 'string')) return none;
    return {
      operation,
      tokens: tokens.map(([propertyKey, operator, value]) => ({
        ...(propertyKey === '' ? {} : { propertyKey }),
        operator,
        value,
      })),
    };
  } catch {
    return none;
  }
}
