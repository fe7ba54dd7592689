import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { TestCa } from '../../testing/certificates.ts';
import { CommandServer, runCommand, type Run } from './command-line.ts';
import { json, lost, problem, ScriptedApi } from './scripted-api.ts';

interface Context {
  api: ScriptedApi;
  /** XDG_CONFIG_HOME of the test. */
  home: string;
  passwordFile: string;
  run: (words: string[], more?: { env?: Record<string, string>; input?: string }) => Promise<Run>;
}
const test = anyTest as TestFn<Context>;

const commands = new CommandServer();
test.after.always(() => commands.close());

const vault = '4b1c5f0e-6f0c-4f7e-9a55-0d4f4a1f3c11';
const other = '5b1c5f0e-6f0c-4f7e-9a55-0d4f4a1f3c11';

function session(state = 'ACTIVE', vaultId: string | null = null) {
  return {
    id: 's',
    state,
    expiresAt: '2027-01-01T00:00:00.000Z',
    user: { id: 'u', username: 'admin', displayName: 'A', role: 'appliance-admin', vaultId },
  };
}

test.beforeEach(async (t) => {
  const api = await ScriptedApi.start();
  const home = path.join(api.directory, 'config');
  const passwordFile = path.join(api.directory, 'password');
  await writeFile(passwordFile, 'correct horse\n', { mode: 0o600 });
  t.context = {
    api,
    home,
    passwordFile,
    run: async (words, { env = {}, input } = {}) => {
      const options = { env: { XDG_CONFIG_HOME: home, ...env } };
      return input === undefined ? commands.run(words, options) : runCommand(words, { ...options, input });
    },
  };
});
test.afterEach.always(async (t) => t.context.api.stop());

async function signIn({ api, passwordFile, run }: Context, ...more: string[]): Promise<Run> {
  api.replies = [json({ session: session(), token: 'hfs_1' }, 201)];
  const place = ['--endpoint', api.endpoint, '--ca', api.ca];
  return run(['login', ...place, '--username', 'admin', '--password-file', passwordFile, ...more]);
}

async function savedProfiles(home: string): Promise<Record<string, Record<string, unknown>>> {
  return JSON.parse(await readFile(path.join(home, 'holdfast', 'credentials.json'), 'utf8')).profiles;
}

test.serial('login keeps the session for its owner only, and later commands use it', async (t) => {
  const { api, home, run } = t.context;
  const { code, stdout, stderr } = await signIn(t.context);
  t.is(code, 0, stderr);
  t.regex(stdout, /^signed in to localhost:\d+ as admin \(appliance-admin\)/);
  t.is(api.asked[0]?.url, '/api/v1/sessions');
  t.is(api.asked[0]?.body, '{"username":"admin","password":"correct horse"}');
  t.is((await stat(path.join(home, 'holdfast'))).mode & 0o777, 0o700);
  t.is((await stat(path.join(home, 'holdfast', 'credentials.json'))).mode & 0o777, 0o600);
  t.deepEqual(await savedProfiles(home), {
    default: {
      endpoint: api.endpoint,
      ca: api.ca,
      vault: null,
      username: 'admin',
      token: 'hfs_1',
      expiresAt: '2027-01-01T00:00:00.000Z',
    },
  });
  api.replies = [json(session())];
  t.is((await run(['whoami'])).code, 0);
  t.is(api.asked[1]?.headers.authorization, 'Bearer hfs_1');
});

test.serial(
  'login asks for what is still owed, from standard input line by line, and keeps the last token',
  async (t) => {
    const { api, home, run } = t.context;
    api.replies = [
      json({ session: session('SECOND_FACTOR'), token: 'hfs_1' }, 201),
      json({ session: session('PASSWORD_CHANGE'), token: 'hfs_2' }),
      json({ session: session(), token: 'hfs_3' }),
    ];
    const { code, stderr } = await run(
      [
        ...['login', '--endpoint', api.endpoint, '--ca', api.ca, '--username', 'admin'],
        ...['--password-file', '-', '--code-file', '-', '--new-password-file', '-'],
      ],
      { input: 'old one\n123 456\nnew one\n' },
    );
    t.is(code, 0, stderr);
    t.deepEqual(
      api.asked.map(({ url, headers, body }) => [url, headers.authorization, body]),
      [
        ['/api/v1/sessions', undefined, '{"username":"admin","password":"old one"}'],
        ['/api/v1/session/second-factor', 'Bearer hfs_1', '{"code":"123456"}'],
        ['/api/v1/session/password', 'Bearer hfs_2', '{"currentPassword":"old one","newPassword":"new one"}'],
      ],
    );
    t.is((await savedProfiles(home))['default']?.['token'], 'hfs_3');
  },
);

