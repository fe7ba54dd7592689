import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import anyTest, { type TestFn } from 'ava';
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { isExpanding, migrations } from '../../src/store/migrations.ts';
import { remediation } from '../../src/store/migrations/0037-remediation.ts';
import { SqliteStore, StoreError } from '../../src/store/sqlite/sqlite.ts';
import { versionLabel, versionObjectId } from '../../src/token/own-keys.ts';
import { revealSecret } from '../../src/keys/credentials/credentials.ts';
import { managementDeadline } from '../../src/vault/tokens.ts';
import { makeStoreOfStep1 } from '../support/older-store.ts';
import { memoryDirectory } from '../../testing/test-node.ts';
import { openVault, type TestVault } from '../../testing/vault.ts';
import { inToken } from '../../testing/in-token.ts';
import { labelled } from '../support/key-identity.ts';

const test = anyTest as TestFn<TestVault>;

test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

const madeAt = '2026-01-02T03:04:05.006Z';
const rotatedAt = '2026-02-03T04:05:06.007Z';

/** Columns, and what else is asked of who writes: unique indexes and triggers, by their table. */
function schemaOf(database: Database.Database) {
  const columns = database
    .prepare(
      `SELECT t.name AS "table", t.name || '.' || c.name AS name, c.type, c."notnull" AS needed, c.dflt_value AS given
        FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'`,
    )
    .all() as { table: string; name: string; needed: number; given: string | null }[];
  const rules = database
    .prepare(
      `SELECT tbl_name AS "table", name, sql AS given FROM sqlite_schema
        WHERE type = 'trigger' OR sql LIKE 'CREATE UNIQUE%'`,
    )
    .all() as { table: string; name: string; given: string }[];
  return { columns, rules, tables: new Set(columns.map(({ table }) => table)) };
}

test('a migration that does not say otherwise leaves a node of the version before all that it works with', async (t) => {
  const database = new Database(':memory:');
  t.teardown(() => database.close());
  const db = new Kysely<never>({ dialect: new SqliteDialect({ database }) });
  for (const [name, migration] of Object.entries(migrations)) {
    const before = schemaOf(database);
    await migration.up(db);
    if (!isExpanding(name)) continue;
    const after = schemaOf(database);
    for (const one of [...before.columns, ...before.rules])
      t.true(
        [...after.columns, ...after.rules].some((other) => isDeepStrictEqual(one, other)),
        `${name}: ${one.name} is another`,
      );
    const known = new Set([...before.columns, ...before.rules].map((one) => one.name));
    const added = <T extends { table: string; name: string }>(all: readonly T[]) =>
      all.filter((one) => before.tables.has(one.table) && !known.has(one.name));
    for (const { name: column, needed, given } of added(after.columns))
      t.true(needed === 0 || given !== null, `${name}: ${column} is asked of who does not know it`);
    t.deepEqual(added(after.rules), [], `${name}: rules that others do not know`);
  }
});

/** An empty store as `holdfast init` of step 1 left it. */
async function storeOfStep1(t: { teardown: (run: () => Promise<void>) => void }): Promise<string> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-upgrade-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'holdfast.db');
  await makeStoreOfStep1(file);
  return file;
}

