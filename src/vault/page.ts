import { sql, type Expression, type ReferenceExpression, type SelectQueryBuilder } from 'kysely';
import { z } from 'zod';
import type { Tables } from '../store/schema.ts';
import { VaultError } from './vault-error.ts';

/** One page of a list that is asked for. */
export interface PageWish {
  /** 1 to 200. */
  limit: number;
  /** `next` of the page before. */
  cursor?: string | undefined;
  /** A column of the list, `-` before it for descending order. */
  sort?: string | undefined;
}

export interface Page<T> {
  items: T[];
  /** Asks for the next page; null at the end. */
  next: string | null;
}

const cursorForm = z.tuple([
  z.string(),
  z.union([z.string(), z.number(), z.null()]),
  z.union([z.string(), z.number()]),
]);

/**
 * Reads a page by its place in the order, not by counting: what is added or deleted meanwhile neither repeats nor hides
 * another row, and the last page costs as much as the first. `columns` are the ones that may be sorted by, of which the
 * first is the default; none of them may be null. `id` makes the order total.
 */
export async function readPage<TB extends keyof Tables, O>(
  query: SelectQueryBuilder<Tables, TB, O>,
  columns: Readonly<Record<string, ReferenceExpression<Tables, TB>>>,
  id: ReferenceExpression<Tables, TB>,
  wish: PageWish,
): Promise<Page<O>> {
  const sort = wish.sort ?? Object.keys(columns)[0] ?? '';
  const descending = sort.startsWith('-');
  const column = columns[descending ? sort.slice(1) : sort];
  if (column === undefined)
    throw new VaultError('invalid', `it can be sorted by ${Object.keys(columns).join(', ')}`);
  const direction = descending ? 'desc' : 'asc';
  let ordered = query
    .select([(eb) => eb.ref(column as never).as('page_sort'), (eb) => eb.ref(id as never).as('page_id')])
    .orderBy(column as never, direction)
    .orderBy(id as never, direction)
    .limit(wish.limit + 1);
  if (wish.cursor !== undefined) {
    const [value, lastId] = readCursor(wish.cursor, sort);
    const beyond = descending ? sql`<` : sql`>`;
    ordered = ordered.where(
      (eb) =>
        sql<boolean>`(${eb.ref(column as never)}, ${eb.ref(id as never)}) ${beyond} (${value}, ${lastId})`,
    );
  }
  const rows = (await ordered.execute()) as (O & { page_sort?: unknown; page_id?: unknown })[];
  const more = rows.length > wish.limit;
  const kept = rows.slice(0, wish.limit);
  const last = kept.at(-1);
  const next = more && last !== undefined ? writeCursor(sort, last.page_sort, last.page_id) : null;
  for (const row of kept) {
    delete row.page_sort;
    delete row.page_id;
  }
  return { items: kept, next };
}

/**
 * One page of several of one list, all asked for with `wish`: what is on more than one of them is on it once. `placeOf`
 * gives what the list is sorted by, and the id.
 */
export function mergePages<T>(
  pages: readonly Page<T>[],
  wish: PageWish & { sort?: string | undefined },
  placeOf: (item: T) => readonly [string | number, string | number],
): Page<T> {
  const [only, ...others] = pages;
  if (only !== undefined && others.length === 0) return only;
  const byId = new Map(pages.flatMap(({ items }) => items.map((item) => [placeOf(item)[1], item])));
  const sign = wish.sort?.startsWith('-') === true ? -1 : 1;
  const merged = [...byId.values()].toSorted((one, other) => sign * compare(placeOf(one), placeOf(other)));
  const items = merged.slice(0, wish.limit);
  const last = items.at(-1);
  const more = merged.length > items.length || pages.some(({ next }) => next !== null);
  return { items, next: more && last !== undefined ? writeCursor(wish.sort ?? '', ...placeOf(last)) : null };
}

function compare(one: readonly (string | number)[], other: readonly (string | number)[]): number {
  for (const [index, value] of one.entries()) {
    const against = other[index] ?? value;
    if (value !== against) return value < against ? -1 : 1;
  }
  return 0;
}

/**
 * The column, for a condition that must not choose the index: the list is walked in its order, and what does not fit is
 * passed over (sqlite.org/optoverview.html, unary `+`).
 */
export function notByIndex<T>(column: Expression<T>): Expression<T> {
  return sql<T>`+${column}`;
}

function writeCursor(sort: string, value: unknown, id: unknown): string {
  return Buffer.from(JSON.stringify([sort, value, id])).toString('base64url');
}

function readCursor(cursor: string, sort: string): [string | number | null, string | number] {
  const wrong = new VaultError('invalid', 'the cursor is not one of this list in this order');
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw wrong;
  }
  const result = cursorForm.safeParse(parsed);
  if (!result.success || result.data[0] !== sort) throw wrong;
  return [result.data[1], result.data[2]];
}
