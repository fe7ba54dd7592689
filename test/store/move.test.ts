import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { reopen } from '../../src/cli/node/store-reopen.ts';
import { beginMove } from '../../src/store/moving/mark.ts';
import { rotateAt } from '../../src/keys/encryption-limits.ts';
import { moveStore } from '../../src/store/moving/move-store.ts';
import {
  initStore,
  openMovedStore,
  openStore,
  openStoreToRead,
  placeInWords,
  type StorePlace,
} from '../../src/store/opening/open.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { LoopDisk } from '../../testing/loop-disk.ts';
import { byHand } from '../../testing/by-hand.ts';
import { freshDatabase, sharedCluster } from '../../testing/postgres.ts';
import { insertVault } from '../../testing/vault.ts';

/** A store in a file that has rows in every table, and more than are moved at once in one. */
async function fullStore(t: ExecutionContext): Promise<{ directory: string; file: string }> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-move-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'holdfast.db');
  await (await SqliteStore.init(file)).close();
  const database = new Database(file);
  database.pragma('foreign_keys = OFF');
  const tables = database
    .prepare<[], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'kysely%'",
    )
    .pluck()
    .all();
  const ofTheStore = new Set(['revision', 'audit_count', 'store_moves']);
  for (const table of tables.filter((name) => !ofTheStore.has(name))) {
    const columns = database
      .prepare<[string], { name: string; type: string; notnull: number; pk: number }>(
        'SELECT * FROM pragma_table_info(?)',
      )
      .all(table);
    const references = new Set(
      database.prepare<[string], string>('SELECT "from" FROM pragma_foreign_key_list(?)').pluck().all(table),
    );
    const value = ({ name, type, notnull, pk }: (typeof columns)[number], i: number) => {
      if (name === 'id' || references.has(name)) return `id-${i}`;
      if (table === 'audit_prunings' && (name === 'state' || name === 'ended_at'))
        return name === 'state' ? 'VERIFYING' : null;
      if (notnull === 0 && pk === 0 && i % 3 === 1) return null;
      if (type.toLowerCase() === 'blob') return Buffer.from([i & 0xff, i >> 8, 0, 255]);
      // More than 32 bits have.
      if (/int/i.test(type)) return name === 'sequence' ? i + 1 : 2 ** 40 + i;
      return `${name} ${i} Ω 'quoted'`;
    };
    const names = columns.map(({ name }) => `"${name}"`).join(', ');
    const insert = database.prepare(
      `INSERT INTO "${table}" (${names}) VALUES (${columns.map(() => '?').join(', ')})`,
    );
    for (let i = 0; i < (table === 'audit_events' ? 1203 : 3); i++)
      insert.run(columns.map((column) => value(column, i)));
  }
  // The last ones have gone.
  database.exec("UPDATE sqlite_sequence SET seq = 5000 WHERE name = 'audit_events'");
  database.close();
  return { directory, file };
}

/** All but whether it was moved. */
function contents(file: string): Record<string, unknown[]> {
  const database = new Database(file, { readonly: true });
  const tables = database
    .prepare<[], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'kysely%' AND name NOT LIKE 'sqlite_stat%' AND name <> 'store_moves'",
    )
    .pluck()
    .all();
  const rows = Object.fromEntries(
    tables.map((table) => [table, database.prepare(`SELECT * FROM "${table}" ORDER BY 1, 2`).raw().all()]),
  );
  database.close();
  return rows;
}

/** In whatever way, it is refused as moved to there; `ended`: the whole of it. */
async function assertMoved(t: ExecutionContext, from: StorePlace, to: StorePlace, ended = true) {
  for (const open of [openStore, openStoreToRead, initStore]) {
    const error = await t.throwsAsync<StoreError>(async () => open(from), { instanceOf: StoreError });
    t.is(error?.fault, 'moved');
    const when = ended ? 'was moved to' : 'a move of';
    t.true(error?.message.includes(when) && error.message.includes(placeInWords(to)), error?.message);
    t.regex(error?.remediation ?? '', /holdfast store reopen/);
  }
}

