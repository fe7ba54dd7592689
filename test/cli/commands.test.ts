import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { createProgram } from '../../src/cli/program.ts';
import { TestNode } from '../support/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../support/tokens.ts';

const test = anyTest as TestFn<{ node: TestNode; fixture: TokenFixture }>;
const command = path.resolve(import.meta.dirname, '../../bin/holdfast');

test.before(async (t) => {
  const fixture = await createSoftHsmToken();
  const node = await TestNode.create({ tokens: [{ fixture }] });
  await node.cli('key-set', 'create', 'payments', '--token', 'token', '--path-prefix', 'pay');
  t.context = { node, fixture };
});
test.after.always(async (t) => {
  await t.context.node.dispose();
  await t.context.fixture.dispose();
});

async function run(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(command, words, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test('a CloudKey is created, listed, shown, rotated, disabled and enabled', async (t) => {
  const { node } = t.context;
  const key = await node.cliJson(
    'cloud-key',
    'create',
    'payroll',
    '--key-set',
    'payments',
    '--external-key-id',
    'payroll.1',
  );
  t.is(key.externalKeyId, 'payroll.1');
  t.deepEqual(key.usage, ['ENCRYPT', 'DECRYPT']);
  t.is((await node.cliJson('cloud-key', 'rotate', 'payroll.1')).version, 2);
  t.is((await node.cliJson('cloud-key', 'disable', 'payroll')).state, 'DISABLED');
  t.is((await node.cliJson('cloud-key', 'show', 'payroll')).versions.length, 2);
  t.is((await node.cliJson('cloud-key', 'enable', key.id)).state, 'AVAILABLE');
  t.true(
    (await node.cliJson('cloud-key', 'list', '--key-set', 'payments')).some(
      (one: { name: string }) => one.name === 'payroll',
    ),
  );
});

test('the console file is written for its owner only, never over another file', async (t) => {
  const { node } = t.context;
  const file = path.join(node.directory, 'console.json');
  const issued = await node.cliJson('credential', 'issue', '--key-set', 'payments', '--console-file', file);
  t.false('rawSecretAccessKey' in issued);
  t.is((await stat(file)).mode & 0o777, 0o600);
  const written = JSON.parse(await readFile(file, 'utf8'));
  t.is(written.XksProxyUriPath, '/pay/kms/xks/v1');
  t.is(written.XksProxyAuthenticationCredential.AccessKeyId, issued.accessKeyId);
  await t.throwsAsync(node.cli('credential', 'issue', '--key-set', 'payments', '--console-file', file), {
    code: 73,
  });
  t.is(
    (await node.cliJson('credential', 'list', '--key-set', 'payments')).filter(
      (c: { state: string }) => c.state === 'LIVE',
    ).length,
    1,
  );
  t.deepEqual(
    JSON.parse(await node.cli('credential', 'console-file', issued.accessKeyId, '--key-set', 'payments')),
    written,
  );
  t.is((await node.cliJson('credential', 'withdraw', issued.accessKeyId)).state, 'WITHDRAWN');
  await t.throwsAsync(node.cli('credential', 'console-file', issued.accessKeyId, '--key-set', 'payments'), {
    code: 66,
  });
});

test('errors are in words, with exit codes that mean something, and change nothing', async (t) => {
  const { node } = t.context;
  const config = ['--config', node.config];
  const cases: [words: string[], code: number, text: RegExp][] = [
    [
      [...config, 'cloud-key', 'show', 'nothing'],
      66,
      /there is no such CloudKey; see: holdfast cloud-key list/,
    ],
    [[...config, 'key-set', 'create', 'payments', '--token', 'token'], 73, /another key set has this name/],
    [
      [...config, 'key-set', 'create', 'x', '--token', 'token', '--path-prefix', 'a b'],
      64,
      /a path prefix has segments/,
    ],
    [[...config, 'key-set', 'create', 'x', '--token', 'other'], 78, /no token of this name .* it has: token/],
    [
      [...config, 'cloud-key', 'create', 'x', '--key-set', 'payments', '--usage', 'all'],
      64,
      /Allowed choices/,
    ],
    [[...config, 'cloud-key', 'create'], 64, /required option '--key-set/],
    [['--config', '/nowhere.toml', 'serve', '--check'], 78, /\/nowhere\.toml: cannot be read \(ENOENT\)/],
    [['nonsense'], 64, /unknown command/],
  ];
  for (const [words, code, text] of cases) {
    const result = await run(...words);
    t.is(result.code, code, words.join(' '));
    t.regex(result.stderr, text);
    t.notRegex(result.stderr, /\n\s+at /, 'no stack');
  }
  t.is((await node.cliJson('key-set', 'list')).length, 1);
});

test('serve --check reads configuration and TLS files and serves nothing', async (t) => {
  const { node } = t.context;
  const result = await run('--config', node.config, 'serve', '--check');
  t.is(result.code, 0);
  t.regex(result.stdout, /: fine/);
});

// Alone: a command beside it that opens the token with the right PIN has the refusal forgotten.
test.serial('a wrong PIN is told with the way out, and is not tried again over restarts', async (t) => {
  const { node, fixture } = t.context;
  const { writeFile } = await import('node:fs/promises');
  const pinFile = path.join(node.directory, 'wrong-pin');
  await writeFile(pinFile, '00000000', { mode: 0o600 });
  const config = path.join(node.directory, 'wrong-pin.toml');
  await writeFile(config, (await readFile(node.config, 'utf8')).replace(fixture.pinFile, pinFile));
  const result = await run('--config', config, 'cloud-key', 'create', 'x', '--key-set', 'payments');
  t.is(result.code, 77);
  t.regex(result.stderr, /the token refused the PIN \(CKR_PIN_INCORRECT\)/);
  t.regex(result.stderr, /way out: put the right PIN in place/);

  // A service manager that tries again does not have the PIN tried again.
  const again = await run('--config', config, 'serve');
  t.is(again.code, 77);
  t.regex(again.stderr, /has refused this PIN before/);
  await writeFile(pinFile, fixture.pin, { mode: 0o600 });
  t.is((await run('--config', config, 'cloud-key', 'create', 'after', '--key-set', 'payments')).code, 0);
});

test('every command says what it is for', (t) => {
  const program = createProgram();
  const walk = (commands: typeof program.commands): void => {
    for (const one of commands) {
      if (one.name() !== 'help') t.true(one.description().length > 10, one.name());
      walk(one.commands);
    }
  };
  walk(program.commands);
  t.regex(program.helpInformation(), /holdfast/);
});
