import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import test from 'ava';
import fc from '../../testing/properties.ts';
import { z } from 'zod';
import { assertInFile, loadConfig, readPinFile, type LoadedConfig } from '../../src/config/load.ts';
import { ConfigError, typeWords } from '../../src/config/problem.ts';
import { listProfiles, loadProfile, parseProfile } from '../../src/config/profile.ts';
import { warningsOf } from '../../src/config/warnings.ts';
import { createLog } from '../../src/log.ts';
import { Secret } from '../../src/secret.ts';

const good = `
[xks]
port = 8443
[xks.tls]
certificate = "server.pem"
key = "server-key.pem"
[[token]]
name = "primary"
profile = "softhsm2"
label = "primary"
pin = { file = "pin" }
`;

async function problemsOf(text: string): Promise<readonly string[]> {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-config-'));
  try {
    const file = path.join(directory, 'holdfast.toml');
    await writeFile(file, text);
    loadConfig(file);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => problem.replaceAll(directory, ''));
  } finally {
    await rm(directory, { recursive: true });
  }
}

test('a configuration with what is required is taken, and the rest has defaults', async (t) => {
  t.deepEqual(await problemsOf(good), []);
});

test('every wrong setting is named at once, and no value is repeated', async (t) => {
  const problems = await problemsOf(
    good
      .replace('port = 8443', 'port = "planted-7331"\nprot = 1')
      .replace('label = "primary"', 'pin_code = "planted-1234"')
      .replace('profile = "softhsm2"', 'profile = 5'),
  );
  const text = problems.join('\n');
  t.regex(text, /xks\.port: must be a number$/m);
  t.regex(text, /xks\.prot: unknown setting/);
  t.regex(text, /token\.0\.pin_code: unknown setting/);
  t.regex(text, /token\.0\.profile: must be text$/m);
  t.notRegex(text, /planted/);
  t.notRegex(text, /Invalid input|received/);
});

test('a token without label and serial is refused: no token is chosen by its slot', async (t) => {
  t.deepEqual(await problemsOf(good.replace('label = "primary"\n', '')), [
    '/holdfast.toml: token.0: needs label or serial; a token is never chosen by its slot',
  ]);
});

test('a deadline that AWS would not wait for is allowed and warned of, with the way out', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-config-'));
  t.teardown(async () => rm(directory, { recursive: true }));
  const file = path.join(directory, 'holdfast.toml');
  const warnings = async (line: string) => {
    await writeFile(file, good.replace('port = 8443', `port = 8443\n${line}`));
    return warningsOf(loadConfig(file));
  };
  t.deepEqual(await warnings(''), []);
  t.deepEqual(await warnings('answer_within_ms = 240'), []);
  const [warning, another] = await warnings('answer_within_ms = 241');
  t.regex(warning ?? '', /xks\.answer_within_ms: AWS KMS gives up after 250 ms.*take 240 or less$/);
  t.is(another, undefined);
});

test('two tokens of one name are refused', async (t) => {
  const again = good.slice(good.indexOf('[[token]]'));
  t.regex((await problemsOf(good + again)).join(), /token\.1\.name: another token has this name/);
});

const group = (profile: string, ...members: string[]) =>
  `${good.replace('profile = "softhsm2"', `profile = "${profile}"`)}\n${members.map((member) => `[[token.member]]\n${member}\n`).join('')}`;

test('an HSM group has two or more members, each of a name of its own and another token than the others', async (t) => {
  t.deepEqual(
    await problemsOf(group('softhsm2', 'name = "a"\nserial = "1"', 'name = "b"\nserial = "2"')),
    [],
  );
  const problems = async (...members: string[]) => (await problemsOf(group('softhsm2', ...members))).join();
  t.regex(await problems('name = "a"'), /token\.0\.member: /);
  t.regex(
    await problems('name = "a"', 'name = "b"'),
    /token\.0\.member\.1: is the same token as member "a"$/,
  );
  t.regex(
    await problems('name = "a"\nserial = "1"', 'name = "b"\nserial = "1"\nmodule = "/other.so"'),
    /token\.0\.member\.1\.serial: is that of member "a" too: one HSM by two names/,
  );
  t.regex(
    await problems('name = "a"\nserial = "1"', 'name = "a"\nserial = "2"'),
    /token\.0\.member\.1\.name: another token has this name/,
  );
  t.regex(await problems('name = "primary"\nserial = "1"', 'name = "b"'), /member\.0\.name: another token/);
});

