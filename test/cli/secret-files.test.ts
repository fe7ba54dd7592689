import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { blocksOfPage } from '../../scripts/docs/blocks.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');

/** Where a page puts a secret: our own options, `keep` of the guide, and what is redirected in a line that names one. */
const places = [
  /--(?:console|key|recovery-codes|(?:[a-z]+-)*password|secret-access-key)-file[ =]([\w./-]+)/g,
  /\| keep ([\w./-]+)/g,
  /(?:pin|secret|password|key|credential|token|consoleFile|console").*[^-]> ([\w./-]+)/gi,
  /> ([\w./-]*(?:pin|secret|password)[\w.-]*)/g,
  /(?:create-access-key|\/vaults"|\/users"|api-keys"|rotate-credential").*> ([\w./-]+)/g,
];
/** Written by such a line, and no secret. */
const open = new Set([
  'policy.json',
  'payroll.json',
  'trust.json',
  'ledger-key.json',
  'archive.json',
  'audit.json',
]);

async function pages(): Promise<string[]> {
  const docs = (await readdir(path.join(root, 'docs')))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join('docs', name));
  const compose = (await readdir(root)).filter((name) => /^docker-compose.*\.yml$/.test(name));
  return ['README.md', ...docs, ...compose];
}

test('no file that a page has people put a secret into could be committed by accident', async (t) => {
  const found = new Map<string, string>();
  for (const page of await pages())
    for (const line of (await readFile(path.join(root, page), 'utf8')).split('\n'))
      for (const place of places)
        for (const [, file = ''] of line.matchAll(place))
          if (!/^(?:\/|\.\.|-|[A-Z]+$)/.test(file) && !open.has(file)) found.set(file, page);
  t.true(found.size > 15, String([...found.keys()]));
  const unignored: string[] = [];
  for (const [file, page] of found)
    await run('git', ['check-ignore', '--quiet', '--no-index', file], { cwd: root }).catch(() => {
      unignored.push(`${page}: ${file}`);
    });
  t.deepEqual(unignored, []);
});

test('a command that fails leaves no empty file of a secret behind, nor loses the one that was there', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-keep-'));
  t.teardown(async () => rm(directory, { recursive: true }));
  const definition =
    blocksOfPage(root, 'docs/guide.md').find(({ text }) => text.includes('keep()'))?.text ?? '';
  const bash = async (script: string) =>
    run('bash', ['-c', `${definition}\n${script}`], { cwd: directory }).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
  t.not(await bash('no-such-command 2>/dev/null | keep new.password'), 0);
  t.false(existsSync(path.join(directory, 'new.password')));
  await writeFile(path.join(directory, 'old.password'), 'as it was\n');
  t.not(await bash('false | keep old.password'), 0);
  t.is(await readFile(path.join(directory, 'old.password'), 'utf8'), 'as it was\n');
  t.is(await bash('echo another | keep old.password'), 0);
  t.is(await readFile(path.join(directory, 'old.password'), 'utf8'), 'another\n');
});
