import type { ReactNode } from 'react';

/** A list as {@link useList} reads it. */
export interface ReadList<T> {
  items: T[];
  error: unknown;
  isPending: boolean;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
  refetch: () => unknown;
  /** Told which of them are in view, by id: of a long list they are asked for again more often than the rest. */
  onView: (ids: readonly string[]) => void;
}

const nothing = () => undefined;

/** A list that came as a whole, and is asked for again by a press alone. */
export function wholeList<T>(items: readonly T[], refetch: () => unknown): ReadList<T> {
  return {
    ...{ items: [...items], error: null, isPending: false, refetch },
    ...{ hasNextPage: false, isFetchingNextPage: false, fetchNextPage: nothing, onView: nothing },
  };
}

export interface Column<T> {
  id: string;
  header: string;
  cell: (item: T) => ReactNode;
  /** As the API sorts by it; it sorts by nothing else. */
  sortedAs?: string;
  /** The text that is looked for in a filter; without it the column is not filtered by. */
  text?: (item: T) => string;
  /** What it is found by as well, with `=`, where the API is asked: its id. What it is told by in a filter is its text. */
  alias?: (item: T) => string;
  /** In a file that is downloaded, where it is another text, or is not filtered by. */
  file?: (item: T) => string;
  /** Not shown unless asked for. */
  hidden?: boolean;
  /** Not shown, unless asked for, where the window has no room for it. */
  wide?: boolean;
  isRowHeader?: boolean;
  /** In pixels, where there is no more room than that. */
  width?: number;
}
