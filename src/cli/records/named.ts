import { addressOf, one, type Address, type PathWith } from '../client/address.ts';
import { isProblem } from '../client/api-client.ts';
import type { Api, NamedPath } from '../client/api.ts';
import { isForPrograms } from '../output/output.ts';

/** A field that holds the id of something people know by name. */
export interface Reference {
  /** Such as `adminGroupId`. */
  field: string;
  list: Address<NamedPath>;
  by?: string;
}

/** A record in which names may stand for ids: `adminGroup` in place of `adminGroupId`. */
export type Named<T> = T & {
  [Field in keyof T as Field extends `${infer Name}Id` ? Name : never]?: string | null;
};

/** So many are asked for one by one; of more the whole list is read. */
const maxSingly = 20;

/**
 * For people: the records with names in the place of ids, `adminGroup` for `adminGroupId`. What cannot be looked at keeps
 * its id. For programs as they are.
 */
export async function named<T extends object>(
  { client, options }: Pick<Api, 'client' | 'options'>,
  items: readonly T[],
  references: readonly Reference[],
): Promise<Named<T>[]> {
  if (isForPrograms(options)) return [...items];
  const found = await Promise.all(
    references.map(async ({ field, list, by = 'name' }) => {
      const ids = new Set(
        items.map((item): unknown => Reflect.get(item, field)).filter((id) => typeof id === 'string'),
      );
      return [field, await namesOf(client, list, by, ids)] as const;
    }),
  );
  const names = new Map(found);
  return items.map((item) => {
    const shown = Object.fromEntries(
      Object.entries(item).map(([field, value]) => {
        const name = names.get(field)?.get(String(value));
        if (name !== undefined) return [field.replace(/Id$/, ''), name];
        return names.has(field) && value === null ? [field.replace(/Id$/, ''), null] : [field, value];
      }),
    );
    return shown as Named<T>;
  });
}

async function namesOf(
  client: Api['client'],
  list: Address<NamedPath>,
  by: string,
  ids: ReadonlySet<string>,
): Promise<Map<string, unknown>> {
  if (ids.size === 0) return new Map();
  const things =
    ids.size > maxSingly
      ? await client.list(list)
      : await Promise.all(
          [...ids].map(async (id) =>
            client.get(addressOf<PathWith<'GET'>>(one(list, id).path)).catch(noneOf),
          ),
        );
  return new Map(
    things.flatMap((thing) =>
      thing === undefined ? [] : [[String(Reflect.get(thing, 'id')), Reflect.get(thing, by)]],
    ),
  );
}

/** A name is a courtesy: who may see the record may not see everything that it refers to. */
function noneOf(error: unknown): undefined {
  if (isProblem(error, 'not-found', 'forbidden')) return undefined;
  throw error;
}
