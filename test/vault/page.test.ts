import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import Database from 'better-sqlite3';
import fc from '../../testing/properties.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { mergePages, notByIndex, readPage, type Page, type PageInput } from '../../src/vault/page.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

/* Lists of which a filter lets little pass. */

const rows = 13_000;
const orders = { name: 'key_sets.name', createdAt: 'key_sets.created_at' } as const;

interface Context {
  store: SqliteStore;
  dispose: () => Promise<void>;
}

const test = anyTest as TestFn<Context>;

/** Of 13,000 key sets one in 1,999 is in the token 'rare', and none in 'none'. */
test.before(async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-page-'));
  const file = path.join(directory, 'holdfast.db');
  const store = await SqliteStore.init(file);
  const raw = new Database(file);
  raw.exec(`INSERT INTO vaults (id, name, type, description, administrator_name, administrator_email, tokens, created_at, updated_at)
      VALUES ('v', 'v', 'cloud-key-management', '', '', '', '[]', '', '');
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows - 1})
    INSERT INTO key_sets (id, vault_id, name, description, token, path_prefix, created_at, updated_at)
      SELECT 'i' || i, 'v', printf('%05d', i), '', CASE i % 1999 WHEN 1998 THEN 'rare' ELSE 'token' END, '', i % 7, '' FROM n`);
  raw.close();
  t.context = {
    store,
    dispose: async () => {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
test.after.always(async (t) => t.context.dispose());

async function list({ store }: Context, token: string, input: PageInput): Promise<Page<{ name: string }>> {
  const through = store.db.selectFrom('key_sets').where('key_sets.vault_id', '=', 'v');
  const query = through.select('key_sets.name').where((eb) => eb(notByIndex(eb.ref('token')), '=', token));
  return readPage(query, through, orders, 'key_sets.id', input);
}

for (const sort of ['name', '-name', 'createdAt', '-createdAt'])
  test(`what is rare is found wherever it is, sorted by ${sort}, on pages of any length`, async (t) => {
    const found: string[] = [];
    let next: string | null | undefined;
    while (next !== null) {
      const page: Page<{ name: string }> = await list(t.context, 'rare', {
        limit: 2,
        sort,
        cursor: next,
      });
      found.push(...page.items.map(({ name }) => name));
      t.true(page.items.length === 2 || page.next === null);
      next = page.next;
    }
    const rare = [1998, 3997, 5996, 7995, 9994, 11_993];
    const inOrder = rare.toSorted((a, b) =>
      sort.endsWith('createdAt') ? (a % 7) - (b % 7) || compareIds(a, b) : a - b,
    );
    t.deepEqual(found.map(Number), sort.startsWith('-') ? inOrder.toReversed() : inOrder);
  });

function compareIds(one: number, other: number): number {
  return `i${one}` < `i${other}` ? -1 : 1;
}

test('while it is looked for in vain the event loop has its turns', async (t) => {
  const state = { turns: 0, over: false };
  const counting = (async () => {
    while (!state.over) {
      await nextTurn();
      state.turns++;
    }
  })();
  t.deepEqual(await list(t.context, 'none', { limit: 50 }), { items: [], next: null });
  state.over = true;
  await counting;
  t.true(state.turns >= 3);
});

test('pages of one list that end early are merged as far as all of them are known', (t) => {
  const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { maxLength: 60 });
  fc.assert(
    fc.property(
      fc.array(numbers, { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 9 })),
      fc.boolean(),
      (lists, lengths, descending) => {
        const sort = descending ? '-at' : 'at';
        const sign = descending ? -1 : 1;
        const limit = 7;
        const got: number[] = [];
        let cursor: string | null = null;
        for (let pages = 0; pages === 0 || cursor !== null; pages++) {
          if (pages > 2_000) return false;
          const after = cursor === null ? undefined : placeIn(cursor);
          const shorts = lists.map((list) => {
            const left = list
              .toSorted((a, b) => sign * (a - b))
              .filter((one) => after === undefined || sign * (one - after) > 0);
            // As one that went through so many rows and found fewer, or none, that pass.
            const [length = 1] = lengths;
            const gone = left.slice(0, Math.min(limit, 1 + length));
            const last = gone.at(-1);
            const items = gone.filter((one) => one % 3 !== 0).map((at) => ({ at }));
            const next = last === undefined || gone.length === left.length ? null : cursorAt(sort, last);
            return { items, next };
          });
          const page: Page<{ at: number }> = mergePages(shorts, { limit, sort }, ({ at }) => [at, at]);
          got.push(...page.items.map(({ at }) => at));
          cursor = page.next;
        }
        const all = [...new Set(lists.flat())].filter((one) => one % 3 !== 0);
        const wanted = all.toSorted((a, b) => sign * (a - b));
        return got.length === wanted.length && got.every((one, i) => one === wanted[i]);
      },
    ),
    { numRuns: 200 },
  );
  t.pass();
});

function cursorAt(sort: string, at: number): string {
  return Buffer.from(JSON.stringify([sort, at, at])).toString('base64url');
}

function placeIn(cursor: string): number {
  return (JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [string, number, number])[1];
}