/** What an operator of step 1 had made, written as step 1 wrote it, its key objects in the token. */
async function fill(file: string, { tokens, fixture }: TestVault) {
  const pool = tokens.pool('token');
  const db = new Database(file);
  db.pragma('foreign_keys = ON');
  const keySet = (name: string, prefix: string, token = 'token') => {
    const id = randomUUID();
    db.prepare(`INSERT INTO key_sets VALUES (?, ?, 'of ' || ?, ?, ?, ?)`).run(
      id,
      name,
      name,
      token,
      prefix,
      madeAt,
    );
    return id;
  };
  const key = (keySetId: string, name: string, state: string, current: number) => {
    const id = randomUUID();
    db.prepare(`INSERT INTO cloud_keys VALUES (?, ?, ?, '', ?, ?, 1, 1, ?, ?, ?)`).run(
      id,
      keySetId,
      name,
      `ext.${name}`,
      state,
      current,
      madeAt,
      rotatedAt,
    );
    return id;
  };
  const version = (keyId: string, number: number, state: string, at: string, leased = 0) => {
    const objectId = versionObjectId(keyId, number);
    db.prepare(`INSERT INTO key_versions VALUES (?, ?, ?, ?, 'holdfast', ?, ?)`).run(
      keyId,
      number,
      objectId,
      state,
      leased,
      at,
    );
    return objectId;
  };
  const [one, two] = [keySet('one', 'one'), keySet('two', '', 'other-token')];
  const rotated = key(one, 'rotated', 'AVAILABLE', 2);
  const disabled = key(one, 'disabled', 'DISABLED', 1);
  const unready = key(two, 'unready', 'CREATING', 1);
  const objects = [
    version(rotated, 1, 'ACTIVE', madeAt, 65_536),
    version(rotated, 2, 'ACTIVE', rotatedAt, 131_072),
    version(disabled, 1, 'ACTIVE', madeAt),
  ];
  version(unready, 1, 'PENDING', madeAt);
  const plaintext = randomBytes(64);
  const [metadata, aad] = [Buffer.from('01', 'hex'), Buffer.from('aad')];
  const ciphertexts = [];
  for (const [index, object] of objects.entries()) {
    const label = versionLabel(one, index < 2 ? 'ext.rotated' : 'ext.disabled', index === 1 ? 2 : 1);
    const usage = { encrypt: true, decrypt: true };
    await pool.call(
      { kind: 'generateKey', key: object, binding: Buffer.alloc(0), label, ...usage },
      managementDeadline(),
    );
    const identity = labelled(label);
    const form = { key: object, identity, aadForm: 'full', aad, metadata } as const;
    const { value } = await pool.call(
      { kind: 'encrypt', ...form, plaintext, verify: false },
      managementDeadline(),
    );
    ciphertexts.push({ form, sealed: value });
  }
  const secret = randomBytes(32).toString('base64');
  const credentials = [];
  for (const [accessKeyId, withdrawn] of [
    ['AAAAAAAAAAAAAAAAAAAAAAAAAA', null],
    ['BBBBBBBBBBBBBBBBBBBBBBBBBB', rotatedAt],
  ] as const) {
    // The words that step 1 bound a secret to its record with: they may never change.
    const context = `holdfast xks credential ${accessKeyId} of key set ${one}`;
    const [sealed] = (await inToken(fixture, [{ do: 'seal', context, secret }])) as [string];
    db.prepare(`INSERT INTO xks_credentials VALUES (?, ?, ?, ?, ?)`).run(
      accessKeyId,
      one,
      Buffer.from(sealed, 'hex'),
      madeAt,
      withdrawn,
    );
    credentials.push(accessKeyId);
  }
  db.prepare('UPDATE revision SET revision = 42').run();
  db.close();
  return { one, two, rotated, disabled, unready, objects, ciphertexts, plaintext, secret, credentials };
}

