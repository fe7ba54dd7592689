import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql, type Expression, type ReferenceExpression, type SelectQueryBuilder } from 'kysely';
import type { Tables } from '../store/schema.ts';
import { unindexed } from '../store/sqlite-words.ts';
import { readCursor, writeCursor, type Place } from './page-cursor.ts';
import { VaultError } from './vault-error.ts';

/** One page of a list that is asked for. */
export interface PageInput {
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

/** All rows that a list goes through, found and put in order by an index alone; of which the filters then choose. */
export type Through<TB extends keyof Tables> = SelectQueryBuilder<Tables, TB, object>;

/** So many rows are gone through in one statement: first some, since a page is full soon, then more. */
const stepRows = [1_000, 5_000] as const;
/** So many for one page: one that is not full by then tells where to go on. */
const maxRows = 200_000;

/**
 * Reads a page by its place in the order, not by counting: what is added or deleted meanwhile neither repeats nor hides
 * another row, and the last page costs as much as the first. `columns` are the ones that may be sorted by, of which the
 * first is the default; none of them may be null. `id` makes the order total.
 *
 * `through` is gone through in steps, with a turn of the event loop after each, so that a filter that lets little pass
 * stops nobody; after {@link maxRows} the page ends, full or not. `few` where an index finds so few rows that they may
 * all be read and sorted.
 */
export async function readPage<TB extends keyof Tables, O, TT extends keyof Tables>(
  query: SelectQueryBuilder<Tables, TB, O>,
  through: Through<TT> | 'few',
  columns: Readonly<Record<string, ReferenceExpression<Tables, TB>>>,
  id: ReferenceExpression<Tables, TB>,
  input: PageInput,
): Promise<Page<O>> {
  const sort = input.sort ?? Object.keys(columns)[0] ?? '';
  const descending = sort.startsWith('-');
  const column = columns[descending ? sort.slice(1) : sort];
  if (column === undefined)
    throw new VaultError('invalid', `it can be sorted by ${Object.keys(columns).join(', ')}`);
  const order: Order = { column: column as string, id: id as string, descending };
  const selected = query.select([
    (eb) => eb.ref(column as never).as('page_sort'),
    (eb) => eb.ref(id as never).as('page_id'),
  ]) as SelectQueryBuilder<Tables, TB, O & Placed>;
  let from = input.cursor === undefined ? undefined : readCursor(input.cursor, sort);
  const rows: (O & Placed)[] = [];
  for (let gone = 0, step = 0; ; step++) {
    const batchSize = stepRows[step] ?? stepRows[1];
    const to = through === 'few' ? undefined : await placeAfter(through, order, from, batchSize);
    const missing = input.limit + 1 - rows.length;
    const some = await between(selected, order, from, to).limit(missing).execute();
    rows.push(...(some as (O & Placed)[]));
    gone += batchSize;
    if (some.length === missing || to === undefined) break;
    from = to;
    if (gone >= maxRows) return { items: rows.map(withoutPlace), next: writeCursor(sort, ...to) };
    await nextTurn();
  }
  const kept = rows.slice(0, input.limit);
  const last = kept.at(-1);
  const more = rows.length > input.limit;
  const next = more && last !== undefined ? writeCursor(sort, last.page_sort, last.page_id) : null;
  return { items: kept.map(withoutPlace), next };
}

interface Order {
  column: string;
  id: string;
  descending: boolean;
}

interface Placed {
  page_sort: string | number | null;
  page_id: string | number;
}

function withoutPlace<O>(row: O & Placed): O {
  const { page_sort: _sort, page_id: _id, ...rest } = row;
  return rest as O;
}

/** After `from`, and up to `to`. */
function between<TB extends keyof Tables, O>(
  query: SelectQueryBuilder<Tables, TB, O>,
  { column, id, descending }: Order,
  from: Place | undefined,
  to: Place | undefined,
): SelectQueryBuilder<Tables, TB, O> {
  const direction = descending ? 'desc' : 'asc';
  const [beyond, upTo] = descending ? [sql`<`, sql`>=`] : [sql`>`, sql`<=`];
  const place = sql`(${sql.ref(column)}, ${sql.ref(id)})`;
  let ordered = query.orderBy(column as never, direction).orderBy(id as never, direction);
  if (from !== undefined) ordered = ordered.where(sql<boolean>`${place} ${beyond} (${from[0]}, ${from[1]})`);
  if (to !== undefined) ordered = ordered.where(sql<boolean>`${place} ${upTo} (${to[0]}, ${to[1]})`);
  return ordered;
}

/** The place of the row that is so many after `from`; undefined where there are not so many. */
async function placeAfter<TT extends keyof Tables>(
  through: Through<TT>,
  order: Order,
  from: Place | undefined,
  rows: number,
): Promise<Place | undefined> {
  const found = await between(through, order, from, undefined)
    .clearSelect()
    .select([
      sql<Place[0]>`${sql.ref(order.column)}`.as('page_sort'),
      sql<Place[1]>`${sql.ref(order.id)}`.as('page_id'),
    ])
    .limit(1)
    .offset(rows - 1)
    .executeTakeFirst();
  return found === undefined ? undefined : [found.page_sort, found.page_id];
}

/**
 * One page of several of one list, all asked for with `input`: what is on more than one of them is on it once. `placeOf`
 * gives what the list is sorted by, and the id.
 */
export function mergePages<T>(
  pages: readonly Page<T>[],
  input: PageInput & { sort?: string | undefined },
  placeOf: (item: T) => readonly [string | number, string | number],
): Page<T> {
  const [only, ...others] = pages;
  if (only !== undefined && others.length === 0) return only;
  const sort = input.sort ?? '';
  const sign = sort.startsWith('-') ? -1 : 1;
  const inOrder = (one: Place, other: Place) => sign * compare(one, other);
  const byId = new Map(pages.flatMap(({ items }) => items.map((item) => [placeOf(item)[1], item])));
  const merged = [...byId.values()].toSorted((one, other) => inOrder([...placeOf(one)], [...placeOf(other)]));
  // Beyond the end of any of the pages that goes on, what it has there is not known yet.
  const ends = pages.flatMap(({ next }) => (next === null ? [] : [readCursor(next, sort)]));
  const end = ends.toSorted(inOrder).at(0);
  const known = end === undefined ? merged : merged.filter((item) => inOrder([...placeOf(item)], end) <= 0);
  const items = known.slice(0, input.limit);
  const last = items.at(-1);
  if (known.length > items.length && last !== undefined)
    return { items, next: writeCursor(sort, ...placeOf(last)) };
  return { items, next: end === undefined ? null : writeCursor(sort, ...end) };
}

function compare(one: Place, other: Place): number {
  for (const [index, value] of one.entries()) {
    const against = other[index] ?? value;
    if (value !== null && against !== null && value !== against) return value < against ? -1 : 1;
  }
  return 0;
}

/**
 * The column, for a condition that must not choose the index: the list is walked in its order, and what does not fit is
 * passed over.
 */
export function notByIndex<T>(column: Expression<T>): Expression<T> {
  return unindexed(column);
}
