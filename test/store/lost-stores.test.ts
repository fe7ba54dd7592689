import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import test, { type ExecutionContext } from 'ava';
import { nodeFlags } from '../../src/node-process.ts';
import { SqliteStore, StoreError } from '../../src/store/sqlite/sqlite.ts';
import { reservePath } from '../../src/store/sqlite/space-reserve.ts';
import { makeStoreOfStep1 } from '../support/older-store.ts';
import { checkAtStart } from '../../src/store/sqlite/start-check.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ownKeys } from '../../src/token/own-keys.ts';
import { LoopDisk } from '../../testing/loop-disk.ts';
import { inToken } from '../../testing/in-token.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { KeptLog } from '../vault/stage.ts';

/* Whatever has become of a store, the way out is its own; and never one that puts an empty store in its place. */

const run = promisify(execFile);
const restore = /docs\/backup\.md/;

async function freshPath(t: ExecutionContext, within = memoryDirectory()): Promise<string> {
  const directory = await mkdtemp(path.join(within, 'holdfast-lost-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  return path.join(directory, 'holdfast.db');
}

/** A store with what there is beside it on a node, closed. */
async function storeAt(file: string): Promise<void> {
  const store = await SqliteStore.init(file);
  store.reserve.fill();
  await store.close();
}

async function refusal(opening: () => Promise<SqliteStore>): Promise<StoreError> {
  try {
    await (await opening()).close();
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error('it was opened');
}

for (const [what, ruin, fault] of [
  ['is gone', async (file: string) => rm(file), 'gone'],
  ['is empty', async (file: string) => truncateSync(file, 0), 'gone'],
  ['is cut off', async (file: string) => truncateSync(file, 8192), 'damaged'],
  ['is no database', async (file: string) => writeFileSync(file, 'x'.repeat(100_000)), 'not-a-store'],
] as const)
  test(`a store that ${what} is neither opened nor made anew: a backup is the way out`, async (t) => {
    const file = await freshPath(t);
    await storeAt(file);
    await ruin(file);
    for (const way of ['open', 'init'] as const) {
      const error = await refusal(async () => SqliteStore[way](file));
      t.is(error.fault, fault, error.message);
      t.regex(error.remediation, restore);
      t.notRegex(error.remediation, /holdfast init/);
    }
    t.false(fault === 'gone' && existsSync(file) && (await stat(file)).size > 0);
  });

test('a store whose space is all that is left of it is not made anew', async (t) => {
  const file = await freshPath(t);
  writeFileSync(reservePath(file), '');
  t.is((await refusal(async () => SqliteStore.init(file))).fault, 'gone');
});

test.serial('a store of root’s, or in a directory of root’s, says so', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('not run: only root can make a file that its own user may not write');
    return t.pass();
  }
  const file = await freshPath(t, tmpdir());
  await storeAt(file);
  chmodSync(path.dirname(file), 0o755);
  process.seteuid?.('nobody');
  try {
    const error = await refusal(async () => SqliteStore.open(file));
    t.is(error.fault, 'not-permitted');
    t.regex(error.message, /EACCES|SQLITE_CANTOPEN/);
    t.regex(error.remediation, /chown/);
  } finally {
    process.seteuid?.(0);
  }
});

// As /var/lib/holdfast in /var/lib: the service's user may write in the one and not in the other.
test('a first store is made in a directory of one’s own that is in somebody else’s', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('not run: only root can make a directory that is somebody else’s');
    return t.pass();
  }
  const outer = path.dirname(await freshPath(t));
  const file = path.join(outer, 'state/holdfast.db');
  mkdirSync(path.dirname(file), { mode: 0o700 });
  chownSync(outer, 65_534, 65_534);
  chmodSync(outer, 0o755);
  const script = `const { SqliteStore } = await import(${JSON.stringify(new URL('../../src/store/sqlite/sqlite.ts', import.meta.url))});
await (await SqliteStore.init(process.argv[1])).close();`;
  // Root as every other user is: what it does not own it may not write.
  await run('setpriv', [
    '--bounding-set=-dac_override,-dac_read_search',
    process.execPath,
    ...nodeFlags,
    '--input-type=module',
    `--eval=${script}`,
    file,
  ]);
  t.true(existsSync(file));
});

