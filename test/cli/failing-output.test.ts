import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import type { Run } from './command-line.ts';
import { json, ScriptedApi, type Reply } from './scripted-api.ts';

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
/** What people are told of a failure that was told as JSON, in the last line. */
function inWords(stderr: string): string {
  const { message, hint } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '') as {
    message: string;
    hint: string | null;
  };
  return `holdfast: ${message}${hint === null ? '' : `\n  hint: ${hint}`}`;
}

const spaceless = /^holdfast: standard output cannot be written: no space is left on the device \(ENOSPC\)/;

test('what cannot be printed on a full device is told, and the exit code is 74', async (t) => {
  const { api, sh } = t.context;
  for (const words of ['--json audit list --all', 'audit list --all']) {
    api.replies = [trail];
    const { code, stderr } = await sh(`$h ${words} > /dev/full`);
    t.is(code, 74, words);
    t.regex(words.startsWith('--json') ? inWords(stderr) : stderr, spaceless);
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
  const troubled = { alias: 'alias/x', problem: { message: 'm', remediation: 'w' }, drift: [] };
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

const keySet = json({
  items: [{ id: '5b1c5f0e-6f0c-4f7e-9a55-0d4f4a1f3c11', name: 'payments' }],
  next: null,
});
const user = json({ id: '6b1c5f0e-6f0c-4f7e-9a55-0d4f4a1f3c11', username: 'grace', version: 1 });
const credential = {
  accessKeyId: 'AAAAAAAAAAAAAAAAAAAA',
  state: 'LIVE',
  expiresAt: null,
  rawSecretAccessKey: 'planted-secret',
  consoleFile: { RawSecretAccessKey: 'planted-secret' },
};
const store = { id: 'x', name: 'payments', customKeyStoreId: 'cks-1', region: 'eu-west-1' };

/** Every command that makes a secret: what the API answers, the options for files, what is told where it is lost. */
const makers: { words: string; replies: Reply[]; file: string; told: RegExp }[] = [
  {
    words: 'credential issue --key-set payments',
    replies: [keySet, json(credential, 201)],
    file: '--console-file',
    told: /the credential A{20} was made, but its secret is lost: .*ENOSPC.*\n {2}hint: holdfast credential withdraw A{20}/,
  },
  {
    words: 'credential rotate AAAAAAAAAAAAAAAAAAAA --key-set payments',
    replies: [
      keySet,
      json({ items: [credential], next: null }),
      json({ id: 'it' }),
      json({ ...credential, accessKeyId: 'B'.repeat(20) }, 201),
    ],
    file: '--console-file',
    told: /the credential B{20} was made.*\n {2}hint: holdfast credential withdraw B{20}/,
  },
  {
    words: 'external-key-store console payments --key-set payments',
    replies: [
      keySet,
      json({ items: [store], next: null }),
      json({ id: 'it' }),
      json({
        accessKeyId: 'C'.repeat(20),
        externalKeyStore: store,
        consoleFile: credential.consoleFile,
        request: {},
      }),
    ],
    file: '--console-file',
    told: /what to give AWS was made.*\n {2}hint: holdfast credential withdraw C{20}/,
  },
  {
    words: 'api-key create ci --scope vault.read --expires 90d',
    replies: [
      json({ id: 'k', name: 'ci', secret: 'planted-secret', expiresAt: '2027-01-31T00:00:00.000Z' }, 201),
    ],
    file: '--key-file',
    told: /the API key ci was made.*\n {2}hint: holdfast api-key revoke k/,
  },
  {
    words: 'user create grace --role auditor --email g@example.com',
    replies: [json({ username: 'grace', firstPassword: 'planted-secret', mailed: false }, 201)],
    file: '--first-password-file',
    told: /the first password was made.*\n {2}hint: holdfast user reset-password grace/,
  },
  {
    words: 'user reset-password 6b1c5f0e-6f0c-4f7e-9a55-0d4f4a1f3c11',
    replies: [
      user,
      json({ id: 'it' }),
      json({ username: 'grace', firstPassword: 'planted-secret', mailed: false }),
    ],
    file: '--first-password-file',
    told: /the first password was made.*\n {2}hint: repeat the command/,
  },
  {
    words: 'vault create emea --admin-username ada --admin-name Ada --admin-email a@example.com',
    replies: [json({ name: 'emea', firstPassword: 'planted-secret', mailed: false }, 201)],
    file: '--first-password-file',
    told: /the first password was made.*\n {2}hint: holdfast vault reset-administrator emea/,
  },
  {
    words: 'vault reset-administrator 6b1c5f0e-6f0c-4f7e-9a55-0d4f4a1f3c11',
    replies: [json({ id: 'v' }), json({ firstPassword: 'planted-secret', mailed: false })],
    file: '--first-password-file',
    told: /the first password was made.*\n {2}hint: repeat the command/,
  },
  {
    words: 'second-factor recovery-codes --password-file $d/key --code-file $d/key',
    replies: [json({ recoveryCodes: ['planted-secret'] })],
    file: '--recovery-codes-file',
    told: /recovery codes was made.*\n {2}hint: .*second-factor recovery-codes/,
  },
];
const inVault = 'export HOLDFAST_VAULT=4b1c5f0e-6f0c-4f7e-9a55-0d4f4a1f3c11';
/** Files of this shell have no room: as on a full disk, where root may mount one. */
const fullDisk =
  process.getuid?.() === 0
    ? 'unshare -m bash -c \'mkdir -p $d/full && mount -t tmpfs -o size=4k none $d/full && exec "$@"\' bash'
    : undefined;

for (const { words, replies, file, told } of makers) {
  test(`a secret that cannot be shown is told with the way to take it back: ${words}`, async (t) => {
    const { api, sh } = t.context;
    api.replies = [...replies];
    const { code, stderr } = await sh(`${inVault}; $h --json ${words} > /dev/full`);
    t.is(code, 74, stderr);
    t.regex(inWords(stderr), told);
    t.notRegex(stderr, /planted-secret|\n\s+at /);
    t.is(api.replies.length, 0);
  });

  // One for each place in the code: they cost a process and a mount each.
  if (makers.find((one) => one.file === file)?.words !== words) continue;
  (fullDisk === undefined ? test.skip : test)(
    `nothing is made where the file for its secret has no room: ${words}`,
    async (t) => {
      const { api, sh } = t.context;
      api.replies = [...replies];
      const { code, stderr } = await sh(`${inVault}; ${fullDisk} $h ${words} ${file} $d/full/secret`);
      t.is(code, 74, stderr);
      t.regex(stderr, /full\/secret cannot be written: no space is left on the device \(ENOSPC\)/);
      t.true(api.asked.every(({ method }) => method === 'GET'));
    },
  );
}

test('a reader that is gone does not hide that a secret is lost', async (t) => {
  const { api, sh } = t.context;
  api.replies = [keySet, json(credential, 201)];
  const { code, stderr } = await sh(
    `${inVault}; $h credential issue --key-set payments | true; exit \${PIPESTATUS[0]}`,
  );
  t.is(code, 74);
  t.regex(stderr, /hint: holdfast credential withdraw A{20}/);
});

const login =
  '$h login --endpoint $HOLDFAST_ENDPOINT --ca $HOLDFAST_CA --username admin --password-file $d/key';

for (const [what, options, told] of [
  ['full', 'size=4k', /no space is left on the device \(ENOSPC\)/],
  ['read-only', 'ro', /the file system is read-only \(EROFS\)/],
] as const)
  (fullDisk === undefined ? test.skip : test)(
    `nobody signs in where the sign-in could not be kept: a ${what} home`,
    async (t) => {
      const { api, sh } = t.context;
      const mount = fullDisk?.replace('size=4k', options) ?? '';
      const { code, stderr } = await sh(`${mount} env -u HOLDFAST_API_KEY_FILE HOME=$d/full ${login}`);
      t.is(code, 74, stderr);
      t.regex(
        stderr,
        /^holdfast: the sign-in cannot be kept in .*\/full\/\.config\/holdfast\/credentials\.json: /,
      );
      t.regex(stderr, told);
      t.regex(stderr, /hint: set XDG_CONFIG_HOME/);
      t.is(api.asked.length, 0);
    },
  );

test('nobody signs in where HOME is empty or relative: a session is no file of the directory one stands in', async (t) => {
  const { api, sh } = t.context;
  for (const home of ['', '.', 'x']) {
    const { code, stderr } = await sh(
      `cd $d; env -u HOLDFAST_API_KEY_FILE HOME=${home} ${login}; e=$?; test ! -e .config || e=1; exit $e`,
    );
    t.is(code, 78, stderr);
    t.regex(
      stderr,
      /^holdfast: where are sign-ins kept\? HOME is not an absolute path\n.*hint: set XDG_CONFIG_HOME/,
    );
  }
  t.is(api.asked.length, 0);
});

test('a session that could not be kept after all is ended at the node', async (t) => {
  const { api, sh } = t.context;
  const session = {
    id: 's',
    state: 'ACTIVE',
    expiresAt: '2027-01-01T00:00:00.000Z',
    user: { id: 'u', username: 'admin', displayName: 'A', role: 'appliance-admin', vaultId: null },
  };
  api.replies = [
    (response, asked) => {
      // While somebody signs in, a directory comes to stand where the file is to be.
      mkdirSync(path.join(api.directory, '.config', 'holdfast', 'credentials.json'), { mode: 0o700 });
      json({ session, token: 'hfs_1' }, 201)(response, asked);
    },
    (response) => response.writeHead(204).end(),
  ];
  const { code, stderr } = await sh(`unset HOLDFAST_API_KEY_FILE; ${login}`);
  t.not(code, 0);
  t.notRegex(stderr, /\n\s+at |should not be/);
  t.deepEqual(
    api.asked.map(({ method, url }) => `${method} ${url}`),
    ['POST /api/v1/sessions', 'DELETE /api/v1/session'],
  );
});
