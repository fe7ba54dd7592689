import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { nodeFlags } from '../../src/node-process.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

const main = path.resolve(import.meta.dirname, '../../demo/main.ts');

test('make demo plays eleven steps with their proofs, ends by itself and leaves nothing', async (t) => {
  t.timeout(180_000);
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-demo-test-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  const { code, printed } = await play(directory);
  t.is(code, 0, printed);
  t.deepEqual(
    [...printed.matchAll(/^(\d+)\/11 {2}/gm)].map(([, step]) => Number(step)),
    Array.from({ length: 11 }, (_, index) => index + 1),
  );
  // Disabled at step 10, with the exception that AWS documents for a key that its manager has disabled.
  t.regex(printed, /^10\/11[^]*the CloudKey is DISABLED\n +S3 answers KMS\.KMSInvalidStateException/m);
  // Opened at steps 9 and 11, and never in between.
  t.is(printed.match(/the same as before the upload/g)?.length, 2);
  t.regex(printed, /^demo: 11 of 11 steps/m);
  t.deepEqual(await readdir(directory), []);
  t.deepEqual(await processesThatName(directory), []);
});

async function play(directory: string): Promise<{ code: number; printed: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...nodeFlags, main, '--patient'],
      // A core that is busy with other tests takes its time; without an end AVA would say less.
      { env: { ...process.env, TMPDIR: directory, NODE_OPTIONS: '' }, timeout: 180_000 },
      (error, stdout, stderr) => {
        const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : 1;
        resolve({ code, printed: stdout + stderr });
      },
    );
  });
}

/** Command lines, of processes that run, with this in them. */
async function processesThatName(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(text)).map((line) => line.replaceAll('\0', ' '));
}
