import { z } from 'zod';
import type { Page, PageInput } from '../vault/page.ts';
import { VaultError } from '../vault/vault-error.ts';

/** Query parameters that every list takes. `orders` are the names that it may be sorted by, the default first. */
export function pageQuery(orders: Readonly<Record<string, unknown>>) {
  const names = Object.keys(orders);
  return {
    limit: z.coerce.number().int().min(1).max(200).default(50).describe('Maximum number of items in a page.'),
    cursor: z.string().max(2000).optional().describe('`next` of the previous page.'),
    sort: z
      .enum(names.flatMap((name) => [name, `-${name}`]))
      .default(names[0] ?? '')
      .describe('Field to sort by; prefix it with `-` for descending order.'),
  };
}

/** What a list takes that is short and has an order of its own. */
export const wholeQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(200).describe('Maximum number of items in a page.'),
  cursor: z.string().max(2000).optional().describe('`next` of the previous page.'),
};

/** A page of a list that is held whole; `idOf` tells its items apart. Throws VaultError `invalid`. */
export function pageOfWhole<T>(
  items: readonly T[],
  { limit, cursor }: { limit: number; cursor?: string | undefined },
  idOf: (item: T) => string,
): Page<T> {
  const last = cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString('utf8');
  const start = last === undefined ? 0 : items.findIndex((item) => idOf(item) === last) + 1;
  if (last !== undefined && start === 0)
    throw new VaultError('invalid', 'the cursor is not one of this list', 'begin the list again');
  const page = items.slice(start, start + limit);
  const end = page.at(-1);
  const more = start + limit < items.length && end !== undefined;
  return { items: page, next: more ? Buffer.from(idOf(end)).toString('base64url') : null };
}

/** What a list answers. */
export function pageOf(item: z.ZodType, name: string) {
  return z
    .strictObject({
      items: z.array(item),
      next: z.string().nullable().describe('Pass it as `cursor` to get the next page; null at the end.'),
    })
    .meta({ id: `${name}Page` });
}

/** The page that a query with {@link pageQuery} asks for. */
export function pageInput({ limit, cursor, sort }: PageInput): PageInput {
  return { limit, cursor, sort };
}