test('HSMs that may each count their own IVs are no group: a nonce would come twice under one key', async (t) => {
  const members = ['name = "a"\nserial = "1"', 'name = "b"\nserial = "2"'];
  for (const profile of listProfiles()) {
    const problems = (await problemsOf(group(profile, ...members))).join();
    const { iv } = loadProfile(profile);
    if (iv.mode === 'caller' || iv.random) t.is(problems, '', profile);
    else
      t.regex(problems, /^\/holdfast\.toml: token\.0\.member: .*does not say that they are random/, profile);
  }
});

test('client CA and client subjects go together', async (t) => {
  const only = (line: string) => good.replace('[[token]]', `${line}\n[[token]]`);
  t.regex((await problemsOf(only('client_ca = "ca.pem"'))).join(), /needs client_subjects too/);
  t.regex((await problemsOf(only('client_subjects = ["a"]'))).join(), /needs client_ca too/);
});

test('CAs for AWS that cannot be read are told before anything starts; endpoints take no user, query or plain HTTP', async (t) => {
  t.deepEqual(await problemsOf(`${good}\n[aws]\nca = "none.pem"\n`), [
    '/holdfast.toml: aws.ca: cannot be read (ENOENT)',
  ]);
  t.deepEqual(await problemsOf(`${good}\n[aws]\nca = "holdfast.toml"\n`), [
    '/holdfast.toml: aws.ca: has no certificate in PEM form',
  ]);
  for (const endpoint of [
    'http://kms.example.com',
    'https://planted@kms.example.com',
    'https://kms.example.com/?a=b',
  ]) {
    const [problem = ''] = await problemsOf(`${good}\n[aws.endpoints]\nkms = "${endpoint}"\n`);
    t.regex(problem, /aws\.endpoints\.kms: /);
    t.notRegex(problem, /planted|example/);
  }
  t.deepEqual(await problemsOf(`${good}\n[aws.endpoints]\nkms = "http://127.0.0.1:4566"\n`), []);
});

test('an unknown profile is refused with the names there are', async (t) => {
  t.regex((await problemsOf(good.replace('softhsm2', 'softhsm3'))).join(), /softhsm2/);
});

test('a file that is not TOML is refused without its lines', async (t) => {
  const problems = await problemsOf('pin = "planted-1234" planted');
  t.is(problems.length, 1);
  t.notRegex(problems.join(), /planted/);
});

test('what is not TOML is told with its line and column, in profiles too', async (t) => {
  t.deepEqual(await problemsOf(good.replace('port = 8443', 'port = planted')), [
    '/holdfast.toml:3:8: not TOML: invalid value',
  ]);
  t.deepEqual(await problemsOf(`${good}[xks]\n`), [
    '/holdfast.toml:12:2: not TOML: trying to redefine an already defined table or value',
  ]);
  const error = t.throws(() => parseProfile('name = "x"\nvendor = \n', 'x.toml'), {
    instanceOf: ConfigError,
  });
  t.regex(error.message, /^x\.toml:2:10: not TOML: /);
});

