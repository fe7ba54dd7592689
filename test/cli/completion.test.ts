import { execFile } from 'node:child_process';
import test from 'ava';
import { shells } from '../../src/cli/completion/completion-scripts.ts';
import { treeOf } from '../../src/cli/completion/completion-tree.ts';
import { createProgram } from '../../src/cli/program.ts';

const tree = treeOf(createProgram());

async function bash(script: string): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = execFile('/bin/bash', ['-uo', 'pipefail', '-s'], (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr });
      else reject(new Error(`${error.message}: ${stderr}`));
    });
    child.stdin?.end(script);
  });
}

/** What bash would offer at the end of each line: the script's function is called as bash calls it. */
async function complete(...lines: string[][]): Promise<string[][]> {
  const asking = lines.map(
    (words) =>
      `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; COMPREPLY=(); _holdfast; echo "\${COMPREPLY[*]}"`,
  );
  const script = [shells.bash(tree), 'complete -p holdfast >&2', ...asking].join('\n');
  const { stdout, stderr } = await bash(script);
  if (!stderr.includes('complete -F _holdfast holdfast')) throw new Error(stderr);
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' ').filter((word) => word !== ''));
}

test('bash completes commands, options and their values', async (t) => {
  const [top, cloudKey, words, usage, shell, yesNo, nothing, afterValue, none, whole] = await complete(
    ['holdfast', 'cl'],
    ['holdfast', 'cloud-key', ''],
    ['holdfast', 'cloud-key', 'cre'],
    ['holdfast', 'cloud-key', 'create', 'payroll', '--usage', 'dec'],
    ['holdfast', 'completion', ''],
    ['holdfast', '--json', 'key-set', 'edit', 'payments', '--external-key-store', ''],
    ['holdfast', 'cloud-key', 'create', 'payroll', '--description', ''],
    ['holdfast', '--profile', 'vault', 'cloud-key', 'delete', 'payroll', '--d'],
    ['holdfast', 'nonsense', 'x', '--usage'],
    ['holdfast', 'mail', 'set', '--'],
  );
  t.deepEqual(top, ['cloud-key']);
  t.deepEqual(
    [...(cloudKey ?? [])].toSorted(),
    [
      ...[
        'adopt',
        'cancel-deletion',
        'create',
        'delete',
        'disable',
        'edit',
        'enable',
        'find',
        'list',
        'preview',
        'rotate',
      ],
      ...['show', 'versions'],
    ].toSorted(),
  );
  t.deepEqual(words, ['create']);
  t.deepEqual(usage, ['decrypt-only']);
  t.deepEqual(shell, ['bash', 'zsh', 'fish']);
  t.deepEqual(yesNo, ['yes', 'no']);
  t.deepEqual(nothing, [], 'a text of one’s own');
  t.deepEqual(afterValue, ['--days']);
  t.deepEqual(none, []);
  for (const option of ['--host', '--password-file', '--json', '--endpoint', '--help'])
    t.true(whole?.includes(option), option);
});

test('bash asks for names of what is there, as whom the line says, and expands nothing of them', async (t) => {
  const names = ['payroll', 'a b', '$(echo pwned)', '`echo pwned`', '*', "it's", '~root'];
  const script = [
    `holdfast() { printf '%s\\n' "asked: $*" >&2; printf '%s\\n' ${names.map((name) => `'${name.replaceAll("'", `'\\''`)}'`).join(' ')}; }`,
    shells.bash(tree).replaceAll('2>/dev/null)', ')'),
    ...[
      ['holdfast', '--profile', 'emea', 'cloud-key', 'disable', 'pay'],
      ['holdfast', 'cloud-key', 'create', 'x', '--key-set', ''],
      ['holdfast', 'key-set', 'freeze', 'a', ''],
    ].map(
      (words) =>
        `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _holdfast; printf '%s\\n' "\${COMPREPLY[@]}"; echo --`,
    ),
  ].join('\n');
  const { stdout, stderr } = await bash(script);
  t.deepEqual(
    stderr.split('\n').filter((line) => line.startsWith('asked')),
    [
      'asked: complete-names cloud-key pay -- --profile emea cloud-key disable',
      'asked: complete-names key-set  -- cloud-key create x --key-set',
      'asked: complete-names key-set  -- key-set freeze a',
    ],
  );
  const offered = stdout.split('--\n')[0]?.trim().split('\n') ?? [];
  // What the shell makes of a line that they are put into.
  const typed = await bash(offered.map((word) => `printf '%s\\n' ${word}`).join('\n'));
  t.deepEqual(typed.stdout.trim().split('\n'), names);
});

test('bash completes file names where a file is wanted', async (t) => {
  const root = new URL('../../', import.meta.url).pathname;
  const [own, common, notHere] = await complete(
    ['holdfast', 'credential', 'issue', '--console-file', `${root}pack`],
    ['holdfast', '--ca', `${root}tsco`],
    ['holdfast', 'cloud-key', 'show', `${root}pack`],
  );
  t.true(own?.includes(`${root}package.json`));
  t.deepEqual(common, [`${root}tsconfig.json`]);
  t.deepEqual(notHere, []);
});

test('every command, option and choice is in all three scripts, and nothing breaks their quotes', (t) => {
  for (const [name, script] of Object.entries(shells)) {
    const text = script(tree);
    for (const { path, commands, options } of tree.places) {
      for (const command of commands) t.true(text.includes(command.name), `${name}: ${path} ${command.name}`);
      for (const { flags, choices } of options) {
        for (const flag of flags) t.true(text.includes(flag.replace(/^-+/, '')), `${name}: ${path} ${flag}`);
        for (const choice of choices) t.true(text.includes(choice), `${name}: ${path} ${choice}`);
      }
    }
    t.is((text.split("'").length - 1) % 2, 0, name);
  }
});