test('a store is moved into a database and back, and is the same row by row', async (t) => {
  const { directory, file } = await fullStore(t);
  const before = contents(file);
  const database: StorePlace = { kind: 'postgres', ...(await (await sharedCluster()).database()) };
  const counts = await moveStore({ kind: 'sqlite', path: file }, database);
  t.is(counts['audit_events'], 1203);
  t.true(
    Object.values(counts).every((count) => count > 0),
    'rows of every table',
  );
  const store = await openStore(database);
  t.teardown(async () => store.close());
  await t.throwsAsync(store.db.updateTable('audit_events').set({ action: '' }).execute(), {
    message: /audit events are never changed/,
  });
  await assertMoved(t, { kind: 'sqlite', path: file }, database);
  await t.throwsAsync(moveStore({ kind: 'sqlite', path: file }, { kind: 'sqlite', path: `${file}-2` }), {
    message: /was moved to .* at /,
  });
  t.false(existsSync(`${file}-2`), 'a copy that does not know of what came since');
  const back = path.join(directory, 'back', 'holdfast.db');
  mkdirSync(path.dirname(back));
  // As the state directory of a node has it, where its store lies unless somebody wanted otherwise.
  writeFileSync(path.join(path.dirname(back), 'node-id'), 'of the node\n');
  await moveStore(database, { kind: 'sqlite', path: back });
  t.deepEqual(contents(back), before);
  t.deepEqual(contents(file), before, 'the first is as it was');
  await assertMoved(t, database, { kind: 'sqlite', path: back });
  await (await openStore({ kind: 'sqlite', path: back })).close();
  t.deepEqual(
    readdirSync(path.dirname(back)).filter((name) => name.includes('-moving')),
    [],
  );
  const last = await store.db
    .selectFrom('audit_events')
    .select((eb) => eb.fn.max('sequence').as('last'))
    .executeTakeFirst();
  t.is(last?.last, 1203);
  const { sequence } = await store.bookkeep('by hand', async (trx) =>
    trx
      .insertInto('audit_events')
      .columns([
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
      ])
      .expression((eb) =>
        eb
          .selectFrom('audit_events')
          .select([
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
          ])
          .limit(1),
      )
      .returning('sequence')
      .executeTakeFirstOrThrow(),
  );
  t.is(sequence, 5001, 'no number is given twice');
});

test('a move goes to no place where a store is, and to none where it is already', async (t) => {
  const { file } = await fullStore(t);
  const from: StorePlace = { kind: 'sqlite', path: file };
  const { file: other } = await fullStore(t);
  const full: StorePlace = { kind: 'postgres', ...(await freshDatabase()) };
  const store = await openStore(full);
  t.teardown(async () => store.close());
  await store.bookkeep('by hand', async (trx) =>
    trx.insertInto('leases').values({ name: 'a', holder: 'a', until: '' }).execute(),
  );
  const { directory } = await fullStore(t);
  const gone = path.join(directory, 'gone.db');
  writeFileSync(`${gone}-wal`, '');
  const log = await t.throwsAsync(moveStore(from, { kind: 'sqlite', path: gone }), {
    instanceOf: StoreError,
  });
  t.regex(log?.message ?? '', /gone\.db-wal is left of a store that is gone/);
  for (const to of [full, { kind: 'sqlite', path: other }, from] as StorePlace[]) {
    const error = await t.throwsAsync(moveStore(from, to), { instanceOf: StoreError });
    t.regex(error?.message ?? '', /already/);
    await (await openStore(from)).close();
  }
  t.is((await store.db.selectFrom('leases').selectAll().execute()).length, 1);
});