test('an address, path or name of nothing is refused, wherever it may stand', async (t) => {
  for (const [key, text] of [
    ['admin.address', `${good}[admin]\naddress = ""`],
    ['xks.address', good.replace('port = 8443', 'address = ""')],
    ['xks.address', good.replace('port = 8443', 'address = "a b"')],
    ['node.state_directory', `${good}[node]\nstate_directory = ""`],
    ['store.path', `${good}[store]\nkind = "sqlite"\npath = " "`],
    ['xks.tls.certificate', good.replace('"server.pem"', '""')],
    ['xks.tls.key', good.replace('"server-key.pem"', '""')],
    ['xks.tls.client_ca', good.replace('[[token]]', 'client_ca = ""\nclient_subjects = ["a"]\n[[token]]')],
    [
      'xks.tls.client_subjects.0',
      good.replace('[[token]]', 'client_ca = "a"\nclient_subjects = [""]\n[[token]]'),
    ],
    ['admin.tls.certificate', `${good}[admin.tls]\ncertificate = ""\nkey = "k"`],
    ['admin.tls.key', `${good}[admin.tls]\ncertificate = "c"\nkey = ""`],
    ['admin.public_url', `${good}[admin]\npublic_url = ""`],
    ...[
      '',
      '10.0.0.0/33',
      '10.0.0.0/08',
      '10.0.0.0/8/8',
      '2001:db8::/129',
      'fe80::1%lo',
      'lb.example.com',
    ].map(
      (network) =>
        ['admin.proxy_protocol_from.0', `${good}[admin]\nproxy_protocol_from = ["${network}"]`] as const,
    ),
    ['admin.environment.label', `${good}[admin.environment]\nlabel = ""`],
    ['aws.ca', `${good}[aws]\nca = ""`],
    ['aws.proxy', `${good}[aws]\nproxy = ""`],
    ['aws.no_proxy', `${good}[aws]\nno_proxy = ""`],
    ['aws.endpoints.kms', `${good}[aws.endpoints]\nkms = ""`],
    ['aws.ambient_vaults.0', `${good}[aws]\nambient_vaults = [""]`],
    ['token.0.name', good.replace('name = "primary"', 'name = ""')],
    ['token.0.profile', good.replace('"softhsm2"', '""')],
    ['token.0.label', good.replace('label = "primary"', 'label = ""')],
    ['token.0.serial', good.replace('label = "primary"', 'serial = ""')],
    ['token.0.module', good.replace('label = "primary"', 'label = "a"\nmodule = ""')],
    ['token.0.pin', good.replace('"pin"', '""')],
  ] as const) {
    const problems = await problemsOf(text);
    t.is(problems.length, 1, `${key}: ${problems.join()}`);
    t.true(problems[0]?.startsWith(`/holdfast.toml: ${key}`), problems[0]);
  }
  for (const address of ['::', '::1', '0.0.0.0', 'localhost', 'node-1.example.com'])
    t.deepEqual(await problemsOf(`${good}[admin]\naddress = "${address}"`), [], address);
});

test('a configuration file that is not there is told by name', (t) => {
  const error = t.throws(() => loadConfig('/nowhere/holdfast.toml'), { instanceOf: ConfigError });
  t.is(error.message, '/nowhere/holdfast.toml: cannot be read (ENOENT)');
});

test('a PIN file that others may read is refused', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-pin-'));
  t.teardown(async () => rm(directory, { recursive: true }));
  const file = path.join(directory, 'pin');
  await writeFile(file, 'planted-1234\n', { mode: 0o644 });
  const error = t.throws(() => readPinFile({ file }), { instanceOf: ConfigError });
  t.regex(error.message, /the PIN: group or others may use it \(mode 0644\); hint: chmod 0600/);
  t.notRegex(error.message, /planted/);
  await chmod(file, 0o600);
  t.is(readPinFile({ file }).reveal(), 'planted-1234');
});

test('what cannot be a PIN is refused before the token sees it, without a word of it', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-pin-'));
  t.teardown(async () => rm(directory, { recursive: true }));
  const file = path.join(directory, 'pin');
  for (const [content, told] of [
    ['', /is empty/],
    ['\n', /is empty/],
    ['\r\n', /is empty/],
    ['\u{feff}planted-1234', /byte order mark/],
    [Buffer.from('\u{feff}planted-1234', 'utf16le'), /is in UTF-16/],
    [Buffer.from('planted-1234', 'utf16le'), /NUL byte/],
    ['planted-1234\0', /NUL byte/],
    ['planted-1234\n\n', /more than one line/],
    ['planted-1234\r\n\r\n', /more than one line/],
    ['planted-1234\nplanted-5678\n', /more than one line/],
    [Buffer.from('planted-\u{e9}', 'latin1'), /is not UTF-8/],
  ] as const) {
    await writeFile(file, content, { mode: 0o600 });
    const error = t.throws(() => readPinFile({ file }), { instanceOf: ConfigError });
    t.regex(error.message, told);
    t.regex(error.message, /it is not tried at the token$/);
    t.notRegex(error.message, /planted/);
  }
  await writeFile(file, 'pässword\n', { mode: 0o600 });
  t.is(readPinFile({ file }).reveal(), 'pässword');
});

test('a PIN keeps blanks and loses only the line end', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-pin-'));
  t.teardown(async () => rm(directory, { recursive: true }));
  const file = path.join(directory, 'pin');
  await writeFile(file, ' 12 34 \r\n', { mode: 0o600 });
  t.is(readPinFile({ file }).reveal(), ' 12 34 ');
});