test.serial('a store on a read-only file system says so, and is not changed', async (t) => {
  const disk = await LoopDisk.create();
  if (typeof disk === 'string') {
    t.log(`not run: ${disk}`);
    return t.pass();
  }
  t.teardown(async () => disk.dispose());
  const file = path.join(disk.directory, 'holdfast.db');
  await storeAt(file);
  await run('mount', ['-o', 'remount,ro', disk.directory]);
  const error = await refusal(async () => SqliteStore.open(file));
  t.is(error.fault, 'read-only');
  t.regex(error.remediation, /dmesg/);
});

test.serial(
  'a store whose disk becomes read-only is read on, and status tells why nothing is written',
  async (t) => {
    const disk = await LoopDisk.create();
    if (typeof disk === 'string') {
      t.log(`not run: ${disk}`);
      return t.pass();
    }
    t.teardown(async () => disk.dispose());
    const file = path.join(disk.directory, 'holdfast.db');
    await storeAt(file);
    const store = await SqliteStore.open(file);
    t.teardown(async () => store.close());
    const write = async (then: () => void) =>
      store.bookkeep('by hand', async (trx) => {
        await trx.insertInto('leases').values({ name: 'it', holder: 'us', until: '' }).execute();
        then();
      });
    const changeMind = () => {
      throw new Error('no');
    };
    await t.throwsAsync(write(changeMind), { message: 'no' });
    t.is(store.whyUnwritable(), undefined, 'what one act fails with is not the store’s');
    disk.becomeReadOnly();
    await t.throwsAsync(
      write(() => undefined),
      { instanceOf: StoreError, message: /is read-only/ },
    );
    t.is(store.whyUnwritable()?.fault, 'read-only');
    t.deepEqual(await store.db.selectFrom('leases').selectAll().execute(), []);
  },
);

test('damage that nothing has come upon yet is found as a node starts; of a large store it is logged', async (t) => {
  const file = await freshPath(t);
  await storeAt(file);
  const { log } = new KeptLog();
  t.notThrows(() => checkAtStart(file, log));
  // The page of an index, which is empty and nobody has read.
  const raw = new Database(file);
  const root = `SELECT rootpage FROM sqlite_schema WHERE name = 'kms_keys_arn'`;
  const page = raw.prepare<[], number>(root).pluck().get() ?? 0;
  const size = Number(raw.pragma('page_size', { simple: true }));
  raw.close();
  const handle = await open(file, 'r+');
  await handle.write(Buffer.alloc(size, 0xff), 0, size, (page - 1) * size);
  await handle.close();
  await (await SqliteStore.open(file)).close();
  const error = t.throws(() => checkAtStart(file, log), { instanceOf: StoreError });
  t.is(error?.fault, 'damaged');
  t.regex(error?.remediation ?? '', restore);

  const kept = new KeptLog();
  checkAtStart(file, kept.log, 0);
  const line = await kept.until(({ level }) => level === 'error');
  t.regex(line.message, /damaged/);
});