test('a move that fails has moved nothing, and goes through when it is repeated', async (t) => {
  const { file } = await fullStore(t);
  const from: StorePlace = { kind: 'sqlite', path: file };
  const cluster = await sharedCluster();
  const settings = await cluster.database();
  const to: StorePlace = { kind: 'postgres', ...settings };
  const edit = (sql: string) => {
    const database = new Database(file);
    database.exec(sql);
    database.close();
  };
  // What PostgreSQL takes in no text.
  edit("UPDATE uses SET last_address = 'a' || char(0) WHERE id = 'id-2'");
  await t.throwsAsync(moveStore(from, to), { message: /invalid byte sequence/ });
  const store = await openStore(to);
  t.teardown(async () => store.close());
  t.deepEqual(await store.db.selectFrom('audit_events').select('sequence').execute(), []);
  edit("UPDATE uses SET last_address = '' WHERE id = 'id-2'");
  // What the database does by itself to a row.
  await cluster.asSuperuser('CREATE RULE gone AS ON INSERT TO leases DO INSTEAD NOTHING', settings.database);
  const error = await t.throwsAsync(moveStore(from, to), { instanceOf: StoreError });
  t.regex(error?.message ?? '', /table leases, only 0 rows have come\. Nothing was moved/);
  await cluster.asSuperuser('DROP RULE gone ON leases', settings.database);
  await (await openStore(from)).close();
  // As one that was killed leaves it.
  await beginMove(from, to);
  await assertMoved(t, from, to, false);
  t.is((await moveStore(from, to))['leases'], 3);
  t.false(existsSync(`${file}-moving`));
});

test('a move that was cut off, and whose store is there, keeps its mark whatever is tried', async (t) => {
  const { directory, file } = await fullStore(t);
  const from: StorePlace = { kind: 'sqlite', path: file };
  const to: StorePlace = { kind: 'sqlite', path: path.join(directory, 'new.db') };
  await moveStore(from, to);
  // Killed between the last row and the end.
  const database = new Database(file);
  database.exec("UPDATE store_moves SET ended_at = NULL, begun_at = 'first'");
  database.close();
  const repeated = await t.throwsAsync(moveStore(from, to), { instanceOf: StoreError });
  t.regex(repeated?.message ?? '', /there is a store at .* already; an earlier try .* stays marked as moved/);
  t.regex(
    repeated?.remediation ?? '',
    /^look at .*new\.db first: where the store is there, it has everything/,
  );
  const elsewhere = path.join(directory, 'elsewhere.db');
  const other = await t.throwsAsync(moveStore(from, { kind: 'sqlite', path: elsewhere }), {
    instanceOf: StoreError,
    message: /to .*new\.db was begun at first and has not ended/,
  });
  t.regex(other?.remediation ?? '', /^look at .*new\.db first.*holdfast store reopen/);
  t.false(existsSync(elsewhere));
  await assertMoved(t, from, to, false);
});

