import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';
import type { ProbeReport } from '../../src/token/probe/findings.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { bash } from '../docs/bash.ts';
import { PageTyping, scriptOf } from '../docs/typing.ts';
import { runCommand } from './command-line.ts';

const state = {} as { fixture: TokenFixture; profiles: string };

test.before(async () => {
  state.fixture = await createSoftHsmToken();
  state.profiles = path.join(state.fixture.directory, 'profiles');
  await mkdir(state.profiles);
});

test.after.always(async () => state.fixture.dispose());

const withOptions = async (...options: string[]) => {
  const { module, label, pinFile, environment } = state.fixture;
  const words = ['token', 'probe', '--module', module, '--label', label, '--pin-file', pinFile, ...options];
  return runCommand(words, { env: environment });
};

const configuration = (profile: string) => `
[node]
profile_directory = "profiles"
[xks]
port = 8443
[xks.tls]
certificate = "server.pem"
key = "server-key.pem"
[[token]]
name = "primary"
profile = "${profile}"
label = "primary"
pin = { file = "pin" }
`;

test('the profile is written to a new file, which a configuration then names; the report is for people', async (t) => {
  const { fixture } = state;
  const { directory } = fixture;
  const file = path.join(state.profiles, 'acme.toml');
  const page = new PageTyping(import.meta.url, 'docs/profiles.md');
  const script = scriptOf(page.blocks, {
    put: [
      ['/etc/holdfast/profiles', state.profiles],
      ['/opt/acme/lib/libacme-p11.so', fixture.module],
      ['--label keys', `--label '${fixture.label}'`],
      ['--pin-file pin', `--pin-file ${fixture.pinFile}`],
    ],
  });
  const bin = path.resolve(import.meta.dirname, '../../bin');
  const {
    code,
    output: stdout,
    errors: stderr,
  } = await bash(`set -e\n${script}`, {
    cwd: directory,
    env: { ...fixture.environment, PATH: `${bin}:${process.env['PATH']}`, HOME: directory },
  });
  t.is(code, 0, stderr);
  t.is(stdout, '');
  t.deepEqual(page.untyped(stderr), []);
  t.regex(stderr, /^ok {4}iv-mode {9}caller, 12 bytes: /m);
  t.regex(stderr, /profile acme is in .*acme\.toml: name its directory as node\.profile_directory/);
  const text = await readFile(file, 'utf8');
  t.false(`${stderr}${text}`.includes(fixture.pin));
  t.regex(text, /^# profile = "acme"$/m);

  const config = path.join(directory, 'holdfast.toml');
  await writeFile(config, configuration('acme'));
  const [token] = loadConfig(config).tokens;
  t.like(token?.moduleProfile, { name: 'acme', proven: 'by holdfast token probe' });
  t.deepEqual(token?.moduleProfile.modules, [fixture.module]);

  await writeFile(path.join(state.profiles, 'other.toml'), text);
  await writeFile(config, configuration('other'));
  const misnamed = t.throws(() => loadConfig(config), { instanceOf: ConfigError });
  t.regex(misnamed.message, /other\.toml: name: must be "other"/);
  await writeFile(config, configuration('softhsm2'));
  t.is(loadConfig(config).tokens[0]?.moduleProfile.name, 'softhsm2', 'those of Holdfast are there still');
  await writeFile(config, configuration('none'));
  const absent = t.throws(() => loadConfig(config), { instanceOf: ConfigError });
  t.regex(absent.message, /profile "none" is not among .*acme.*softhsm2/);

  const again = await withOptions('--write', file);
  t.is(again.code, 73);
  t.regex(again.stderr, /^holdfast: .*acme\.toml exists already/);
  t.is(await readFile(file, 'utf8'), text);
});

test('exit codes tell whether there is a profile, none can be, or the token was not reached; --json has it all', async (t) => {
  const none = await withOptions('--gcm-mechanism', '0x80001087');
  t.is(none.code, 1);
  t.is(none.stdout, '');
  t.regex(none.stderr, /^holdfast: no profile: mechanisms: the token has no mechanism 0x80001087/m);
  t.regex(none.stderr, /^ {2}hint: XKS needs AES-256-GCM/m);

  const { environment, module } = state.fixture;
  const words = ['--json', 'token', 'probe', '--module', module, '--label', 'of another', '--pin-file', '-'];
  const unreached = await runCommand(words, { env: environment, input: '12345678\n' });
  t.is(unreached.code, 69);
  const report = JSON.parse(unreached.stdout) as ProbeReport;
  t.is(report.verdict, 'unreached');
  t.is(report.findings.at(-1)?.step, 'token');

  const unasked = await runCommand(['token', 'probe', '--module', module, '--label', state.fixture.label], {
    env: environment,
  });
  t.is(unasked.code, 77);
  t.regex(unasked.stderr, /there is no terminal; use --pin-file FILE/);

  const usage = await withOptions('--write', 'Acme.txt');
  t.is(usage.code, 64);
  t.regex(usage.stderr, /a file of its own name, NAME\.toml/);
});
