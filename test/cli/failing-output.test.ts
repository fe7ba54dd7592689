import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import type { Run } from './command-line.ts';
import { json, ScriptedApi } from './scripted-api.ts';

const command = path.resolve(import.meta.dirname, '../../bin/holdfast');

interface Context {
  api: ScriptedApi;
  /** The real command in a shell, where `$h` is `holdfast` and `$d` a directory. */
  sh: (script: string) => Promise<Run>;
}
const test = anyTest as TestFn<Context>;

test.beforeEach(async (t) => {
  const api = await ScriptedApi.start();
  const key = path.join(api.directory, 'key');
  await writeFile(key, 'hfk_1.secret\n', { mode: 0o600 });
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: api.directory,
    HOLDFAST_ENDPOINT: api.endpoint,
    HOLDFAST_CA: api.ca,
    HOLDFAST_API_KEY_FILE: key,
    h: command,
    d: api.directory,
  };
  t.context = { api, sh: async (script) => shell(script, env) };
});
test.afterEach.always(async (t) => t.context.api.stop());

async function shell(script: string, env: Record<string, string>): Promise<Run> {
  const child = spawn('/bin/bash', ['-c', script], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const run: Run = { code: null, stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => (run[name] += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { ...run, code };
}

/** More than a pipe holds. */
const events = Array.from({ length: 800 }, (_, sequence) => ({
  sequence,
  at: '2027-01-01T00:00:00.000Z',
  action: 'cloud-key.disable',
  outcome: 'done',
  actor: { kind: 'user', name: 'ada' },
  target: { kind: 'cloud-key', name: 'x'.repeat(100) },
}));
const trail = json({ items: events, next: null });
const spaceless = /^holdfast: standard output cannot be written: no space is left on the device \(ENOSPC\)/;

test('what cannot be printed on a full device is told, and the exit code is 74', async (t) => {
  const { api, sh } = t.context;
  for (const words of ['--json audit list --all', 'audit list --all']) {
    api.replies = [trail];
    const { code, stderr } = await sh(`$h ${words} > /dev/full`);
    t.is(code, 74, words);
    t.regex(stderr, spaceless);
    t.notRegex(stderr, /\n\s+at /);
  }
});

test('help, version and completion that cannot be printed are told too', async (t) => {
  for (const words of ['--help', 'audit list --help', '--version', 'completion bash']) {
    const { code, stderr } = await t.context.sh(`$h ${words} > /dev/full`);
    t.is(code, 74, words);
    t.regex(stderr, spaceless);
  }
});

test('what fits into a file only in part is told', async (t) => {
  const { api, sh } = t.context;
  api.replies = [trail];
  // Files of this shell end at 64 KiB: what a quota or a full disk does, without either.
  const { code, stderr } = await sh('trap "" XFSZ; ulimit -f 64; $h --json audit list --all > $d/audit.json');
  t.is(code, 74);
  t.regex(stderr, /the file would be larger than is allowed \(EFBIG\); what was printed is not whole/);
});

test('a reader who has seen enough ends the command without a word', async (t) => {
  const { api, sh } = t.context;
  api.replies = [trail];
  const { code, stdout, stderr } = await sh('$h --json audit list --all | head -n 1; exit ${PIPESTATUS[0]}');
  t.is(stdout, '[\n');
  t.is(code, 141);
  t.is(stderr, '');
});

test('a slow reader of a pipe that does not wait gets all of it', async (t) => {
  const { api, sh } = t.context;
  api.replies = [trail];
  const nonBlocking = 'import os; os.set_blocking(1, False)';
  const { code, stderr } = await sh(
    `(python3 -c '${nonBlocking}'; $h --json audit list --all) | (sleep 0.3; cat) > $d/audit.json; exit \${PIPESTATUS[0]}`,
  );
  t.is(code, 0, stderr);
  t.deepEqual(JSON.parse(await readFile(path.join(api.directory, 'audit.json'), 'utf8')), events);
});

test('an error that cannot be told changes no exit code, and one that should be 0 is 74', async (t) => {
  const { api, sh } = t.context;
  t.is((await sh('$h audit list --limit 0 2> /dev/full')).code, 64);
  const troubled = { alias: 'alias/x', problem: { message: 'm', wayOut: 'w' } };
  api.replies = [json({ items: [troubled], next: null })];
  const listed = await sh('HOLDFAST_VAULT=4b1c5f0e-6f0c-4f7e-9a55-0d4f4a1f3c11 $h kms-key list 2> /dev/full');
  t.is(listed.code, 74);
});

test('a closed standard output is told before anything is asked', async (t) => {
  const { api, sh } = t.context;
  const { code, stderr } = await sh('$h --json audit list --all >&-');
  t.is(code, 74);
  t.regex(stderr, /standard output is closed/);
  t.is(api.asked.length, 0);
});