test.serial('a sign-in that does not come to its end leaves no session at the node', async (t) => {
  const { api, run } = t.context;
  for (const refusal of [
    json({ type: 'urn:holdfast:problem:invalid', status: 422, detail: 'that is no code' }, 422),
    lost,
  ]) {
    api.asked.length = 0;
    api.replies = [
      json({ session: session('SECOND_FACTOR'), token: 'hfs_1' }, 201),
      refusal,
      (response) => response.writeHead(204).end(),
    ];
    const { code } = await run(
      [
        ...['login', '--endpoint', api.endpoint, '--ca', api.ca, '--username', 'admin'],
        ...['--password-file', '-', '--code-file', '-'],
      ],
      { input: 'old one\n123456\n' },
    );
    t.not(code, 0);
    const last = api.asked.at(-1);
    t.deepEqual(
      [last?.method, last?.url, last?.headers.authorization],
      ['DELETE', '/api/v1/session', 'Bearer hfs_1'],
    );
  }
});

test.serial('without a terminal a password is not waited for', async (t) => {
  const { api, run } = t.context;
  const { code, stderr } = await run(
    ['login', '--endpoint', api.endpoint, '--ca', api.ca, '--username', 'admin'],
    { input: 'in the pipe by accident\n' },
  );
  t.is(code, 64);
  t.regex(stderr, /there is no terminal; use --password-file FILE/);
  t.is(api.asked.length, 0);
});

test.serial(
  'a vault is named by its id or its sign-in address, which says where the API is too',
  async (t) => {
    const { api, home, passwordFile, run } = t.context;
    for (const address of [`${api.endpoint}/sign-in/${vault}`, `${api.endpoint}/api/v1/vaults/${vault}`]) {
      api.replies = [json({ session: session('ACTIVE', vault), token: 'hfs_1' }, 201)];
      const words = ['login', '--vault', address, '--ca', api.ca, '--username', 'ada'];
      const { code, stderr } = await run([...words, '--password-file', passwordFile]);
      t.is(code, 0, stderr);
      t.is(api.asked.at(-1)?.url, `/api/v1/vaults/${vault}/sessions`);
      t.is((await savedProfiles(home))['default']?.['vault'], vault);
    }
    const named = await run(['login', '--endpoint', api.endpoint, '--vault', 'emea']);
    t.is(named.code, 64);
    t.regex(named.stderr, /a vault is named by its id or its sign-in address/);
  },
);

test.serial('a second login goes where the first one went; --appliance leaves the vault', async (t) => {
  const { api, passwordFile, run } = t.context;
  api.replies = [json({ session: session('ACTIVE', vault), token: 'hfs_1' }, 201)];
  const words = [
    'login',
    '--vault',
    `${api.endpoint}/sign-in/${vault}`,
    '--ca',
    api.ca,
    '--username',
    'admin',
  ];
  await run([...words, '--password-file', passwordFile]);
  api.replies = [json({ session: session('ACTIVE', vault), token: 'hfs_2' }, 201)];
  t.is((await run(['login', '--password-file', passwordFile])).code, 0);
  t.is(api.asked[1]?.url, `/api/v1/vaults/${vault}/sessions`);
  t.regex(String(api.asked[1]?.body), /"username":"admin"/);
  api.replies = [json({ session: session(), token: 'hfs_3' }, 201)];
  t.is((await run(['login', '--appliance', '--password-file', passwordFile])).code, 0);
  t.is(api.asked[2]?.url, '/api/v1/sessions');
});

test.serial('a session is sent to nobody but the node that gave it', async (t) => {
  const { api, run } = t.context;
  await signIn(t.context);
  const elsewhere = await ScriptedApi.start();
  t.teardown(async () => elsewhere.stop());
  const { code, stderr } = await run(['whoami', '--endpoint', elsewhere.endpoint, '--ca', elsewhere.ca]);
  t.is(code, 77);
  t.regex(stderr, /not signed in to localhost:\d+: the profile default is signed in to localhost:\d+/);
  t.is(elsewhere.asked.length, 0);
  t.is(api.asked.length, 1);
});

test.serial('profiles are kept apart', async (t) => {
  const { api, home, run } = t.context;
  await signIn(t.context);
  await signIn(t.context, '--profile', 'second');
  t.deepEqual(Object.keys(await savedProfiles(home)), ['default', 'second']);
  api.replies = [json(undefined, 204)];
  t.is((await run(['logout'], { env: { HOLDFAST_PROFILE: 'second' } })).code, 0);
  t.is((await savedProfiles(home))['default']?.['token'], 'hfs_1');
  t.is((await savedProfiles(home))['second']?.['token'], null);
});

