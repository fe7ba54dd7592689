import type { Remembered } from '../vault/remembered.ts';

/** So many at once: whoever asks meanwhile waits for no more. */
const atOnce = 200;

/** Names in their order, page by page, `max` in all at the most. `list` gives those after a name, so many at the most. */
export async function* pagesOf(
  list: (after: string, limit: number) => Promise<readonly string[]>,
  max: number,
): AsyncGenerator<readonly string[]> {
  let after = '';
  for (let left = max; left > 0;) {
    const limit = Math.min(atOnce, left);
    const page = await list(after, limit);
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < limit) return;
    after = last;
    left -= page.length;
  }
}

/**
 * Looks up what is not remembered yet, many at once. Each name is remembered from before it is read, so that a change of it
 * meanwhile has it forgotten. Gives what there is of them.
 */
export async function lookAhead<V>(
  remembered: Remembered<V>,
  names: readonly string[],
  read: (unknown: readonly string[]) => Promise<ReadonlyMap<string, V>>,
): Promise<V[]> {
  const found: (V | undefined)[] = [];
  for (let from = 0; from < names.length; from += atOnce) {
    const page = names.slice(from, from + atOnce);
    const unknown = page.filter((name) => !remembered.has(name));
    const all = Promise.withResolvers<ReadonlyMap<string, V>>();
    const looking = page.map(async (name) => remembered.get(name, async () => (await all.promise).get(name)));
    if (unknown.length > 0) read(unknown).then(all.resolve, all.reject);
    found.push(...(await Promise.all(looking)));
  }
  return found.filter((one) => one !== undefined);
}