test('a store of step 1 has everything after the upgrade, in a vault of its own, and its keys decrypt', async (t) => {
  const { tokens } = t.context;
  const file = await storeOfStep1(t);
  const made = await fill(file, t.context);
  await t.throwsAsync(SqliteStore.open(file), { instanceOf: StoreError });
  const store = await SqliteStore.init(file);
  t.teardown(async () => store.close());

  const vaults = await store.db.selectFrom('vaults').selectAll().execute();
  t.is(vaults.length, 1);
  t.like(vaults[0], { name: 'default', type: 'cloud-key-management', row_version: 1 });
  t.deepEqual((JSON.parse(vaults[0]?.tokens ?? '[]') as string[]).toSorted(), ['other-token', 'token']);

  const keySets = await store.db.selectFrom('key_sets').selectAll().orderBy('name').execute();
  t.is(keySets.length, 2);
  const kept = { vault_id: vaults[0]?.id ?? '', admin_group_id: null, csp_account_id: null, frozen_at: null };
  const noQuota = { quota_rate: null, quota_burst: null, rotation_days: null };
  t.like(keySets[0], {
    id: made.one,
    name: 'one',
    description: 'of one',
    token: 'token',
    ...kept,
    ...noQuota,
  });
  t.like(keySets[0], { path_prefix: 'one', external_key_store: 1, created_at: madeAt, updated_at: madeAt });
  t.like(keySets[1], { id: made.two, path_prefix: '', token: 'other-token', external_key_store: 1, ...kept });

  const keys = await store.db.selectFrom('cloud_keys').selectAll().orderBy('name').execute();
  t.deepEqual(
    keys.map(({ id, name, state, current_version }) => [id, name, state, current_version]),
    [
      [made.disabled, 'disabled', 'DISABLED', 1],
      [made.rotated, 'rotated', 'AVAILABLE', 2],
      [made.unready, 'unready', 'CREATING', 1],
    ],
  );
  for (const key of keys) {
    t.like(key, { external_key_id: `ext.${key.name}`, created_at: madeAt, updated_at: rotatedAt });
    t.like(key, { rotation: 'INHERIT', next_rotation_at: null, expires_at: null, deletion_at: null });
    t.like(key, { made_by: '', region: '', administrators: '[]', users: '[]', row_version: 1 });
    // When its current version was made: the first rotation that is scheduled later counts from there.
    t.is(key.rotated_at, key.id === made.rotated ? rotatedAt : madeAt);
  }

  const versions = await store.db
    .selectFrom('key_versions')
    .selectAll()
    .orderBy('cloud_key_id')
    .orderBy('version')
    .execute();
  const leased = Object.fromEntries(
    versions.map((row) => [`${row.cloud_key_id}:${row.version}`, [row.state, row.encryptions_leased]]),
  );
  t.deepEqual(leased, {
    [`${made.rotated}:1`]: ['ACTIVE', 65_536],
    [`${made.rotated}:2`]: ['ACTIVE', 131_072],
    [`${made.disabled}:1`]: ['ACTIVE', 0],
    [`${made.unready}:1`]: ['PENDING', 0],
  });
  for (const { form, sealed } of made.ciphertexts) {
    const known = versions.find(({ object_id }) => object_id.equals(form.key));
    if (known === undefined) return t.fail('a version is lost');
    const { value } = await tokens
      .pool('token')
      .call({ kind: 'decrypt', ...form, key: known.object_id, ...sealed }, managementDeadline());
    t.deepEqual(Buffer.from(value.plaintext), made.plaintext);
  }

  const credentials = await store.db
    .selectFrom('xks_credentials')
    .selectAll()
    .orderBy('access_key_id')
    .execute();
  t.deepEqual(
    credentials.map(({ access_key_id, withdrawn_at }) => [access_key_id, withdrawn_at]),
    [
      ['AAAAAAAAAAAAAAAAAAAAAAAAAA', null],
      ['BBBBBBBBBBBBBBBBBBBBBBBBBB', rotatedAt],
    ],
  );
  for (const credential of credentials) {
    t.like(credential, { key_set_id: made.one, created_at: madeAt, expires_at: null, successor: null });
    const { access_key_id: accessKeyId, key_set_id: keySetId, sealed_secret: sealedSecret } = credential;
    const identity = { vaultId: kept.vault_id, keySetId, accessKeyId, sealedSecret };
    const secret = await revealSecret(tokens, identity, 'token', managementDeadline().deadline);
    t.is(secret.reveal(), made.secret);
  }
  t.true(store.revision() >= 42, 'no worker takes the upgraded store for one it has seen');
  return undefined;
});