test.serial('logout forgets the session also where the node cannot be reached, and says so', async (t) => {
  const { api, home, run } = t.context;
  await signIn(t.context);
  api.replies = [lost];
  const { code, stderr } = await run(['logout']);
  t.is(code, 69);
  t.regex(stderr, /forgotten here, but not known to be ended at the node/);
  t.is((await savedProfiles(home))['default']?.['token'], null);
  const after = await run(['whoami']);
  t.is(after.code, 77);
  t.regex(after.stderr, /not signed in\n {2}hint: holdfast login/);
});

test.serial('a file of sign-ins, passwords or API keys that others could read is refused', async (t) => {
  const { api, home, passwordFile, run } = t.context;
  await signIn(t.context);
  await chmod(path.join(home, 'holdfast', 'credentials.json'), 0o640);
  const opened = await run(['whoami']);
  t.is(opened.code, 78);
  t.regex(opened.stderr, /group or others may use it \(mode 0640\)\n {2}hint: chmod 0600/);

  await chmod(passwordFile, 0o604);
  const asked = api.asked.length;
  const words = ['login', '--profile', 'x', '--endpoint', api.endpoint, '--ca', api.ca, '--username', 'a'];
  const password = await run([...words, '--password-file', passwordFile], {
    env: { XDG_CONFIG_HOME: path.join(api.directory, 'elsewhere') },
  });
  t.is(password.code, 78);
  t.regex(password.stderr, /the password file .*group or others may use it/);
  const key = await run(['whoami'], {
    env: { HOLDFAST_API_KEY_FILE: passwordFile, HOLDFAST_ENDPOINT: api.endpoint, HOLDFAST_CA: api.ca },
  });
  t.is(key.code, 78);
  t.is(api.asked.length, asked);
});

test.serial('programs need an API key in a file and no sign-in', async (t) => {
  const { api, passwordFile, run } = t.context;
  const env = {
    HOLDFAST_API_KEY_FILE: passwordFile,
    HOLDFAST_ENDPOINT: api.endpoint,
    HOLDFAST_CA: api.ca,
    HOLDFAST_VAULT: vault,
  };
  api.replies = [json({ items: [{ id: '1', name: 'payments' }], next: null })];
  const { code, stdout, stderr } = await run(['--json', 'key-set', 'list'], { env });
  t.is(code, 0, stderr);
  t.deepEqual(JSON.parse(stdout), [{ id: '1', name: 'payments' }]);
  t.is(api.asked[0]?.url, `/api/v1/vaults/${vault}/key-sets?limit=200`);
  t.is(api.asked[0]?.headers.authorization, 'Bearer correct horse');
  const lost = await run(['key-set', 'list'], { env: { ...env, HOLDFAST_ENDPOINT: '' } });
  t.is(lost.code, 64);
  t.regex(lost.stderr, /set HOLDFAST_ENDPOINT/);
});

test.serial('a secret that was lost with the connection is told, and no empty file is left', async (t) => {
  const { api, passwordFile, run } = t.context;
  const env = {
    HOLDFAST_API_KEY_FILE: passwordFile,
    HOLDFAST_ENDPOINT: api.endpoint,
    HOLDFAST_CA: api.ca,
    HOLDFAST_VAULT: vault,
  };
  const file = path.join(api.directory, 'console.json');
  api.replies = [
    json({ items: [{ id: other, name: 'payments' }], next: null }),
    lost,
    // A repetition with the same Idempotency-Key is answered with what was made, without its secret.
    json({ accessKeyId: 'AAAAAAAAAAAAAAAAAAAA', state: 'LIVE' }, 201),
  ];
  const { code, stderr } = await run(
    ['credential', 'issue', '--key-set', 'payments', '--console-file', file],
    { env },
  );
  t.is(code, 69);
  t.regex(stderr, /the credential was made, but its secret was lost with the connection/);
  t.regex(stderr, /hint: holdfast credential withdraw AAAAAAAAAAAAAAAAAAAA, then issue another/);
  await t.throwsAsync(stat(file), { code: 'ENOENT' });
});

test.serial('what is done in a vault asks for one, and a profile goes to its own vault only', async (t) => {
  const { api, run } = t.context;
  await signIn(t.context);
  const { code, stderr } = await run(['key-set', 'list']);
  t.is(code, 64);
  t.regex(stderr, /this is done in a vault, and you are signed in to the appliance/);

  await mkdir(path.join(api.directory, 'v'));
  api.replies = [json({ session: session('ACTIVE', vault), token: 'hfs_1' }, 201)];
  const env = { XDG_CONFIG_HOME: path.join(api.directory, 'v') };
  await run(
    [
      ...['login', '--endpoint', api.endpoint, '--ca', api.ca, '--vault', vault],
      ...['--username', 'ada', '--password-file', t.context.passwordFile],
    ],
    { env },
  );
  const elsewhere = await run(['key-set', 'list', '--vault', other], { env });
  t.is(elsewhere.code, 77);
  t.regex(elsewhere.stderr, /signed in to another vault/);
});

