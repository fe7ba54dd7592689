import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { allRoutes } from '../../src/admin/routes.ts';
import type { Call, Route } from '../../src/admin/route.ts';
import type { AdminServices } from '../../src/admin/services.ts';
import { ownAuthority } from '../../src/evidence/trail.ts';
import type { Caller } from '../../src/identity/caller.ts';
import type { Tables } from '../../src/store/schema.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { optionsOf, shapeOf, values } from '../admin/list-queries.ts';

/*
 * A page of a list costs what the page is long, and not what the store has grown to. Every list of the management API is
 * looked at, as its route asks the store: a new one, and a new filter of one, is looked at because it is there.
 */

/** What these ask is AWS's. */
const asksAws: ReadonlySet<string> = new Set([
  'listExternalKeyStoreCandidates',
  'listCspPrincipals',
  'listUnlinkedKmsKeys',
]);

/** Of these there are few, however long a store lives: all may be read, and sorted. */
const short: Readonly<Record<string, string>> = {
  listSessions: 'twenty for each user',
  listNodes: 'those of the last 90 days',
  listExternalKeyStores: 'one for each Region',
  listTokens: 'those of the configuration',
  listLostChanges: 'five thousand for each time that the store goes back',
  listKmsKeysOfCloudKey: 'one for each external key store of its key set',
};

interface Asked {
  sql: string;
  parameters: readonly unknown[];
}

interface Watched {
  raw: Database.Database;
  asked: Asked[];
  services: AdminServices;
  dispose: () => Promise<void>;
}

const test = anyTest as TestFn<Watched>;

test.before(async (t) => void (t.context = await watchedStore()));
test.after.always(async (t) => t.context.dispose());

/** More than one step of a list goes through. */
const many = 1_100;
const past = '2030-01-01T00:00:00.000Z';

/** A store in which of each thing there are many, in one vault, key set, user, CloudKey; with the things that hold them. */
async function watchedStore(): Promise<Watched> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-plans-'));
  const file = path.join(directory, 'holdfast.db');
  await (await SqliteStore.init(file)).close();
  const raw = new Database(file);
  raw.pragma('foreign_keys = OFF');
  const name = `'pay' || i`;
  const inVault = `CASE i WHEN 0 THEN 'v' ELSE 'v' || i END`;
  fill(raw, 'vaults', { id: inVault, name, tokens: `'["token"]'` });
  raw.exec(
    `UPDATE vaults SET deleted_at = '${past}' WHERE id = 'v1'; UPDATE vaults SET id = 'd' WHERE id = 'v1'`,
  );
  const first = (id: string) => `CASE i WHEN 0 THEN '${id}' ELSE '${id}' || i END`;
  const v = { vault_id: `'v'` };
  const event = {
    ...{ actor_name: `'vera'`, target_name: `'payroll'`, outcome: `'refused'` },
    request_id: `'request'`,
  };
  for (const vault of ['v', 'd', ''])
    fill(raw, 'audit_events', {
      sequence: 'NULL',
      vault_id: `'${vault}'`,
      ...event,
      action: `'cloud-key.disable'`,
    });
  fill(raw, 'users', {
    id: first('u'),
    ...v,
    role: `'cloud-admin'`,
    state: `'EXPIRED'`,
    totp_state: `'NONE'`,
  });
  fill(raw, 'users', { id: `'appliance' || i`, vault_id: `''` });
  fill(raw, 'sessions', { id: first('session'), user_id: `CASE i WHEN 0 THEN 'u' ELSE 'u' || i END` });
  fill(raw, 'api_keys', { user_id: `'u'`, scope: `'[]'` });
  fill(raw, 'admin_groups', { id: first('g'), ...v, name });
  fill(raw, 'admin_group_members', { group_id: `'g'`, user_id: first('u') });
  fill(raw, 'csp_accounts', { id: first('a'), ...v, name, admin_group_id: `'g'`, type: `'manual'` });
  fill(raw, 'key_sets', {
    id: first('s'),
    ...v,
    name,
    admin_group_id: `'g'`,
    csp_account_id: `'a'`,
    token: `'token'`,
  });
  fill(raw, 'xks_credentials', { key_set_id: `'s'` });
  const lists = { administrators: `'[]'`, users: `'[]'` };
  fill(raw, 'cloud_keys', { id: first('c'), key_set_id: `'s'`, name, ...lists, rotation: `'INHERIT'` });
  fill(raw, 'key_versions', { cloud_key_id: `'c'`, version: 'i + 1' });
  fill(raw, 'external_key_stores', {
    id: first('e'),
    ...v,
    key_set_id: first('s'),
    connectivity: `'PUBLIC_ENDPOINT'`,
  });
  fill(raw, 'kms_keys', {
    ...v,
    cloud_key_id: first('c'),
    external_key_store_id: `'e'`,
    tags: `'{}'`,
    policy: `'{}'`,
  });
  for (const vault of ['v', ''])
    fill(raw, 'failed_requests', {
      id: `'f${vault}' || i`,
      vault_id: `'${vault}'`,
      key_set_id: `'s'`,
      external_key_id: `'x'`,
      error: `'InternalException'`,
      principal: `'arn:aws:iam::111122223333:role/a'`,
      kms_request_id: `'request'`,
    });
  for (const vault of ['v', ''])
    fill(raw, 'reconciliations', { id: `'r${vault}' || i`, vault_id: `'${vault}'`, report: `'[]'` });
  raw.pragma('foreign_keys = ON');
  const asked: Asked[] = [];
  const db = new Kysely<Tables>({
    dialect: new SqliteDialect({ database: raw }),
    log: ({ query }) => void asked.push(query),
  });
  const dispose = async () => {
    await db.destroy();
    await rm(directory, { recursive: true, force: true });
  };
  const services = {
    store: { db },
    now: () => new Date(past),
    tokenFacts: [{ name: 'token', profile: '', vendor: '', model: '', iv: { mode: 'caller', bytes: 12 } }],
    tokens: { pool: () => ({ health: 'up', hosts: [], members: [] }) },
    instance: 'node/start',
    sessions: { idleMinutes: 1e6, maxMinutes: 1e6 },
    publicUrl: 'https://localhost',
  } as unknown as AdminServices;
  return { raw, asked, services, dispose };
}

