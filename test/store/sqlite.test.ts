import { realpathSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import Database from 'better-sqlite3';
import { SqliteStore, StoreError } from '../../src/store/sqlite/sqlite.ts';
import { memoryDirectory } from '../../testing/test-node.ts';
import { byHand } from '../../testing/by-hand.ts';
import { openToWrite } from '../support/process-facts.ts';

async function freshPath(t: { teardown: (run: () => Promise<void>) => void }): Promise<string> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-store-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  return path.join(directory, 'holdfast.db');
}

test('a new store is for its owner only, in WAL mode with full sync', async (t) => {
  const file = await freshPath(t);
  const store = await SqliteStore.init(file);
  t.is((await stat(file)).mode & 0o777, 0o600);
  for (const side of [`${file}-wal`, `${file}-shm`]) t.is((await stat(side)).mode & 0o077, 0);
  await store.close();
  const raw = new Database(file);
  t.is(raw.pragma('journal_mode', { simple: true }), 'wal');
  raw.close();
});

test('initialising twice changes nothing', async (t) => {
  const file = await freshPath(t);
  const first = await SqliteStore.init(file);
  await first.change(byHand, async () => undefined);
  const revision = first.revision();
  await first.close();
  const second = await SqliteStore.init(file);
  t.is(second.revision(), revision);
  await second.close();
});

test('a store that is not there is refused, and not made', async (t) => {
  const file = await freshPath(t);
  const error = await t.throwsAsync(SqliteStore.open(file), { instanceOf: StoreError });
  t.is(error?.remediation, 'run: holdfast init');
  await t.throwsAsync(stat(file), { code: 'ENOENT' });
});

test('an empty file is no store, and a store with an older schema is refused with the way out', async (t) => {
  const file = await freshPath(t);
  await writeFile(file, '');
  const empty = await t.throwsAsync(SqliteStore.open(file), { instanceOf: StoreError });
  t.regex(empty?.message ?? '', /is empty$/);
  const older = new Database(file);
  older.exec(
    'CREATE TABLE kysely_migration (name varchar(255) primary key, timestamp varchar(255) not null)',
  );
  older.close();
  const error = await t.throwsAsync(SqliteStore.open(file), { instanceOf: StoreError });
  t.regex(error?.message ?? '', /older schema/);
  t.is(error?.remediation, 'run: holdfast init');
});

test('a change that was acknowledged has moved the revision for every other connection', async (t) => {
  const file = await freshPath(t);
  const writer = await SqliteStore.init(file);
  const reader = await SqliteStore.open(file);
  t.teardown(async () => Promise.all([writer.close(), reader.close()]).then(() => undefined));
  for (let round = 0; round < 50; round++) {
    const before = reader.revision();
    await writer.change(byHand, async () => undefined);
    t.is(reader.revision(), before + 1);
    t.is(writer.revision(), before + 1);
  }
});

test('who opened it to read writes nothing, not even when it was the last to have it open', async (t) => {
  const file = await freshPath(t);
  const writer = await SqliteStore.init(file);
  await writer.change(byHand, async () => undefined);
  const reader = await SqliteStore.openToRead(file);
  // As native code might that gets past the type.
  const { db } = reader as SqliteStore;
  const error = await t.throwsAsync(db.updateTable('revision').set({ revision: 99 }).execute(), {
    instanceOf: StoreError,
  });
  t.is(error?.fault, 'read-only');
  t.deepEqual(openToWrite(process.pid, [realpathSync(file)]).length, 2, 'both of the writer’s');
  // What was not written back before the writer was killed stays in the log.
  const [log, store] = await Promise.all([readFile(`${file}-wal`), readFile(file)]);
  t.true(log.length > 0);
  const copy = path.join(path.dirname(file), 'left.db');
  await Promise.all([writeFile(copy, store), writeFile(`${copy}-wal`, log)]);
  const last = await SqliteStore.openToRead(copy);
  t.is(await last.revision(), writer.revision());
  await last.close();
  t.deepEqual(await readFile(copy), store);
  t.deepEqual(await readFile(`${copy}-wal`), log);
  await reader.close();
  await writer.close();
});

test('a change that failed has moved nothing', async (t) => {
  const store = await SqliteStore.init(await freshPath(t));
  t.teardown(async () => store.close());
  const before = store.revision();
  await t.throwsAsync(
    store.change(byHand, async (trx) => {
      await trx.insertInto('leases').values({ name: 'a', holder: 'a', until: '' }).execute();
      throw new Error('on purpose');
    }),
    { message: 'on purpose' },
  );
  t.is(store.revision(), before);
  t.deepEqual(await store.db.selectFrom('leases').selectAll().execute(), []);
});

test('changes of several connections at once are all kept', async (t) => {
  const file = await freshPath(t);
  const stores = [await SqliteStore.init(file)];
  for (let i = 0; i < 3; i++) stores.push(await SqliteStore.open(file));
  const before = stores[0]?.revision() ?? 0;
  await Promise.all(
    stores.map(async (store) => {
      for (let i = 0; i < 25; i++) await store.change(byHand, async () => undefined);
    }),
  );
  t.is(stores[0]?.revision(), before + 100);
  await Promise.all(stores.map(async (store) => store.close()));
});
