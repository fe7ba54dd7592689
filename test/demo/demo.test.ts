import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { nodeFlags } from '../../src/node-process.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

const main = path.resolve(import.meta.dirname, '../../demo/main.ts');

// That it ends by itself without KEEP=1 shows where it is run on a bare machine (scripts/bare/machine).
test('make demo plays eleven steps with their proofs, keeps its console if told to, and leaves nothing', async (t) => {
  t.timeout(180_000);
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-demo-test-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  const { code, printed, page } = await play(directory);
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
  t.regex(page, /<title>Holdfast<\/title>/);
  t.deepEqual(await readdir(directory), []);
  t.deepEqual(await processesThatName(directory), []);
});

/** Plays it, opens the vault's address as a browser does, and ends it. */
async function play(directory: string): Promise<{ code: number | null; printed: string; page: string }> {
  // It ends with whoever started it, however that ends.
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'TERM', process.execPath, ...nodeFlags, main, '--patient', '--keep'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: directory, NODE_OPTIONS: '' },
      // A core that is busy with other tests takes its time; without an end AVA would say less.
      timeout: 180_000,
    },
  );
  const ended = once(child, 'close') as Promise<[number | null]>;
  let printed = '';
  let isOpened = false;
  const kept = new Promise<string>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (said: string) => {
        printed += said;
        const [, address, ca] = /of the vault +(\S+)[^]*CA of its own: (\S+)\n/.exec(printed) ?? [];
        if (address === undefined || ca === undefined || isOpened) return;
        isOpened = true;
        resolve(open(address, ca));
      });
  });
  let page = '';
  try {
    page = await Promise.race([kept, ended.then(() => '')]);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
  return { code: child.exitCode, printed, page };
}

async function open(address: string, ca: string): Promise<string> {
  const asked = get(address, { ca: await readFile(ca), headers: { accept: 'text/html' }, agent: false });
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return text(answer);
}

/** Command lines, of processes that run, with this in them. */
async function processesThatName(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(text)).map((line) => line.replaceAll('\0', ' '));
}
