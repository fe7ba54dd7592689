import { isProblem, type Item } from '../client/api-client.ts';
import type { Api } from '../client/api.ts';
import { isForPrograms } from '../output/output.ts';

/** A field that holds the id of something people know by name. */
export interface Reference {
  /** Such as `adminGroupId`. */
  field: string;
  /** The list of such things, under /api/v1. */
  path: string;
  by?: string;
}

/** So many are asked for one by one; of more the whole list is read. */
const maxSingly = 20;

/**
 * For people: the records with names in the place of ids, `adminGroup` for `adminGroupId`. What cannot be looked at keeps
 * its id. For programs as they are.
 */
export async function named(
  { client, options }: Pick<Api, 'client' | 'options'>,
  items: readonly Item[],
  references: readonly Reference[],
): Promise<Item[]> {
  if (isForPrograms(options)) return [...items];
  const found = await Promise.all(
    references.map(async ({ field, path, by = 'name' }) => {
      const ids = new Set(items.map((item) => item[field]).filter((id) => typeof id === 'string'));
      return [field, await namesOf(client, path, by, ids)] as const;
    }),
  );
  const names = new Map(found);
  return items.map((item) =>
    Object.fromEntries(
      Object.entries(item).map(([field, value]) => {
        const name = names.get(field)?.get(String(value));
        if (name !== undefined) return [field.replace(/Id$/, ''), name];
        return names.has(field) && value === null ? [field.replace(/Id$/, ''), null] : [field, value];
      }),
    ),
  );
}

async function namesOf(
  client: Api['client'],
  path: string,
  by: string,
  ids: ReadonlySet<string>,
): Promise<Map<string, unknown>> {
  if (ids.size === 0) return new Map();
  const things =
    ids.size > maxSingly
      ? await client.list(path)
      : await Promise.all([...ids].map(async (id) => client.get(`${path}/${id}`).catch(noneOf)));
  return new Map(things.flatMap((thing) => (thing === undefined ? [] : [[String(thing['id']), thing[by]]])));
}

/** A name is a courtesy: who may see the record may not see everything that it refers to. */
function noneOf(error: unknown): undefined {
  if (isProblem(error, 'not-found', 'forbidden')) return undefined;
  throw error;
}
