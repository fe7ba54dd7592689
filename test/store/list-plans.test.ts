import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { listEvents, type EventWish } from '../../src/admin/audit-event-list.ts';
import { allRoutes } from '../../src/admin/routes.ts';
import type { Tables } from '../../src/store/schema.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { listCloudKeys } from '../../src/vault/key-list.ts';
import { listKmsKeys } from '../../src/vault/kms-key-records.ts';
import type { PageWish } from '../../src/vault/page.ts';
import { memoryDirectory } from '../support/memory-directory.ts';

/* A page of a list costs what the page is long, and not what the store has grown to. */

/** Lists of what grows without end, each asked as its route asks. */
const lists: Record<
  string,
  (store: Pick<Store, 'db'>, query: Record<string, string>, page: PageWish) => Promise<unknown>
> = {
  listAuditEvents: async (store, query, page) =>
    listEvents({ store: store as Store }, 'v', { ...(query as Partial<EventWish>), ...page }),
  listApplianceAuditEvents: async (store, { deletedVault, ...query }, page) =>
    listEvents({ store: store as Store }, '', { ...(query as Partial<EventWish>), ...page }, deletedVault),
  listCloudKeys: async (store, query, page) =>
    listCloudKeys({ store: store as Store, now: () => new Date() }, 'v', ['g'], query, page),
  listKmsKeys: async (store, query, page) => listKmsKeys({ store: store as Store }, 'v', ['g'], query, page),
};

/** A value of each filter; one that names a single thing finds so few that they may be sorted. */
const values: Record<string, { value: string; few?: true }> = {
  action: { value: 'cloud-key.disable' },
  actor: { value: 'vera' },
  target: { value: 'payroll' },
  outcome: { value: 'refused' },
  from: { value: '2031-01-01T00:00:00.000Z' },
  to: { value: '2031-02-01T00:00:00.000Z' },
  deletedVault: { value: 'd' },
  keySetId: { value: 's' },
  region: { value: 'eu-west-1' },
  state: { value: 'EXPIRED' },
  name: { value: 'pay' },
  externalKeyId: { value: 'x', few: true },
  id: { value: 'i', few: true },
  cloudKeyId: { value: 'c', few: true },
  keyArn: { value: 'a', few: true },
  cloudStatus: { value: 'AVAILABLE' },
  step: { value: 'DONE' },
  alias: { value: 'alias/' },
};

interface Asked {
  sql: string;
  parameters: readonly unknown[];
}

async function watchedStore(
  t: ExecutionContext,
): Promise<{ raw: Database.Database; asked: Asked[]; store: Pick<Store, 'db'> }> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-plans-'));
  const file = path.join(directory, 'holdfast.db');
  await (await SqliteStore.init(file)).close();
  const raw = new Database(file);
  raw.exec(`INSERT INTO vaults (id, name, type, description, administrator_name, administrator_email, tokens, deleted_at,
    created_at, updated_at) VALUES ('d', 'd', 'cloud-key-management', '', '', '', '[]', '2030', '', '')`);
  const asked: Asked[] = [];
  const db = new Kysely<Tables>({
    dialect: new SqliteDialect({ database: raw }),
    log: ({ query }) => void asked.push(query),
  });
  t.teardown(async () => {
    await db.destroy();
    await rm(directory, { recursive: true, force: true });
  });
  return { raw, asked, store: { db } };
}

/** What the plan does over the rows of a table that grows: none of it is wanted. */
function costly(raw: Database.Database, { sql, parameters }: Asked, wanted: readonly string[]): string[] {
  const few = wanted.some((name) => values[name]?.few === true);
  // Of the trail every filter but the moments is in the index: what is rare is not looked for among all the rest.
  const narrowed = wanted.some((name) => ['action', 'actor', 'target', 'outcome'].includes(name));
  const plan = raw.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters) as { detail: string }[];
  return plan
    .map(({ detail }) => detail)
    .filter(
      (detail) =>
        /^SCAN (?!CONSTANT|actions$)/.test(detail) ||
        (!few && detail.includes('TEMP B-TREE')) ||
        (narrowed &&
          detail.includes('SEARCH audit_events') &&
          !/\(vault_id=\? AND (\w+=\?|action>)/.test(detail)),
    );
}

for (const [operation, list] of Object.entries(lists))
  test(`${operation} finds its page by an index, in every order and by every filter that is documented`, async (t) => {
    const query = allRoutes.find((one) => one.operation === operation)?.query;
    if (query === undefined) throw new Error('there is no such list');
    const { shape } = query as unknown as { shape: Record<string, unknown> };
    const documented = Object.keys(shape);
    const filters = documented.filter((name) => !['limit', 'cursor', 'sort'].includes(name));
    t.deepEqual(
      filters.filter((name) => values[name] === undefined),
      [],
      'a filter without a value here',
    );
    const { raw, asked, store } = await watchedStore(t);
    const sorts = (shape['sort'] as { def: { innerType: { options: string[] } } }).def.innerType.options;
    const pairs = filters.flatMap((one) => filters.map((other) => [one, other] as const));
    for (const wanted of [[], ...pairs])
      for (const sort of sorts)
        for (const cursor of [
          undefined,
          Buffer.from(JSON.stringify([sort, 'x', 'y'])).toString('base64url'),
        ]) {
          const asking: Record<string, string> = {};
          for (const name of wanted) asking[name] = values[name]?.value ?? '';
          asked.length = 0;
          await list(store, asking, { limit: 50, sort, cursor });
          t.true(asked.length > 0);
          for (const one of asked) {
            const found = costly(raw, one, wanted);
            if (found.length > 0)
              return t.fail(`${JSON.stringify(asking)} ${sort}: ${found.join('; ')}\n${one.sql}`);
          }
        }
    t.pass();
  });
