import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import type { LoadedConfig } from '../../src/config/load.ts';
import { WriteRefusedError } from '../../src/keys/limit-rotation-writes.ts';
import { giveUpLeaseOf, ServedWriter } from '../../src/node/served-writer.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import type { ServedWrite } from '../../src/serving/served-writes.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

/* The supervisor's thread that writes for XKS workers: what it says it wrote is written, whatever becomes of it. */

async function freshPath(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-writer-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  return path.join(directory, 'holdfast.db');
}

function oneUse(id: string) {
  return { kind: 'encrypt', id, count: 1, last_at: '2031-01-01T00:00:00.000Z', last_address: '' } as const;
}

function use(id: string): ServedWrite {
  return { kind: 'uses', uses: [oneUse(id)] };
}

const by = 'xks-worker/of-a-test';

test('the thread loads no library but those of the store', async (t) => {
  const thread = new URL('../../src/node/served-writer-thread.ts', import.meta.url).href;
  // Which database it loads is known once it is told where the store is.
  const opening = new URL('../../src/store/opening/open.ts', import.meta.url).href;
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = new Set();
    registerHooks({
      resolve(specifier, context, next) {
        const found = next(specifier, context);
        // What we name ourselves; what a library takes besides is its own.
        if (!context.parentURL?.includes('/node_modules/') && found.url.includes('/node_modules/')) loaded.add(specifier);
        return found;
      },
    });
    await import(${JSON.stringify(thread)}).catch(() => undefined);
    const { openStore } = await import(${JSON.stringify(opening)});
    await openStore({ kind: 'sqlite', path: '/nowhere/holdfast.db' }).catch(() => undefined);
    console.log(JSON.stringify([...loaded].sort()));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  t.deepEqual(JSON.parse(stdout), ['better-sqlite3', 'kysely', 'kysely/migration']);
});

test('a thread that cannot open the store says why, and the next write starts another', async (t) => {
  const file = await freshPath(t);
  const gone: string[] = [];
  const writer = new ServedWriter({ kind: 'sqlite', path: file }, (problem) => gone.push(problem));
  t.teardown(async () => writer.close());
  await writer.start();
  await t.throwsAsync(writer.write(use('a'), by), { message: /there is no store/ });
  t.regex(gone.join(), /there is no store/);
  const store = await SqliteStore.init(file);
  t.teardown(async () => store.close());
  t.deepEqual(await writer.write(use('a'), by), { kind: 'uses' });
});

test('what the store refuses for good is told apart from what it cannot write now', async (t) => {
  const file = await freshPath(t);
  const store = await SqliteStore.init(file);
  t.teardown(async () => store.close());
  const writer = new ServedWriter({ kind: 'sqlite', path: file });
  t.teardown(async () => writer.close());
  const strange = { kind: 'uses', uses: [{ ...oneUse('a'), last_at: null }] } as unknown as ServedWrite;
  await t.throwsAsync(writer.write(strange, by), { instanceOf: WriteRefusedError });
  t.deepEqual(await writer.write(use('a'), by), { kind: 'uses' });
  // Somebody changes the schema under it: that is to be put right, and then it is written.
  const other = new Database(file);
  other.exec('CREATE TABLE of_a_stranger (x)');
  const error = await t.throwsAsync(writer.write(use('b'), by), { message: /of_a_stranger/ });
  t.false(error instanceof WriteRefusedError);
  other.exec('DROP TABLE of_a_stranger');
  other.close();
  t.deepEqual(await writer.write(use('b'), by), { kind: 'uses' });
});

test('while the store is locked writes wait, no more than a bound of them, and the end waits for them', async (t) => {
  const file = await freshPath(t);
  const store = await SqliteStore.init(file);
  t.teardown(async () => store.close());
  const writer = new ServedWriter({ kind: 'sqlite', path: file });
  await writer.start();
  const other = new Database(file);
  t.teardown(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const waiting = Array.from({ length: 10_000 }, async (_, index) =>
    writer.write(use(String(index % 10)), by),
  );
  await t.throwsAsync(writer.write(use('one more'), by), { message: /has not answered for long/ });
  other.exec('ROLLBACK');
  const over = Promise.allSettled(waiting);
  await writer.close();
  const written = (await over).filter(({ status }) => status === 'fulfilled').length;
  const counted = other.prepare('SELECT sum(count) FROM uses').pluck().get();
  t.true(written > 0);
  // What was under way when the patience ended may be written and not have been told.
  t.true(Number(counted) >= written && Number(counted) <= written + 1, `${String(counted)} of ${written}`);
  await t.throwsAsync(writer.write(use('late'), by), { message: 'the node ends' });
});

// What it waits for keeps no process from ending, and this one is to stay.
const alive = setInterval(() => undefined, 1_000);
test.after.always(() => clearInterval(alive));

/* That its rows are removed is tested with a whole node (test/whole-node/postgres.test.ts). */
const place = (lease: number) => ({ kind: 'postgres', lease }) as LoadedConfig['store'];

function writerThatFails(times: number) {
  const asked: string[] = [];
  const removeHolders = async (instance: string) => {
    asked.push(instance);
    if (asked.length <= times) throw new Error('the store is away');
  };
  return { asked, removeHolders };
}

test('the rows of a worker that has exited are removed as soon as the store is there again', async (t) => {
  const writer = writerThatFails(2);
  await giveUpLeaseOf('xks-worker/a', writer, place(60_000));
  t.deepEqual(writer.asked, ['xks-worker/a', 'xks-worker/a', 'xks-worker/a']);
});

test('once the lease of a worker that has exited has ended, nothing is tried any more', async (t) => {
  const writer = writerThatFails(Infinity);
  await giveUpLeaseOf('xks-worker/a', writer, place(250));
  t.is(writer.asked.length, 2);
});