test.serial('what is between us and the node is told in words', async (t) => {
  const { api, run } = t.context;
  const plain = createServer().listen(0, '127.0.0.1');
  await once(plain, 'listening');
  t.teardown(() => void plain.close());
  const { port } = plain.address() as AddressInfo;
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port: closedPort } = closed.address() as AddressInfo;
  closed.close();
  const otherCa = await TestCa.create(api.directory, 'other-ca');
  const noCa = path.join(api.directory, 'no-ca.pem');
  await writeFile(noCa, 'no certificate');
  const cases: [words: string[], code: number, text: RegExp][] = [
    [['--endpoint', api.endpoint], 69, /a CA that is not trusted here\n {2}hint: name the file of its CA/],
    [['--endpoint', api.endpoint, '--ca', otherCa.certificate], 69, /a CA that is not trusted here/],
    [['--endpoint', api.endpoint, '--ca', noCa], 78, /has no certificate in PEM/],
    [['--endpoint', api.endpoint, '--ca', '/nowhere.pem'], 78, /cannot be read \(ENOENT\)/],
    [
      ['--endpoint', api.endpoint.replace('localhost', '127.0.0.2'), '--ca', api.ca],
      69,
      /refuses connections|certificate of another name/,
    ],
    [['--endpoint', `https://localhost:${port}`], 69, /does not speak TLS/],
    [
      ['--endpoint', `https://localhost:${closedPort}`],
      69,
      /refuses connections: nothing listens there\n.*; where localhost is not 127\.0\.0\.1, https:\/\/127\.0\.0\.1:\d+/,
    ],
    [['--endpoint', `http://localhost:${port}`], 64, /speaks HTTPS only/],
    [['--endpoint', 'https://admin:secret@localhost'], 64, /must not contain a username or password/],
    [['--endpoint', 'keys'], 64, /the endpoint is not a URL/],
    [[], 64, /where is the management API/],
  ];
  for (const [words, code, text] of cases) {
    const run1 = await run(['login', ...words, '--username', 'a', '--password-file', t.context.passwordFile]);
    t.is(run1.code, code, `${words.join(' ')}: ${run1.stderr}`);
    t.regex(run1.stderr, text);
    t.notRegex(run1.stderr, /secret|\n\s+at /, 'no secret and no stack');
  }
  t.is(api.asked.length, 0);
});

test.serial('control characters of others do not reach the terminal', async (t) => {
  const { api, run } = t.context;
  await signIn(t.context);
  api.replies = [json({ items: [{ id: '1', name: 'a\u001b[2Jb\u202e', tokens: ['x\n'] }], next: null })];
  const { stdout } = await run(['vault', 'list']);
  // oxlint-disable-next-line no-control-regex -- that is what is looked for
  t.notRegex(stdout, /[\u001b\u202e]/);
  t.regex(stdout, /a\uFFFD\[2Jb\uFFFD/);
  api.replies = [
    problem('invalid', 422, { detail: 'bad\u001b]0;x\u0007', fields: [{ where: '\u001b', detail: '\r' }] }),
  ];
  const { stderr, code } = await run(['vault', 'list']);
  t.is(code, 64);
  // oxlint-disable-next-line no-control-regex -- that is what is looked for
  t.notRegex(stderr, /[\u0000-\u0009\u000b-\u001f]/);
});

test.serial('cloud-key find says where it shows the first 200 alone, and what finds the one', async (t) => {
  const { api, run } = t.context;
  await signIn(t.context);
  const key = { name: 'payroll', vaultName: 'emea', keySetName: 'payments', effectiveState: 'AVAILABLE' };
  const keys = (count: number) => ({ cloudKeys: Array.from({ length: count }, (_, id) => ({ ...key, id })) });
  api.replies = [json(keys(199)), json(keys(200))];
  const few = await run(['cloud-key', 'find', 'payroll']);
  t.deepEqual([few.code, few.stderr], [0, '']);
  const many = await run(['cloud-key', 'find', 'payroll']);
  t.is(many.code, 0);
  t.regex(
    many.stderr,
    /^holdfast: these are the first 200, and there may be more: .* ARN or id of the KMS key/,
  );
});
