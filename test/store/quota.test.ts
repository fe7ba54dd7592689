import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { nodeFlags } from '../../src/node-process.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

/*
 * A disk that has room, but none for this user: a quota that is used up. Few kernels of machines that run tests have quotas,
 * so one is played below SQLite and Node (test/support/quota-disk.c).
 */

const run = promisify(execFile);
const source = (file: string) => path.join(import.meta.dirname, '../..', file);

test('where a quota is used up what takes power away is written from the reserve, and the rest is told why not', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-quota-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  const library = path.join(directory, 'quota-disk.so');
  const flags = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC'];
  await run('cc', [...flags, '-o', library, source('test/support/quota-disk.c'), '-ldl']);
  const disk = path.join(directory, 'disk');
  await mkdir(disk);
  const script = `
    import { readdirSync, statSync, writeFileSync } from 'node:fs';
    import { SqliteStore } from ${JSON.stringify(source('src/store/sqlite/sqlite.ts'))};
    import { restricts, signsIn } from ${JSON.stringify(source('src/store/read-back.ts'))};
    const [disk] = process.argv.slice(1);
    const file = disk + '/holdfast.db';
    const allow = (more) => writeFileSync(disk + '/../limit', String(more));
    let store = await SqliteStore.init(file);
    const reserve = () => store.reserve.held;
    const used = () => readdirSync(disk).reduce((sum, name) => sum + statSync(disk + '/' + name).size, 0);
    store.reserve.fill();
    const whole = reserve();
    allow(used() + 100_000);
    let count = 0;
    const write = async (purpose) => store.bookkeep('by hand', async (trx) => {
      purpose?.(trx);
      const name = 'n' + count++;
      await trx.insertInto('leases').values({ name, holder: 'x'.repeat(20_000), until: '' }).execute();
    });
    const failed = async (work) => work().then(() => undefined, ({ fault, status, message, remediation }) => ({ fault, status, message, remediation }));
    let refused;
    while (refused === undefined) refused = await failed(() => write());
    const kept = reserve() === whole;
    const restricted = await failed(() => write((trx) => restricts(trx, 'it', async () => true)));
    const signedIn = await failed(() => write(signsIn));
    const drawn = whole - reserve();
    await store.close();
    allow(used());
    let opened;
    try { store = await SqliteStore.open(file); await write((trx) => restricts(trx, 'it', async () => true)); await store.close(); }
    catch (error) { opened = error.message; }
    console.log(JSON.stringify({ refused, kept, restricted, signedIn, drawn, opened }));`;
  const { stdout } = await run(
    process.execPath,
    [...nodeFlags, '--input-type=module', '--eval', script, disk],
    {
      env: { ...process.env, LD_PRELOAD: library, HOLDFAST_TEST_QUOTA_DIRECTORY: disk },
    },
  );
  const told = JSON.parse(stdout) as Record<string, unknown> & { refused: object; drawn: number };
  t.like(told.refused, { fault: 'full', status: 507 });
  t.regex(
    JSON.stringify(told.refused),
    /disk quota of the user .* used up \(SQLITE_IOERR_WRITE, EDQUOT\).*raise it/,
  );
  t.is(told['kept'], true, 'what may wait has nothing of the reserve');
  t.is(told['restricted'], undefined);
  t.is(told['signedIn'], undefined);
  t.true(told.drawn > 0);
  t.is(told['opened'], undefined, 'and it is opened again where nothing more may be written');
});