/** Rows with what is told, SQL of `i`; of all else what is least, or of no two the same. */
function fill(raw: Database.Database, table: string, told: Readonly<Record<string, string>>): void {
  const columns = raw.pragma(`table_info(${table})`) as {
    name: string;
    type: string;
    notnull: number;
    dflt_value: unknown;
    pk: number;
  }[];
  const given = columns.flatMap(({ name, type, notnull, dflt_value, pk }) => {
    if (told[name] !== undefined) return [[name, told[name]]];
    if (name.endsWith('_at')) return notnull === 1 ? [[name, `'${past}'`]] : [];
    if ((notnull === 0 || dflt_value !== null) && pk === 0) return [];
    return [
      [name, { integer: '1', bigint: '1', blob: `CAST('${table}' || i AS BLOB)` }[type] ?? `'${table}' || i`],
    ];
  });
  raw.exec(`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${many - 1})
    INSERT INTO ${table} (${given.map(([name]) => `"${name}"`).join(', ')})
    SELECT ${given.map(([, value]) => value).join(', ')} FROM n`);
}

/** What a list asks that costs more, the more there is. */
function costly(raw: Database.Database, asked: readonly Asked[], few: boolean): string[] {
  return asked.flatMap(({ sql, parameters }, index) => {
    const limited = / limit \?/i.test(sql);
    const found = plan(raw, sql, parameters).filter(
      (detail) =>
        // A list of all there is begins at the beginning of an index, and ends with its step; `named` are the keys that have been
        // found by one name; of an HSM there is one proof for each key of our own, and of a node one holder for each XKS worker.
        (/^SCAN (?!CONSTANT|actions$|nodes$|own_key_proofs$|named$|snapshot_holders$)/.test(detail) &&
          !((limited || few) && / USING .*INDEX /.test(detail))) ||
        // A Region may have all of a vault: what is called so is found by that.
        (/ union /i.test(sql) && /SEARCH \w+ USING .*INDEX \w+_region /.test(detail)) ||
        (limited && !few && /TEMP B-TREE FOR ORDER BY/.test(detail)),
    );
    const rows = few ? 0 : raw.prepare(sql).all(...parameters).length;
    if (rows > 201) found.push(`${rows} rows at once`);
    // In steps, of which each is bounded: the one before says where it ends.
    const isPage = / order by .* limit \?$/is.test(sql);
    if (isPage && !few && !/ limit \? offset \?$/i.test(asked[index - 1]?.sql ?? ''))
      found.push('goes through all there is at once');
    return found.map((one) => `${one}\n${sql}`);
  });
}