test('once everything may be there, no failure takes the mark off; one before it does, and says where it cannot', async (t) => {
  const cluster = await sharedCluster();
  const [settings, target] = [await freshDatabase(), await freshDatabase()];
  const from: StorePlace = { kind: 'postgres', ...settings };
  const to: StorePlace = { kind: 'postgres', ...target };
  const ofSource = async (statement: string) => cluster.asSuperuser(statement, settings.database);
  const { file } = await fullStore(t);
  await ofSource(
    `CREATE FUNCTION kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'it is kept'; END $$`,
  );
  await ofSource('CREATE TRIGGER kept BEFORE DELETE ON store_moves EXECUTE FUNCTION kept()');
  const both = await t.throwsAsync(moveStore(from, { kind: 'sqlite', path: file }), {
    instanceOf: StoreError,
  });
  t.regex(both?.message ?? '', /nothing was moved \(there is a store.*could not be taken off \(.*it is kept/);
  t.regex(String(both?.cause), /there is a store at/);
  await ofSource('DROP TRIGGER kept ON store_moves');
  await ofSource('DELETE FROM store_moves');
  const store = await openStore(from);
  await insertVault(store, 'first');
  await store.close();
  // The connection to the source is lost while the last is done in the target.
  const ofTarget = async (statement: string) => cluster.asSuperuser(statement, target.database);
  await ofTarget(`CREATE FUNCTION cut() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$ BEGIN
    IF EXISTS (SELECT 1 FROM vaults) THEN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = '${settings.database}' AND state = 'idle in transaction'; END IF; END $$`);
  await ofTarget(
    "CREATE EVENT TRIGGER cut ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION cut()",
  );
  const error = await t.throwsAsync(moveStore(from, to), { instanceOf: StoreError });
  t.is(error?.fault, 'in-doubt', error?.message);
  t.regex(
    error?.remediation ?? '',
    /^repeat it: it goes through, or says that a store is at .*, which then has everything/,
  );
  await ofTarget('DROP EVENT TRIGGER cut');
  await assertMoved(t, from, to, false);
  const there = await openStore(to);
  t.is((await there.db.selectFrom('vaults').select('id').execute()).length, 1);
  await there.close();
});

test('a move onto a disk that becomes full says which, moves nothing, and goes through once there is room', async (t) => {
  const { file } = await fullStore(t);
  const from: StorePlace = { kind: 'sqlite', path: file };
  const disk = await LoopDisk.create(8);
  if (typeof disk === 'string') return t.log(disk);
  t.teardown(async () => disk.dispose());
  const place = path.join(disk.directory, 'holdfast.db');
  const room = path.join(disk.directory, 'room');
  // In the middle of the schema, of the rows, and where only a directory fits.
  for (const kilobytes of [0, 64, 700]) {
    writeFileSync(room, Buffer.alloc(kilobytes * 1024));
    disk.fill();
    rmSync(room);
    const error = await t.throwsAsync(moveStore(from, { kind: 'sqlite', path: place }), {
      instanceOf: StoreError,
    });
    t.is(error?.fault, 'full', `${kilobytes} KB`);
    t.true(error?.message.includes(`no room for ${place}`), error?.message);
    t.false(existsSync(`${place}-moving`));
    t.false(existsSync(place));
    disk.makeRoom();
  }
  t.is((await moveStore(from, { kind: 'sqlite', path: place }))['leases'], 3);
});

test('a store that was moved is reopened without what may have been taken away since', async (t) => {
  const { directory, file } = await fullStore(t);
  const database = new Database(file);
  database.exec(`UPDATE key_sets SET frozen_at = NULL, removed_at = CASE id WHEN 'id-0' THEN '2026' END;
    UPDATE api_keys SET revoked_at = NULL, expires_at = '2999';
    UPDATE cloud_keys SET state = 'PENDING_DELETION', deletion_at = '2026' WHERE id = 'id-1';
    UPDATE key_versions SET state = 'ACTIVE', encryptions_leased = ${rotateAt - 1} - version % 2;`);
  database.close();
  const inFile: StorePlace = { kind: 'sqlite', path: file };
  const copy: StorePlace = { kind: 'postgres', ...(await freshDatabase()) };
  await moveStore(inFile, copy);
  const elsewhere: StorePlace = { kind: 'sqlite', path: path.join(directory, 'elsewhere.db') };
  // It may have been cut off with everything there.
  await beginMove(copy, elsewhere);
  const act = { ...byHand, despiteLoss: true };
  for (const place of [inFile, copy]) {
    const store = await openMovedStore(place);
    const { revision } = await store.moment();
    const [mark] = await store.db.selectFrom('store_moves').selectAll().execute();
    const done = await store.change(act, async (trx) => reopen(trx));
    t.like(done, {
      ...{ movedAt: mark?.ended_at ?? mark?.begun_at, hasEnded: place === inFile },
      ...{ keySetsFrozen: 2, apiKeysRevoked: 3, sessionsEnded: 3 },
      deletionsCancelled: 1,
    });
    t.true((await store.moment()).revision > revision, 'XKS workers hear of it');
    const keys = await store.db.selectFrom('cloud_keys').select(['state', 'deletion_at']).execute();
    t.false(keys.some(({ state }) => state === 'PENDING_DELETION'));
    const leased = await store.db.selectFrom('key_versions').select('encryptions_leased').execute();
    t.deepEqual(new Set(leased.map((row) => row.encryptions_leased)), new Set([rotateAt]));
    t.is(await store.change(act, async (trx) => reopen(trx)), undefined);
    await store.close();
    await (await openStore(place)).close();
  }
});
