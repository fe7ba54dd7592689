/*
 * Of a long list not everything is asked for again all the time: what somebody looks at is, page by page as the API has them,
 * and takes the place of what was read before.
 */

export interface ListPage<T> {
  items: T[];
  next: string | null;
}

/** What an item is known by; undefined for what only short lists have. */
export function keyOf(item: unknown): string | undefined {
  const { id, sequence } = item as { id?: string; sequence?: number };
  return id ?? sequence?.toString();
}

/** The pages that have any of these, by their index. */
export function pagesOf<T>(pages: readonly ListPage<T>[], keys: readonly string[]): number[] {
  const wanted = new Set<string | undefined>(keys);
  return pages.flatMap(({ items }, index) => (items.some((item) => wanted.has(keyOf(item))) ? [index] : []));
}

/**
 * The whole list, of which some pages were asked for again by themselves: `fresh`, by their index. What they have is shown as they
 * have it, and an item is in the list once.
 */
export function withFresh<T>(pages: readonly ListPage<T>[], fresh: ReadonlyMap<number, ListPage<T>>): T[] {
  if (fresh.size === 0) return pages.flatMap(({ items }) => items);
  const later = new Set([...fresh.values()].flatMap(({ items }) => items.map(keyOf)));
  const shown = new Set<string | undefined>();
  const all: T[] = [];
  const show = (items: readonly T[]): void => {
    for (const item of items) {
      if (!shown.has(keyOf(item))) all.push(item);
      shown.add(keyOf(item));
    }
  };
  const showOlder = (items: readonly T[]): void => show(items.filter((item) => !later.has(keyOf(item))));
  for (const [index, before] of pages.entries()) {
    const now = fresh.get(index);
    if (now === undefined) {
      showOlder(before.items);
      continue;
    }
    show(now.items);
    // It is the last one by now.
    if (now.next === null) return all;
    showOlder(pushedOff(before, now, pages[index + 1]));
  }
  return all;
}

/** What newer items have pushed off the end of a page: it is not on the one after it, which was read before. */
function pushedOff<T>(before: ListPage<T>, now: ListPage<T>, after: ListPage<T> | undefined): T[] {
  const there = new Set(now.items.map(keyOf));
  // Fewer are left than there were: what is missing is gone.
  if (after?.items.some((item) => there.has(keyOf(item))) === true) return [];
  const last = before.items.findLastIndex((item) => there.has(keyOf(item)));
  return now.next === before.next ? [] : before.items.slice(last + 1);
}
