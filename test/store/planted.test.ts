import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { ownAuthority } from '../../src/evidence/trail.ts';
import { checkStore } from '../../src/store/sqlite/integrity.ts';
import { SqliteStore, StoreError } from '../../src/store/sqlite/sqlite.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

/* Whoever could write the file once may have left code in it that runs at each of our writes: every process refuses it. */

const noAct = { authority: ownAuthority, now: () => new Date() };

async function storeFile(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-planted-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'holdfast.db');
  await (await SqliteStore.init(file)).close();
  return file;
}

function plant(file: string, sql: string): void {
  const raw = new Database(file);
  raw.unsafeMode(true);
  raw.exec(sql);
  raw.close();
}

const rewritten = (name: string, from: string, to: string) =>
  `PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '${from}', '${to}') WHERE name = '${name}'`;

const plants: [what: string, sql: string, named: RegExp][] = [
  [
    'a trigger that enables what is disabled',
    `CREATE TRIGGER undo AFTER UPDATE OF state ON cloud_keys WHEN NEW.state = 'DISABLED'
     BEGIN UPDATE cloud_keys SET state = 'AVAILABLE' WHERE id = NEW.id; END`,
    /trigger undo on cloud_keys is not of Holdfast/,
  ],
  [
    'a trigger that drops audit events',
    `CREATE TRIGGER quiet BEFORE INSERT ON audit_events BEGIN SELECT RAISE(IGNORE); END`,
    /trigger quiet on audit_events is not of Holdfast/,
  ],
  ['a table of somebody’s', 'CREATE TABLE notes (x)', /table notes is not of Holdfast/],
  ['an index of somebody’s', 'CREATE INDEX fast ON users (email)', /index fast on users is not of Holdfast/],
  [
    'a view of somebody’s',
    'CREATE VIEW everything AS SELECT * FROM users',
    /view everything is not of Holdfast/,
  ],
  [
    'a table without its protection',
    'DROP TRIGGER audit_events_no_delete',
    /trigger audit_events_no_delete on audit_events is missing/,
  ],
  [
    'a trigger of ours that does nothing any more',
    `DROP TRIGGER audit_events_no_delete;
     CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events BEGIN SELECT 1; END`,
    /trigger audit_events_no_delete on audit_events was altered/,
  ],
  ['a column of somebody’s', `ALTER TABLE users ADD COLUMN x TEXT`, /table users was altered/],
  [
    'a default that was rewritten in the schema itself',
    rewritten('users', '"totp_state" text not null', `"totp_state" text default ''NONE'' not null`),
    /table users was altered/,
  ],
  ['an index of ours that is gone', 'DROP INDEX sessions_user', /index sessions_user on sessions is missing/],
  [
    'a unique rule that is gone',
    'DROP INDEX key_sets_path_prefix',
    /index key_sets_path_prefix on key_sets is missing/,
  ],
  [
    'a view in the place of a table',
    `PRAGMA legacy_alter_table = ON; ALTER TABLE spent_external_keys RENAME TO hidden;
     CREATE VIEW spent_external_keys AS SELECT * FROM hidden WHERE 0`,
    /table hidden is not of Holdfast.*view spent_external_keys is not of Holdfast/,
  ],
];

for (const [what, sql, named] of plants)
  test(`${what} is refused by name at each open`, async (t) => {
    const file = await storeFile(t);
    plant(file, sql);
    for (const open of [
      async () => SqliteStore.open(file),
      async () => SqliteStore.openToRead(file),
      async () => SqliteStore.init(file),
    ]) {
      const error = await t.throwsAsync(open(), { instanceOf: StoreError });
      t.is(error?.fault, 'altered');
      t.regex(error?.message ?? '', named);
    }
  });

test('the doctor and whoever checks a store names what is not of Holdfast', async (t) => {
  const file = await storeFile(t);
  t.deepEqual(await checkStore(file, 30_000), { damages: [], schema: 'this', altered: [] });
  plant(file, 'CREATE TRIGGER x AFTER UPDATE ON users BEGIN SELECT 1; END');
  t.deepEqual((await checkStore(file, 30_000)).altered, ['trigger x on users is not of Holdfast']);
});

test('what SQLite makes for itself is no stranger', async (t) => {
  const file = await storeFile(t);
  plant(file, 'ANALYZE');
  await (await SqliteStore.open(file)).close();
  await (await SqliteStore.init(file)).close();
  t.pass();
});

test('a trigger that is planted while the node runs is refused at the next write, before anything is written', async (t) => {
  const file = await storeFile(t);
  const store = await SqliteStore.open(file);
  t.teardown(async () => store.close());
  await store.change(noAct, async () => undefined);
  const before = store.revision();
  plant(file, 'CREATE TRIGGER late AFTER UPDATE ON cloud_keys BEGIN SELECT 1; END');
  const error = await t.throwsAsync(
    store.change(noAct, async () => undefined),
    { instanceOf: StoreError },
  );
  t.regex(error?.message ?? '', /trigger late on cloud_keys/);
  t.is(store.revision(), before, 'reading goes on: no trigger changes what is read');
  plant(file, 'DROP TRIGGER late');
  await store.change(noAct, async () => undefined);
  t.is(store.revision(), before + 1);
});

test('a table that is replaced while the node runs is not read', async (t) => {
  const file = await storeFile(t);
  const store = await SqliteStore.openToRead(file);
  t.teardown(async () => store.close());
  t.true((await store.revision()) > 0);
  plant(
    file,
    `PRAGMA legacy_alter_table = ON; ALTER TABLE cloud_keys RENAME TO mine; CREATE VIEW cloud_keys AS SELECT * FROM mine;
     UPDATE revision SET revision = revision + 1`,
  );
  const error = t.throws(() => store.revision(), { instanceOf: StoreError });
  t.is(error?.fault, 'altered');
  t.throws(() => store.revision(), { instanceOf: StoreError }, 'nor the next time');
});

test('a store of a newer version is refused, not brought down to this one', async (t) => {
  const file = await storeFile(t);
  plant(file, `INSERT INTO kysely_migration VALUES ('9999-later', '')`);
  for (const open of [async () => SqliteStore.open(file), async () => SqliteStore.init(file)]) {
    const error = await t.throwsAsync(open(), { instanceOf: StoreError });
    t.is(error?.fault, 'newer');
  }
});
