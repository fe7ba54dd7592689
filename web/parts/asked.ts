import { useMemo } from 'react';
import type { PropertyFilterProps } from '@cloudscape-design/components/property-filter';
import { useFilterInAddress } from './filter-in-address.ts';

/*
 * Which part of a filter the node looks for, in all that there is. The rest is looked for here, in what was read of the
 * list: a list may be longer than anybody reads, and then what is not found may be there all the same.
 */

type Filter = PropertyFilterProps.Query;

/** What the API is asked in place of one comparison; undefined where it cannot be asked that. */
type Way<Q> = (comparison: { operator: string; value: string }) => Partial<Q> | undefined;

/** By the id of the column. */
export type Ways<Q> = Readonly<Record<string, Way<Q>>>;

export interface Asked<Q = unknown> {
  query: Partial<Q>;
  /** What is looked for here. */
  rest: Filter;
  /** Of the columns that the API can be asked about. */
  columns: readonly string[];
}

/** The API compares letter for letter, as `=` does here. */
export function equal<N extends string>(name: N): Way<Record<N, string>> {
  return ({ operator, value }) =>
    operator === '=' && value !== '' ? ({ [name]: value } as Record<N, string>) : undefined;
}

export function askedOf<Q>(filter: Filter, ways: Ways<Q>): Asked<Q> {
  const columns = Object.keys(ways);
  if (filter.operation === 'or' && filter.tokens.length > 1) return { query: {}, rest: filter, columns };
  const query: Partial<Q> = {};
  const tokens = filter.tokens.filter(({ propertyKey, operator, value }) => {
    const column = propertyKey?.replace(/^by-/, '') ?? '';
    const part = Object.hasOwn(ways, column) ? ways[column]?.({ operator, value: String(value) }) : undefined;
    // Two values of one field are no question that the API takes: nothing has both, or the second is looked for here.
    if (part === undefined || Object.keys(part).some((name) => name in query)) return true;
    Object.assign(query, part);
    return false;
  });
  return { query, rest: { operation: 'and', tokens }, columns };
}

export function useAsked<Q>(ways: Ways<Q>): Asked<Q> {
  const [filter] = useFilterInAddress();
  return useMemo(() => askedOf(filter, ways), [filter, ways]);
}

/** In words, for where the command that lists the same does not know it. */
export function filterWords(
  { tokens, operation }: Filter,
  headerOf: (propertyKey: string | undefined) => string,
): string {
  return tokens
    .map(({ propertyKey, operator, value }) => `${headerOf(propertyKey)} ${operator} ${String(value)}`.trim())
    .join(` ${operation} `);
}
