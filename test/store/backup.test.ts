import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import fc from '../../testing/properties.ts';
import { BackupFile } from '../../src/cli/node/backup-file.ts';
import { BackupError, readRow, rowLine } from '../../src/store/backup/format.ts';
import { readBackup } from '../../src/store/backup/lines.ts';
import { buildStore } from '../../src/store/backup/reader.ts';
import { writeBackup, type BackupSink } from '../../src/store/backup/writer.ts';
import { SqliteStore, StoreError } from '../../src/store/sqlite/sqlite.ts';
import { LoopDisk } from '../../testing/loop-disk.ts';
import { countStatus } from '../../src/admin/status/counts.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { makeStoreOfStep1 } from '../support/older-store.ts';
import { insertVault } from '../../testing/vault.ts';

/* The file of a backup: what it takes of a store, and what is made of it. */

function freshDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(path.join(memoryDirectory(), 'holdfast-backup-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Keeps what is written; `released` is called in the middle, when the store is not held any more. */
class Kept implements BackupSink {
  readonly #chunks: Buffer[] = [];
  readonly #released: () => Promise<void>;

  constructor(released: () => Promise<void> = async () => undefined) {
    this.#released = released;
  }

  write(bytes: Buffer): void {
    this.#chunks.push(bytes);
  }

  async storeReleased(): Promise<void> {
    await this.#released();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

const facts = {
  holdfast: '0.4.0+test',
  node: { id: '', hostname: 'test' },
  tokens: [],
  now: new Date('2027-01-01T00:00:00.000Z'),
};

async function* sourceOf(bytes: Uint8Array, at = 1000): AsyncGenerator<Buffer, void, undefined> {
  for (let from = 0; from < bytes.length; from += at) yield Buffer.from(bytes.subarray(from, from + at));
}

/** Everything in a store but for what a backup leaves out or raises. */
function contentsOf(file: string): Record<string, unknown[]> {
  const database = new Database(file, { readonly: true });
  const names = database
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    .pluck()
    .all();
  const entries = names
    .filter(
      (name) =>
        !/^(kysely|revision|served_changes|sessions|leases|oidc_sign_ins|traffic|vitals|failed_requests)/.test(
          name,
        ),
    )
    .map((name) => [name, database.prepare(`SELECT * FROM ${name}`).all()] as const);
  database.close();
  return Object.fromEntries(entries);
}

async function smallStore(directory: string): Promise<string> {
  const file = path.join(directory, 'holdfast.db');
  const store = await SqliteStore.init(file);
  await insertVault(store, 'emea "\u2028\n\u{1F511}');
  await store.close();
  const database = new Database(file);
  const add = database.prepare(
    `INSERT INTO audit_events (at, vault_id, actor_kind, actor_id, actor_name, address, request_id, action, outcome,
      target_kind, target_id, target_name) VALUES (?, '', 'system', '', 'test', '', '', 'test', 'done', '', ?, '')`,
  );
  database.transaction(() => {
    for (let i = 0; i < 4500; i++)
      add.run(`2026-01-01T00:00:00.${String(i % 1000).padStart(3, '0')}Z`, String(i));
  })();
  database
    .prepare("INSERT INTO own_key_proofs VALUES ('token', 'serial', 'label', ?, '2026')")
    .run(Buffer.from([0, 1, 255]));
  database.close();
  return file;
}

test('a store made of a backup has every row, and a revision that nobody has seen', async (t) => {
  const directory = freshDirectory(t);
  const file = await smallStore(directory);
  const kept = new Kept();
  const manifest = await writeBackup(file, facts, kept);
  t.like(manifest.rows, { vaults: 1, audit_events: 4500, own_key_proofs: 1 });
  t.false('sessions' in manifest.rows);
  const text = kept.bytes.toString('utf8');
  const end = text.lastIndexOf('\n', text.length - 2) + 1;
  t.is(createHash('sha256').update(text.slice(0, end)).digest('hex'), manifest.sha256, 'as sha256sum has it');

  const made = path.join(directory, 'made.db');
  t.deepEqual(await buildStore(made, sourceOf(kept.bytes)), manifest);
  t.deepEqual(contentsOf(made), contentsOf(file));
  t.is(statSync(made).mode & 0o777, 0o600);
  t.false(existsSync(`${made}-wal`) || existsSync(`${made}-journal`));
  const before = await SqliteStore.open(file);
  const after = await SqliteStore.open(made);
  t.true(after.revision() > before.revision() + 1000);
  t.is(after.changesSince(before.moment()), 'everything');
  t.regex(before.moment().store ?? '', /^[\w-]{20}$/);
  t.is(after.moment().store, before.moment().store);
  await before.close();
  await after.close();
});

test('a backup is of one moment, and holds nobody up: what is written while the trail is read comes after it', async (t) => {
  const directory = freshDirectory(t);
  const file = await smallStore(directory);
  const store = await SqliteStore.open(file);
  const kept = new Kept(async () => {
    await insertVault(store, 'made meanwhile');
    const database = new Database(file);
    database.exec(
      'INSERT INTO audit_events SELECT NULL, at, vault_id, actor_kind, actor_id, actor_name, address, request_id, action, outcome, target_kind, target_id, target_name, before, after, began_at, actor_vault_id FROM audit_events LIMIT 5',
    );
    // The log is written back whole: no reader holds it.
    const [{ busy } = { busy: 1 }] = database.pragma('wal_checkpoint(RESTART)') as { busy: number }[];
    t.is(busy, 0);
    database.close();
  });
  const { rows } = await writeBackup(file, facts, kept);
  t.like(rows, { vaults: 1, audit_events: 4500 });
  t.notRegex(kept.bytes.toString('utf8'), /made meanwhile/);
  t.is((await countStatus({ store }, 'appliance')).auditEvents, 4505);
  await store.close();
  const made = path.join(directory, 'made.db');
  await buildStore(made, sourceOf(kept.bytes));
  const restored = await SqliteStore.open(made);
  t.is((await countStatus({ store: restored }, 'appliance')).auditEvents, 4500);
  await restored.close();
});

test('a backup during which events are pruned is refused: what is missing in it would be told nowhere', async (t) => {
  const directory = freshDirectory(t);
  const file = await smallStore(directory);
  const database = new Database(file);
  t.teardown(() => database.close());
  database.exec(`INSERT INTO audit_prunings VALUES ('pruning', '', 'VERIFYING', '2026', '2027', 4500, 4500, '', NULL, NULL, NULL,
    NULL, '', 0, 0, 0, NULL, 'user', 'id', 'Ada', '2027', NULL)`);
  const goOn = (change: string) =>
    new Kept(async () => void database.exec(`UPDATE audit_prunings SET ${change}`));
  await t.notThrowsAsync(
    writeBackup(file, facts, goOn("reached = 9, reached_at = '2026'")),
    'only looked at',
  );
  await t.notThrowsAsync(writeBackup(file, facts, goOn("state = 'DELETING', reached = 0, reached_at = ''")));
  const kept = goOn('reached = 9, deleted = 5; DELETE FROM audit_events WHERE sequence <= 5');
  await t.throwsAsync(writeBackup(file, facts, kept), {
    instanceOf: StoreError,
    message: 'audit events were pruned while the backup was made',
  });
  t.notRegex(kept.bytes.toString('utf8'), /"end":true/);
  await t.notThrowsAsync(writeBackup(file, facts, new Kept()), 'after it is told');
});

test('a store of an earlier release is backed up as it is, and brought up to date when it is put back', async (t) => {
  const directory = freshDirectory(t);
  const file = path.join(directory, 'holdfast.db');
  await makeStoreOfStep1(file);
  const database = new Database(file);
  database.exec(
    "INSERT INTO key_sets VALUES ('id', 'payments', '', 'token', 'prefix', '2026-01-01T00:00:00.000Z')",
  );
  database.close();
  const kept = new Kept();
  t.deepEqual((await writeBackup(file, facts, kept)).migrations, ['0001-key-sets']);
  const made = path.join(directory, 'made.db');
  await buildStore(made, sourceOf(kept.bytes));
  const store = await SqliteStore.open(made);
  t.is((await store.db.selectFrom('key_sets').select('name').executeTakeFirstOrThrow()).name, 'payments');
  await store.close();
});

test('no byte of a backup can be another, and none be missing, without its being refused', async (t) => {
  const directory = freshDirectory(t);
  const file = path.join(directory, 'holdfast.db');
  const store = await SqliteStore.init(file);
  await insertVault(store, 'emea');
  await store.close();
  const kept = new Kept();
  await writeBackup(file, facts, kept);
  const { bytes } = kept;
  const read = async (changed: Uint8Array): Promise<void> => {
    for await (const _ of readBackup(sourceOf(changed))) continue;
  };
  await read(bytes);
  const position = fc.nat({ max: bytes.length - 1 });
  await fc.assert(
    fc.asyncProperty(position, fc.integer({ min: 1, max: 255 }), async (at, by) => {
      const changed = Buffer.from(bytes);
      changed.writeUInt8((changed.readUInt8(at) + by) % 256, at);
      await t.throwsAsync(read(changed), { instanceOf: BackupError });
    }),
    { numRuns: 150 },
  );
  await fc.assert(
    fc.asyncProperty(position, async (length) => {
      await t.throwsAsync(read(bytes.subarray(0, length)), { instanceOf: BackupError });
    }),
    { numRuns: 50 },
  );
});

test('a row is read as it was written', (t) => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.maxSafeInteger(),
    fc.constant(null),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(fc.array(value), (row) => {
      t.deepEqual(readRow(rowLine(row)), row);
    }),
  );
});

test('a disk that is full ends a backup without a trace, and leaves the store what it needs', async (t) => {
  const disk = await LoopDisk.create(24);
  if (typeof disk === 'string') {
    t.log(`not run: ${disk}`);
    return t.pass();
  }
  t.teardown(async () => disk.dispose());
  const directory = freshDirectory(t);
  const file = await smallStore(directory);
  const filler = openSync(path.join(disk.directory, 'filler'), 'w');
  t.throws(
    () => {
      for (;;) writeSync(filler, Buffer.alloc(65_536));
    },
    { code: 'ENOSPC' },
  );
  closeSync(filler);
  const full = new BackupFile(path.join(disk.directory, 'one.backup'), file);
  await t.throwsAsync(writeBackup(file, facts, full), {
    message: /one\.backup cannot be written: no space is left/,
  });
  full.discard();

  rmSync(path.join(disk.directory, 'filler'));
  const onDisk = await smallStore(disk.directory);
  const beside = new BackupFile(path.join(disk.directory, 'two.backup'), onDisk);
  await t.throwsAsync(writeBackup(onDisk, facts, beside), {
    message: /the disk of the store has no room for a backup/,
  });
  beside.discard();
  const kept = new Kept();
  await writeBackup(file, facts, kept);
  const large = openSync(path.join(disk.directory, 'filler'), 'w');
  t.throws(
    () => {
      for (;;) writeSync(large, Buffer.alloc(65_536));
    },
    { code: 'ENOSPC' },
  );
  closeSync(large);
  await t.throwsAsync(buildStore(path.join(disk.directory, 'made.db'), sourceOf(kept.bytes)), {
    instanceOf: StoreError,
    message: /full/,
  });
  t.deepEqual(
    ['one.backup', 'two.backup'].filter((name) => existsSync(path.join(disk.directory, name))),
    [],
  );
  t.is(readFileSync(onDisk).toString('latin1', 0, 15), 'SQLite format 3');
});

test('a store that somebody has changed is not backed up as if it were ours', async (t) => {
  const file = await smallStore(freshDirectory(t));
  const database = new Database(file);
  database.exec('CREATE TRIGGER quiet AFTER INSERT ON audit_events BEGIN SELECT 1; END');
  database.close();
  await t.throwsAsync(writeBackup(file, facts, new Kept()), {
    instanceOf: StoreError,
    message: /trigger quiet/,
  });
});
