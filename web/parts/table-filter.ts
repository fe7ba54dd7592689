import type { PropertyFilterProperty } from '@cloudscape-design/collection-hooks';
import { parts as t } from '../texts/parts.ts';
import type { Asked } from './asked.ts';
import type { Column, ReadList } from './list.ts';

/* What a list is filtered by, and what of it was searched. */

/** So many are looked through for a filter. */
export const mostLookedThrough = 5_000;

/** An item with the texts that filters look at beside it, under the ids of their columns. */
export type Row<T> = { item: T } & Record<string, unknown>;

export function rowOf<T>(item: T, columns: readonly Column<T>[]): Row<T> {
  return Object.assign(
    { item },
    Object.fromEntries(
      columns.flatMap(({ id, text }) => (text === undefined ? [] : [[`by-${id}`, text(item)]])),
    ),
  );
}

export function filterProperties<T>(
  columns: readonly Column<T>[],
  items: readonly T[],
): PropertyFilterProperty[] {
  return columns.flatMap(({ id, header, text, alias }) => {
    if (text === undefined) return [];
    const format = (value: string) => {
      const named = items.find((item) => alias?.(item) === value);
      return named === undefined ? value : text(named);
    };
    return [
      {
        key: `by-${id}`,
        propertyLabel: header,
        groupValuesLabel: header,
        operators: [':', '!:', alias === undefined ? '=' : { operator: '=', format }, '!=', '^'],
        defaultOperator: '=' as const,
      },
    ];
  });
}

export function headerOf<T>(columns: readonly Column<T>[], key: string | undefined): string {
  return columns.find(({ id }) => `by-${id}` === key)?.header ?? '';
}

interface Search<T> {
  list: Pick<ReadList<T>, 'items' | 'error' | 'isPending' | 'hasNextPage'>;
  isFiltered: boolean;
  /** Part of the filter is looked for here. */
  goesThrough: boolean;
  looksOn: boolean;
}

/** What was searched, so that nobody takes what was not found for what is not there. */
export function searchedWords<T>(
  { list: { isPending, error, items, hasNextPage }, isFiltered, goesThrough, looksOn }: Search<T>,
  columns: readonly Column<T>[],
  asked: Asked,
  caution = '',
): string {
  const askable = columns.filter(({ id }) => asked.columns.includes(id)).map(({ header }) => header);
  const how = t.searched.how(askable.join(', '), mostLookedThrough);
  if (!isFiltered || error !== null) return how;
  if (isPending) return t.searching;
  if (looksOn) return t.looking(items.length);
  const words = goesThrough
    ? hasNextPage
      ? how
      : t.searched.through(items.length)
    : hasNextPage
      ? t.searched.some(items.length)
      : t.searched.whole;
  return `${words} ${caution}`.trim();
}