test('after the upgrade references are held and the unique rules are the new ones', async (t) => {
  const file = await storeOfStep1(t);
  const made = await fill(file, t.context);
  await (await SqliteStore.init(file)).close();
  const raw = new Database(file);
  t.teardown(async () => {
    raw.close();
  });
  raw.pragma('foreign_keys = ON');
  t.deepEqual(raw.pragma('foreign_key_check'), []);
  t.is(raw.pragma('integrity_check', { simple: true }), 'ok');
  const refused = (sql: string, message: RegExp) => t.throws(() => raw.prepare(sql).run(), { message }, sql);
  refused(`DELETE FROM key_sets WHERE id = '${made.one}'`, /FOREIGN KEY/);
  refused(`DELETE FROM cloud_keys WHERE id = '${made.rotated}'`, /FOREIGN KEY/);
  refused(`DELETE FROM vaults`, /FOREIGN KEY/);
  refused(`UPDATE key_versions SET cloud_key_id = 'x' WHERE cloud_key_id = '${made.rotated}'`, /FOREIGN KEY/);
  refused(`UPDATE xks_credentials SET key_set_id = 'x'`, /FOREIGN KEY/);

  // Another vault may use a name again, but not a prefix; and not the same name twice.
  const vault = raw.prepare<[], { id: string }>('SELECT id FROM vaults').get()?.id ?? '';
  raw
    .prepare(
      `INSERT INTO vaults (id, name, type, description, administrator_name, administrator_email, tokens, created_at,
        updated_at) VALUES ('v2', 'second', 'cloud-key-management', '', '', '', '[]', '', '')`,
    )
    .run();
  const keySet = (id: string, vaultId: string, name: string, prefix: string) =>
    `INSERT INTO key_sets (id, vault_id, name, description, token, path_prefix, created_at, updated_at)
      VALUES ('${id}', '${vaultId}', '${name}', '', 'token', '${prefix}', '', '')`;
  raw.prepare(keySet('k2', 'v2', 'one', '')).run();
  raw.prepare(keySet('k3', 'v2', 'three', '')).run();
  refused(keySet('k4', 'v2', 'three', 'three'), /UNIQUE/);
  refused(keySet('k4', 'v2', 'four', 'one'), /UNIQUE/);
  refused(keySet('k4', vault, 'one', 'four'), /UNIQUE/);
  refused(keySet('k4', 'nowhere', 'four', 'four'), /FOREIGN KEY/);

  // A name is free once its key is deleted, an external key id never.
  const key = (id: string, name: string, external: string) =>
    `INSERT INTO cloud_keys (id, key_set_id, name, description, external_key_id, state, can_encrypt, can_decrypt,
      current_version, rotated_at, created_at, updated_at)
      VALUES ('${id}', '${made.one}', '${name}', '', '${external}', 'AVAILABLE', 1, 1, 1, '', '', '')`;
  refused(key('c1', 'rotated', 'new'), /UNIQUE/);
  raw.prepare(`UPDATE cloud_keys SET state = 'DELETED' WHERE id = '${made.rotated}'`).run();
  raw.prepare(key('c1', 'rotated', 'new')).run();
  refused(key('c2', 'other', 'ext.rotated'), /UNIQUE/);
  refused(
    `UPDATE key_versions SET object_id = x'${made.objects[0]?.toString('hex')}' WHERE cloud_key_id = '${made.unready}'`,
    /UNIQUE/,
  );
});

test('an upgraded store says so once: a second init changes nothing', async (t) => {
  const file = await storeOfStep1(t);
  await fill(file, t.context);
  const first = await SqliteStore.init(file);
  const before = [
    await first.db.selectFrom('vaults').selectAll().execute(),
    await first.db.selectFrom('cloud_keys').selectAll().execute(),
  ];
  await first.close();
  const second = await SqliteStore.init(file);
  t.teardown(async () => second.close());
  t.deepEqual(
    [
      await second.db.selectFrom('vaults').selectAll().execute(),
      await second.db.selectFrom('cloud_keys').selectAll().execute(),
    ],
    before,
  );
});

test('a store of step 1 in which there was nothing gets no vault', async (t) => {
  const file = await storeOfStep1(t);
  const store = await SqliteStore.init(file);
  t.teardown(async () => store.close());
  t.deepEqual(await store.db.selectFrom('vaults').selectAll().execute(), []);
  t.deepEqual(await store.db.selectFrom('key_sets').selectAll().execute(), []);
});

