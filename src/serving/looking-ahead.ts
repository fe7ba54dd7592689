import type { Remembered } from '../vault/remembered.ts';
import { readBy } from './by-deadline.ts';

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
async function lookAhead<V>(
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

/**
 * Look-ups of what is remembered. What was read just now may be of a revision that is not known here yet. Then it is not remembered: a
 * store that loses that revision would be where it is known to be, and tell of no change.
 */
export class Looks {
  readonly #isKnown: () => Promise<boolean>;

  /** `isKnown` tells whether the store is where it is known to be. */
  constructor(isKnown: () => Promise<boolean>) {
    this.#isKnown = isKnown;
  }

  /** Throws StoreError: at `deadline`, by the monotonic clock, too. The look-up goes on then, for who waits longer. */
  async find<V>(
    remembered: Remembered<V>,
    name: string,
    look: () => Promise<V | undefined>,
    deadline = Infinity,
  ): Promise<V | undefined> {
    const found = remembered.get(name, async () => {
      const looked = await look();
      await this.#keep(remembered, [name]);
      return looked;
    });
    // Most of the time it is there, and needs no timer.
    return remembered.isUnderWay(found) ? readBy(found, deadline) : found;
  }

  /** Many at once; gives what there is of them. */
  async ahead<V>(
    remembered: Remembered<V>,
    names: readonly string[],
    read: (unknown: readonly string[]) => Promise<ReadonlyMap<string, V>>,
  ): Promise<V[]> {
    return lookAhead(remembered, names, async (unknown) => {
      const found = await read(unknown);
      await this.#keep(remembered, unknown);
      return found;
    });
  }

  async #keep(remembered: Pick<Remembered<unknown>, 'forget'>, names: readonly string[]): Promise<void> {
    if (await this.#isKnown()) return;
    for (const name of names) remembered.forget(name);
  }
}