test('a secret shows itself nowhere but in reveal()', (t) => {
  const secret = new Secret('planted-value');
  t.is(secret.reveal(), 'planted-value');
  const shown = [
    String(secret),
    JSON.stringify({ secret }),
    inspect({ secret }),
    inspect(secret, { showHidden: true }),
  ];
  for (const text of shown) t.notRegex(text, /planted/);
});

test('the log shows no secret, wherever it stands', async (t) => {
  const lines: string[] = [];
  const { pino } = await import('pino');
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  log.info(
    { credential: { secret: new Secret('planted-value') }, list: [new Secret('planted-value')] },
    'message',
  );
  t.notRegex(lines.join(), /planted/);
  t.is(typeof createLog('info').info, 'function');
});

for (const name of listProfiles()) {
  test(`profile ${name}: is well-formed, called as its file, and every fact has its source`, (t) => {
    const profile = loadProfile(name);
    t.is(profile.name, name);
    const facts = [
      'modules',
      'iv.mode',
      ...Object.keys(profile.environment).map((variable) => `environment.${variable}`),
      ...(profile.initialize.parameters === undefined ? [] : ['initialize.parameters']),
      ...(profile.gcm.mechanism === undefined ? [] : ['gcm.mechanism']),
      ...(profile.writes.length === 0 ? [] : ['writes']),
      ...(profile.keys.omit.length === 0 ? [] : ['keys.omit']),
      ...(profile.keys.not_told.length === 0 ? [] : ['keys.not_told']),
    ];
    const sources = Object.keys(profile.sources);
    const without = facts.filter(
      (fact) => !sources.some((source) => fact === source || fact.startsWith(`${source}.`)),
    );
    t.deepEqual(without, []);
    if (!['softhsm2', 'nss-softokn', 'opencryptoki'].includes(name))
      t.is(profile.proven, 'not run on hardware');
  });
}

test('a store or a state directory with an asterisk in its path is refused: Node would let workers into its neighbours', async (t) => {
  const of = async (lines: string) =>
    (await problemsOf(`${lines}\n${good}`)).map((line) => line.replace(/ in it: .*/, ''));
  t.deepEqual(await of('[node]\nstate_directory = "sta*te"'), [
    '/holdfast.toml: node.state_directory: /sta*te: must have no asterisk (*)',
  ]);
  t.deepEqual(await of('[store]\nkind = "sqlite"\npath = "/var/*/holdfast.db"'), [
    '/holdfast.toml: store.path: /var/*/holdfast.db: must have no asterisk (*)',
  ]);
});

test('a database is named whole, and what contradicts itself is refused', async (t) => {
  const base = 'kind = "postgres"\ndatabase = "d"\nuser = "u"\ndurability = "single"';
  const of = async (lines: string) => problemsOf(`[store]\n${base}\n${lines}\n${good}`);
  t.deepEqual(await of('address = "db.example.com"\npassword_file = "password"'), []);
  t.deepEqual(await of('address = "/run/postgresql"'), [], 'who runs the process may be enough');
  for (const [lines, problem] of [
    ['address = "db.example.com"', /over a network it needs password_file or client_certificate/],
    [
      'address = "run/postgresql"\npassword_file = "p"',
      /store\.address: is a host name, an address, or the absolute path/,
    ],
    [
      'address = "db"\nclient_certificate = "c"',
      /store\.client_certificate, store\.client_key: one needs the other/,
    ],
    ['address = "/run/postgresql"\nserver_name = "db"', /a UNIX socket has no TLS/],
    ['address = "db"\npassword_file = "p"\nca = "none.pem"', /store\.ca: cannot be read \(ENOENT\)/],
    ['address = "db"\npassword_file = "a*b"', /store\.password_file: .*must have no asterisk/],
    ['address = "db"\npassword_file = "p"\nsslmode = "disable"', /store\.sslmode: unknown setting/],
    ['password_file = "p"', /store\.address/],
  ] as const) {
    const problems = await of(lines);
    t.is(problems.length, 1, problems.join());
    t.regex(problems[0] ?? '', problem);
  }
  const onDatabase = { file: 'f', store: { kind: 'postgres' } as LoadedConfig['store'] };
  t.throws(() => assertInFile(onDatabase, 'holdfast backup'), {
    message: /holdfast backup is for a store in a file/,
  });
});

