import { z } from 'zod';
import type { PageWish } from '../vault/page.ts';

/** Query parameters that every list takes. `orders` are the names that it may be sorted by, the default first. */
export function pageQuery(orders: Readonly<Record<string, unknown>>) {
  const names = Object.keys(orders);
  return {
    limit: z.coerce.number().int().min(1).max(200).default(50).describe('How many items a page has at most.'),
    cursor: z.string().max(2000).optional().describe('`next` of the page before.'),
    sort: z
      .enum(names.flatMap((name) => [name, `-${name}`]))
      .default(names[0] ?? '')
      .describe('What the list is sorted by; `-` before it for descending order.'),
  };
}

/** What a list answers. */
export function pageOf(item: z.ZodType, name: string) {
  return z
    .strictObject({
      items: z.array(item),
      next: z.string().nullable().describe('Asks for the next page, as `cursor`; null at the end.'),
    })
    .meta({ id: `${name}Page` });
}

/** The page that a query with {@link pageQuery} asks for. */
export function pageWish({ limit, cursor, sort }: PageWish): PageWish {
  return { limit, cursor, sort };
}