test('on a file system that is not local nothing is made, and nothing left behind', async (t) => {
  const library = path.join(path.dirname(await freshPath(t)), 'remote-disk.so');
  const source = path.join(import.meta.dirname, '../support/remote-disk.c');
  await run('cc', [
    '-std=c11',
    '-O2',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-shared',
    '-fPIC',
    '-o',
    library,
    source,
    '-ldl',
  ]);
  const module = path.join(import.meta.dirname, '../../src/store/sqlite/sqlite.ts');
  const script = `import { SqliteStore } from ${JSON.stringify(module)};
    const way = process.argv[2];
    try { await SqliteStore[way](process.argv[1]); console.log('{}'); }
    catch ({ fault, message, remediation }) { console.log(JSON.stringify({ fault, told: message + '; ' + remediation })); }`;
  /** Every file system is of this type and source, as mountinfo has it. */
  const mountedAs = (name: string, typeAndSource: string) => {
    const file = path.join(path.dirname(library), name);
    const here = readFileSync('/proc/self/mountinfo', 'utf8');
    writeFileSync(file, here.replaceAll(/ - \S+ \S+ /g, ` - ${typeAndSource} `));
    return { HOLDFAST_TEST_DISK: 'rclone', HOLDFAST_TEST_MOUNTS: file };
  };
  for (const [kind, env] of [
    ['nfs', {}],
    ['unshared', {}],
    ['rclone', mountedAs('rclone', 'fuse.rclone remote:')],
    ['mountpoint-s3', mountedAs('mountpoint-s3', 'fuse mountpoint-s3')],
    ['davfs', mountedAs('davfs', 'fuse https://dav.example.com/')],
    ['in-order', {}],
  ] as const) {
    const fresh = await freshPath(t);
    const old = await freshPath(t);
    await storeAt(old);
    for (const [file, way, left] of [
      [fresh, 'init', []],
      [old, 'open', ['holdfast.db', 'holdfast.db-reserve']],
      [old, 'init', ['holdfast.db', 'holdfast.db-reserve']],
    ] as const) {
      // What is there is read as anywhere.
      if (kind === 'in-order' && file === old) continue;
      // The same but for how it is recognized.
      if ((kind === 'mountpoint-s3' || kind === 'davfs') && file === old) continue;
      const { stdout } = await run(
        process.execPath,
        [...nodeFlags, '--input-type=module', '--eval', script, file, way],
        {
          env: { ...process.env, LD_PRELOAD: library, HOLDFAST_TEST_DISK: kind, ...env },
        },
      );
      const { fault, told } = JSON.parse(stdout) as { fault: string; told: string };
      t.is(fault, 'not-local', stdout);
      t.regex(told, /the store needs a local file system/);
      if ('HOLDFAST_TEST_MOUNTS' in env) t.true(told.includes(` is on ${kind}; `), told);
      t.deepEqual(readdirSync(path.dirname(file)).toSorted(), [...left], `${kind} ${way}`);
    }
  }

  // A store of an earlier version, whose disk fails once the migrations are committed: they are in the log and nowhere else.
  const old = await freshPath(t);
  await makeStoreOfStep1(old);
  const raw = new Database(old);
  raw.pragma('journal_mode = WAL');
  raw.close();
  const { stdout } = await run(
    process.execPath,
    [...nodeFlags, '--input-type=module', '--eval', script, old, 'init'],
    {
      env: { ...process.env, LD_PRELOAD: library, HOLDFAST_TEST_DISK: 'failing' },
    },
  );
  t.is((JSON.parse(stdout) as { fault: string }).fault, 'not-local', stdout);
  t.true((await stat(`${old}-wal`)).size > 0, 'the log with what was committed stays');
  await (await SqliteStore.open(old)).close();
});

test('init looks at a damaged store before it makes keys of its own in a token', async (t) => {
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  const node = await TestNode.create({ tokens: [{ fixture }] });
  t.teardown(async () => node.dispose());
  const own = Object.values(ownKeys).map(({ id }) => id.toString('hex'));
  await inToken(
    fixture,
    own.map((id) => ({ do: 'destroy', id })),
  );
  truncateSync(loadConfig(node.config).storePath, 8192);
  const error = await t.throwsAsync(node.cli('init'));
  t.regex(error.message, /damaged/);
  t.deepEqual(
    await inToken(
      fixture,
      own.map((id) => ({ do: 'has', id })),
    ),
    [false, false],
  );
});