function plan(raw: Database.Database, sql: string, parameters: readonly unknown[]): string[] {
  const steps = raw.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters) as { detail: string }[];
  return steps.map(({ detail }) => detail);
}

function callOf(
  { services }: Watched,
  route: Route,
  sight: Caller['sight'],
  query: Readonly<Record<string, unknown>>,
): Call<unknown, unknown, unknown> {
  const now = () => new Date(past);
  return {
    services,
    caller: {
      kind: 'user',
      userId: 'u',
      username: 'u',
      role: 'vault-admin',
      vaultId: route.path.startsWith('/vaults/') ? 'v' : '',
      permissions: new Set(),
      sight,
      credentialId: 'session',
      state: 'ACTIVE',
      byCookie: false,
    },
    act: {
      actor: { kind: 'user', id: 'u', name: 'u' },
      address: '',
      requestId: '',
      at: now(),
      now,
      authority: ownAuthority,
    },
    params: { vaultId: 'v', keySetId: 's', groupId: 'g', cloudKeyId: 'c', cspAccountId: 'a', userId: 'u' },
    query,
    body: undefined,
    expected: undefined,
    client: { address: '', userAgent: '', accept: '', cookie: () => undefined },
  };
}

const listing = allRoutes.filter(({ operation }) => operation.startsWith('list') && !asksAws.has(operation));

test('every list of the management API that holds what grows is among those that are looked at', (t) => {
  for (const route of allRoutes.filter(({ answer }) => 'items' in shapeOf(answer)))
    t.true(route.operation.startsWith('list'), route.operation);
  t.true(listing.length > 15);
});

for (const route of listing)
  test.serial(
    `${route.operation} finds its page by an index, in every order and by every filter that is documented`,
    async (t) => {
      const { raw, asked } = t.context;
      const shape = shapeOf(route.query);
      const filters = Object.keys(shape).filter((name) => !['limit', 'cursor', 'sort'].includes(name));
      t.deepEqual(
        filters.filter((name) => values[name] === undefined),
        [],
        'a filter without a value here',
      );
      const options = optionsOf(shape['sort']);
      // One that has an order of its own has no other.
      const sorts = options.length > 0 ? options : [undefined];
      const looked = new Set<string>();
      const single = filters.map((one) => [one]);
      const pairs = filters.flatMap((one, at) => filters.slice(at + 1).map((other) => [one, other]));
      for (const wanted of [[], ...single, ...pairs])
        for (const sort of wanted.length > 1 ? sorts.slice(0, 3) : sorts)
          for (const sight of wanted.length > 1 ? [['g']] : [['g'], 'all' as const])
            for (const cursor of wanted.length > 1 ? [undefined] : [undefined, cursorOf(sort)]) {
              const query: Record<string, unknown> = { limit: 50, sort, cursor };
              for (const name of wanted) query[name] = values[name]?.value;
              asked.length = 0;
              await route.handle(callOf(t.context, route, sight, query));
              const few = wanted.some((name) => values[name]?.few === true) || route.operation in short;
              const statements = asked.map(({ sql }) => sql).join('\n');
              if (looked.has(statements)) continue;
              looked.add(statements);
              const found = costly(raw, [...asked], few);
              if (found.length > 0)
                return t.fail(`${JSON.stringify(query)} seen by ${String(sight)}: ${found.join('\n')}`);
            }
      t.true(looked.size > 0);
    },
  );

function cursorOf(sort: string | undefined): string | undefined {
  if (sort === undefined) return undefined;
  return Buffer.from(JSON.stringify([sort, '', ''])).toString('base64url');
}