test('an upgrade that fails leaves the store of step 1 as it was', async (t) => {
  const file = await storeOfStep1(t);
  const raw = new Database(file);
  raw.pragma('foreign_keys = OFF');
  // Two versions of one object: step 1 did not make such, but its schema took them.
  for (const number of [1, 2])
    raw.prepare(`INSERT INTO key_versions VALUES ('c', ${number}, x'00', 'ACTIVE', 'holdfast', 0, '')`).run();
  raw.close();
  await t.throwsAsync(SqliteStore.init(file), { message: /UNIQUE/ });
  const after = new Database(file);
  t.teardown(async () => {
    after.close();
  });
  t.is(after.prepare('SELECT * FROM key_versions').all().length, 2);
  t.is(after.prepare(`SELECT name FROM sqlite_master WHERE name = 'vaults'`).get(), undefined);
});

test('audit events can neither be changed nor deleted, not even by SQL past the program', async (t) => {
  const file = await storeOfStep1(t);
  await (await SqliteStore.init(file)).close();
  const raw = new Database(file);
  t.teardown(async () => {
    raw.close();
  });
  const columns = [
    'at',
    'vault_id',
    'actor_kind',
    'actor_id',
    'actor_name',
    'address',
    'request_id',
    'action',
    'outcome',
    'target_kind',
    'target_id',
    'target_name',
  ];
  const insert = raw.prepare(
    `INSERT INTO audit_events (${columns.join(', ')}) VALUES (${columns.map(() => `'x'`).join(', ')})`,
  );
  insert.run();
  insert.run();
  for (const sql of [
    `UPDATE audit_events SET action = 'y'`,
    'UPDATE audit_events SET sequence = sequence + 10 WHERE sequence = 2',
    'DELETE FROM audit_events',
    'DELETE FROM audit_events WHERE sequence = 1',
    `REPLACE INTO audit_events (sequence, ${columns.join(', ')}) VALUES (1, ${columns.map(() => `'y'`).join(', ')})`,
  ])
    t.throws(
      () => raw.prepare(sql).run(),
      {
        message: sql.startsWith('DELETE')
          ? 'audit events are deleted by a pruning alone'
          : 'audit events are never changed',
      },
      sql,
    );
  t.is(raw.prepare('SELECT * FROM audit_events').all().length, 2);
});

test('problems that are on record get their words of today, and what people wrote in them stays', async (t) => {
  const sqlite = new Database(':memory:');
  const db = new Kysely<never>({ dialect: new SqliteDialect({ database: sqlite }) });
  t.teardown(async () => db.destroy());
  sqlite.exec(`
    CREATE TABLE csp_accounts (access_key_rotation_problem TEXT, check_report TEXT);
    CREATE TABLE external_key_stores (problem TEXT);
    CREATE TABLE kms_keys (problem TEXT)`);
  const before = {
    code: 'Denied',
    message: 'of {"wayOut":"x"}',
    wayOut: 'allow it',
    problems: [{ wayOut: 'b' }],
  };
  const text = JSON.stringify(before);
  sqlite.prepare('INSERT INTO csp_accounts VALUES (?, ?), (NULL, NULL)').run(text, text);
  sqlite.prepare('INSERT INTO external_key_stores VALUES (?)').run(text);
  sqlite.prepare('INSERT INTO kms_keys VALUES (?)').run(text);
  await remediation.up(db);
  const after = {
    ...{ code: 'Denied', message: 'of {"wayOut":"x"}' },
    ...{ remediation: 'allow it', problems: [{ remediation: 'b' }] },
  };
  const told = sqlite
    .prepare(
      `SELECT access_key_rotation_problem AS problem FROM csp_accounts UNION ALL SELECT check_report FROM csp_accounts
       UNION ALL SELECT problem FROM external_key_stores UNION ALL SELECT problem FROM kms_keys`,
    )
    .all() as { problem: string | null }[];
  t.deepEqual(
    told.flatMap(({ problem }) => (problem === null ? [] : [JSON.parse(problem)])),
    [after, after, after, after],
  );
});
