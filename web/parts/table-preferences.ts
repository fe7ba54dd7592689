import type { CollectionPreferencesProps } from '@cloudscape-design/components/collection-preferences';
import { useState } from 'react';

export type TablePreferences = Required<
  Pick<CollectionPreferencesProps.Preferences, 'pageSize' | 'wrapLines'>
> &
  Pick<CollectionPreferencesProps.Preferences, 'contentDisplay'>;

const initial: TablePreferences = { pageSize: 50, wrapLines: true };

/** How somebody wants a table, kept in their browser. */
export function useTablePreferences(
  id: string,
): [TablePreferences, (change: CollectionPreferencesProps.Preferences) => void] {
  const place = `holdfast.table.${id}`;
  const [preferences, setPreferences] = useState<TablePreferences>(() => {
    try {
      return {
        ...initial,
        ...(JSON.parse(localStorage.getItem(place) ?? '{}') as Partial<TablePreferences>),
      };
    } catch {
      return initial;
    }
  });
  const change = (given: CollectionPreferencesProps.Preferences) => {
    const next = { ...preferences, ...given } as TablePreferences;
    setPreferences(next);
    try {
      localStorage.setItem(place, JSON.stringify(next));
    } catch {
      // Until the page is closed, then.
    }
  };
  return [preferences, change];
}