test('no process of the service may look into another, and none gets a call that a service does not need', async (t) => {
  const unit = await readFile(path.resolve(import.meta.dirname, '../../packaging/holdfast.service'), 'utf8');
  const [allowed = '', refused = ''] = [...unit.matchAll(/^SystemCallFilter=(.+)$/gm)].map(
    ([, list = '']) => list,
  );
  t.is(allowed, '@system-service');
  for (const call of ['@debug', 'process_vm_readv', 'process_vm_writev', 'kcmp', '@mount'])
    t.true(refused.slice(1).split(' ').includes(call), call);
  t.true(refused.startsWith('~'));
  // A module that asks for more gets an error and not a signal.
  t.regex(unit, /^SystemCallErrorNumber=EPERM$/m);
});

test('nothing that the service may write is run: neither compiled code of Node’s, nor a program or a library', async (t) => {
  const root = path.resolve(import.meta.dirname, '../..');
  const unit = await readFile(path.join(root, 'packaging/holdfast.service'), 'utf8');
  const dockerfile = await readFile(path.join(root, 'Dockerfile'), 'utf8');
  // Node runs what is there in the place of our code, in processes that have the PIN too. It stays beside the code.
  for (const text of [unit, dockerfile])
    t.notRegex(text, /^(?:Environment=|ENV )NODE_COMPILE_CACHE|^CacheDirectory=/m);
  t.regex(unit, /^ProtectSystem=strict$/m);
  t.regex(unit, /^PrivateTmp=yes$/m);
  const pathsOf = (directive: string) =>
    [...unit.matchAll(new RegExp(`^${directive}=(.+)$`, 'gm'))]
      .flatMap(([, paths = '']) => paths.split(' '))
      .map((file) => file.replace(/^-/, ''));
  const [, state = ''] = /^StateDirectory=(\S+)$/m.exec(unit) ?? [];
  const writable = [`/var/lib/${state}`, '/tmp', '/var/tmp', '/dev/shm', ...pathsOf('ReadWritePaths')];
  t.deepEqual(pathsOf('NoExecPaths').toSorted(), writable.toSorted());
});

test('the service may write where the modules of the profiles do', async (t) => {
  const unit = await readFile(path.resolve(import.meta.dirname, '../../packaging/holdfast.service'), 'utf8');
  const allowed = [...unit.matchAll(/^ReadWritePaths=(.+)$/gm)].flatMap(([, paths = '']) => paths.split(' '));
  const written = listProfiles().flatMap((name) => loadProfile(name).writes);
  t.true(written.includes('/opt/nfast/kmdata/local'));
  for (const file of written) t.true(allowed.includes(`-${file}`), file);
  t.is(allowed.length, new Set(written).size);
});

test('a profile with an unknown setting or IV mode is refused by name', (t) => {
  const text =
    'name = "x"\nvendor = "v"\nmodel = "m"\nproven = "not run on hardware"\nmodules = ["/m.so"]\nextra = 1\n[iv]\nmode = "random"\n[sources]\n';
  const error = t.throws(() => parseProfile(text, 'x.toml'), { instanceOf: ConfigError });
  t.regex(error.message, /x\.toml: extra: unknown setting/);
  t.regex(error.message, /x\.toml: iv\.mode: /);
});

test('whatever stands in the file, loading it gives a configuration or a ConfigError', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.constantFrom(...good.split('\n')).map((line) => good.replace(line, '')),
      ),
      async (text) => {
        t.true(Array.isArray(await problemsOf(text)));
      },
    ),
    { numRuns: 100 },
  );
});

test('a store without its kind, or of one that there is not, is told which there are', async (t) => {
  for (const table of ['path = "holdfast.db"', 'kind = "planted-7331"']) {
    const [problem, ...more] = await problemsOf(`${good}\n[store]\n${table}\n`);
    t.regex(problem ?? '', /store\.kind: must be (one of )?"sqlite"/, table);
    t.deepEqual(more, []);
  }
});

test('a value that is none of those that are taken is told as such, with all that are', (t) => {
  const schema = z.strictObject({ role: z.enum(['auditor', 'vault-admin']), kind: z.literal('user') });
  const { error } = schema.safeParse({ role: 'king', kind: 'robot' }, { error: typeWords });
  t.deepEqual(
    error?.issues.map(({ message }) => message),
    ['must be one of "auditor", "vault-admin"', 'must be "user"'],
  );
});
