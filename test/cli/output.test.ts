import anyTest, { type TestFn } from 'ava';
import { parse } from 'yaml';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Terminal } from '../../src/cli/output/streams.ts';
import { CommandServer, type Run } from './command-line.ts';
import { json, problem, ScriptedApi, silence } from './scripted-api.ts';

interface Context {
  api: ScriptedApi;
  /** On a terminal so wide; without one where it is undefined. */
  run: (
    terminal: Terminal | number | undefined,
    env: Record<string, string>,
    ...words: string[]
  ) => Promise<Run>;
}
const test = anyTest as TestFn<Context>;

const vaultId = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
const commands = new CommandServer();

test.before(async (t) => {
  const api = await ScriptedApi.start();
  const key = path.join(api.directory, 'key');
  await writeFile(key, 'an-api-key\n', { mode: 0o600 });
  const env = {
    HOLDFAST_API_KEY_FILE: key,
    HOLDFAST_ENDPOINT: api.endpoint,
    HOLDFAST_CA: api.ca,
    HOLDFAST_VAULT: vaultId,
  };
  t.context = {
    api,
    run: async (terminal, more, ...words) => {
      const { code, stdout, stderr } = await commands.run(words, {
        env: { ...env, ...more },
        terminal: typeof terminal === 'number' ? { columns: terminal, hasColours: false } : terminal,
      });
      return { code, stdout, stderr };
    },
  };
});
test.after.always(async (t) => {
  commands.close();
  await t.context.api.stop();
});

const cloudKeys = [
  {
    id: '11111111-1111-4111-8111-111111111111',
    keySetId: '99999999-9999-4999-8999-999999999999',
    keySetName: 'payments',
    name: 'payroll',
    description: 'Salaries of everybody, monthly',
    externalKeyId: '33333333-3333-4333-8333-333333333333',
    state: 'AVAILABLE',
    effectiveState: 'AVAILABLE',
    usage: 'encrypt-decrypt',
    region: 'eu-central-1',
    currentVersion: 2,
    nextRotationAt: '2027-02-27T11:20:00.000Z',
    expiresAt: null,
    kmsKeys: [{ step: 'DONE', cloudStatus: 'AVAILABLE', wanted: null }],
  },
  {
    id: '22222222-2222-4222-8222-222222222222',
    keySetId: '99999999-9999-4999-8999-999999999999',
    keySetName: 'payments',
    name: 'invoices/2026/customer-files-of-the-northern-branches',
    description: '',
    externalKeyId: '44444444-4444-4444-8444-444444444444',
    state: 'AVAILABLE',
    effectiveState: 'FROZEN',
    usage: 'encrypt-decrypt',
    region: 'eu-central-1',
    currentVersion: 1,
    nextRotationAt: null,
    expiresAt: '2027-01-31T00:00:00.000Z',
    kmsKeys: [],
  },
];

const list = ['cloud-key', 'list'];

async function listed(
  t: { context: Context },
  columns: number | undefined,
  ...words: string[]
): Promise<Run> {
  t.context.api.replies = [json({ items: cloudKeys, next: null })];
  return t.context.run(columns, {}, ...list, ...words);
}

test.serial('the external key stores of all key sets are one request', async (t) => {
  const { api, run } = t.context;
  const before = api.asked.length;
  const store = { id: 'x', keySetId: 's', keySetName: 'payments', name: 'in-eu', region: 'eu-west-1' };
  api.replies = [json({ items: [store, { ...store, id: 'y', keySetName: 'cards' }], next: null })];
  const { code, stdout } = await run(undefined, {}, 'external-key-store', 'list');
  t.is(code, 0);
  t.regex(stdout, /payments.*\n.*cards/);
  t.deepEqual(
    api.asked.slice(before).map(({ url }) => url),
    [`/api/v1/vaults/${vaultId}/external-key-stores?limit=200`],
  );
});

const kmsKeys = [
  {
    id: '55555555-5555-4555-8555-555555555555',
    cloudKeyName: 'payroll',
    region: 'eu-central-1',
    alias: 'alias/payroll',
    keyId: '66666666-6666-4666-8666-666666666666',
    origin: 'HOLDFAST',
    step: 'DONE',
    outcome: null,
    cloudStatus: 'AVAILABLE',
    wanted: 'SCHEDULE_DELETION',
    drift: [{ what: 'policy' }, { what: 'tags' }],
    problem: { code: 'AccessDeniedException', message: 'm', remediation: 'w' },
  },
  {
    id: '77777777-7777-4777-8777-777777777777',
    cloudKeyName: 'ledger',
    region: 'eu-west-1',
    alias: '',
    keyId: null,
    origin: 'MANUAL',
    step: 'KEY',
    outcome: null,
    cloudStatus: 'UNKNOWN',
    wanted: null,
    drift: [],
    problem: null,
  },
];

const room = ' (-o wide shows all, --columns a,b the ones you name)\n';

test.serial('a list of CloudKeys at 60, 80 and 120 columns', async (t) => {
  const at = async (columns: number) => listed(t, columns);
  t.deepEqual(await at(60), {
    code: 0,
    stdout: [
      'NAME     STATE      IN AWS      KEY SET   REGION',
      'payroll  AVAILABLE  AVAILABLE   payments  eu-central-1',
      'invoices/2026/customer-files-of-the-northern-branches',
      '         FROZEN     no KMS key  payments  eu-central-1',
      '',
    ].join('\n'),
    // Neither is the note wider than the terminal.
    stderr: `no room for: expires, next rotation, version\n${room.trimStart()}`,
  });
  t.deepEqual(await at(80), {
    code: 0,
    stdout: [
      'NAME     STATE      IN AWS      KEY SET   REGION        EXPIRES',
      'payroll  AVAILABLE  AVAILABLE   payments  eu-central-1  -',
      'invoices/2026/customer-files-of-the-northern-branches',
      '         FROZEN     no KMS key  payments  eu-central-1  2027-01-31 00:00 UTC',
      '',
    ].join('\n'),
    stderr: `no room for: next rotation, version\n${room.trimStart()}`,
  });
  t.deepEqual(await at(120), {
    code: 0,
    stdout: [
      'NAME                                                   STATE      IN AWS      KEY SET   REGION        VERSION',
      'payroll                                                AVAILABLE  AVAILABLE   payments  eu-central-1        2',
      'invoices/2026/customer-files-of-the-northern-branches  FROZEN     no KMS key  payments  eu-central-1        1',
      '',
    ].join('\n'),
    stderr: `no room for: expires, next rotation${room}`,
  });
});

test.serial('into a pipe a list has every column whole, and nothing is said of room', async (t) => {
  const { stdout, stderr } = await listed(t, undefined);
  t.is(stderr, '');
  const [heading, first] = stdout.split('\n');
  t.regex(heading ?? '', /^NAME +STATE +IN AWS +KEY SET +REGION +EXPIRES +NEXT ROTATION +VERSION$/);
  t.regex(first ?? '', /^payroll +AVAILABLE +AVAILABLE +payments +eu-central-1 +- +2027-02-27 11:20 UTC +2$/);
});

test.serial(
  'COLUMNS goes before what a terminal says of itself, and makes no terminal of a pipe',
  async (t) => {
    t.context.api.replies = [json({ items: cloudKeys, next: null })];
    t.regex((await t.context.run(200, { COLUMNS: '60' }, ...list)).stderr, /no room for: expires/);
    t.context.api.replies = [json({ items: cloudKeys, next: null })];
    t.is((await t.context.run(undefined, { COLUMNS: '60' }, ...list)).stderr, '');
  },
);

test.serial('internal words of KMS keys are told as people say them, at 60 and 120 columns', async (t) => {
  const shown = async (columns: number) => {
    t.context.api.replies = [json({ items: kmsKeys, next: null })];
    return (await t.context.run(columns, {}, 'kms-key', 'list')).stdout.split('\n');
  };
  t.deepEqual(await shown(60), [
    'CLOUDKEY  IN AWS                               DRIFT',
    'payroll   AVAILABLE, deletion to be scheduled  policy, tags',
    'ledger    KMS key to be created                -',
    '',
  ]);
  t.deepEqual(await shown(120), [
    'CLOUDKEY  ALIAS          REGION        IN AWS                               PROBLEM                DRIFT',
    'payroll   alias/payroll  eu-central-1  AVAILABLE, deletion to be scheduled  AccessDeniedException  policy, tags',
    'ledger    -              eu-west-1     KMS key to be created                -                      -',
    '',
  ]);
  t.context.api.replies = [json({ items: kmsKeys, next: null })];
  const names = await t.context.run(undefined, {}, 'kms-key', 'list', '-o', 'name');
  t.is(names.stdout, 'alias/payroll\n77777777-7777-4777-8777-777777777777\n', 'by id what has no other name');
});

test.serial(
  '-o json is --json, byte for byte; -o yaml is the same for who reads YAML 1.1 or 1.2',
  async (t) => {
    const { stdout } = await listed(t, 60, '-o', 'json');
    t.is(stdout, (await listed(t, 60, '--json')).stdout);
    t.deepEqual(JSON.parse(stdout), cloudKeys);
    const tricky = [
      { name: 'no', description: 'yes', at: '2027-01-31', time: '12:30', n: '0o17', x: '1_000', e: null },
    ];
    t.context.api.replies = [json({ items: tricky, next: null })];
    const yaml = (await t.context.run(60, {}, ...list, '-o', 'yaml')).stdout;
    for (const version of ['1.1', '1.2'] as const) t.deepEqual(parse(yaml, { version }), tricky, version);
  },
);

test.serial('-o name prints what another command takes: an id where names are the same', async (t) => {
  t.is((await listed(t, 60, '-o', 'name')).stdout, cloudKeys.map(({ name }) => `${name}\n`).join(''));
  const twins = cloudKeys.map((key) => ({ ...key, name: 'twin' }));
  t.context.api.replies = [json({ items: twins, next: null })];
  t.is(
    (await t.context.run(60, {}, ...list, '-o', 'name')).stdout,
    cloudKeys.map(({ id }) => `${id}\n`).join(''),
  );
  t.context.api.replies = [json({ items: [], next: null })];
  t.is((await t.context.run(60, {}, ...list, '-o', 'name')).stdout, '', 'nothing for nothing');
});

test.serial('ids are shown by wide alone, and by --columns, which takes fields of the API too', async (t) => {
  const ids = /\b[0-9a-f]{8}-/;
  t.notRegex((await listed(t, undefined)).stdout, ids);
  const wide = (await listed(t, 60, '-o', 'wide')).stdout;
  for (const key of cloudKeys) for (const id of [key.id, key.externalKeyId]) t.true(wide.includes(id));
  t.is(
    (await listed(t, 60, '--columns', 'next-rotation,name,keySetId')).stdout.split('\n')[1],
    '2027-02-27 11:20 UTC  payroll                                                99999999-9999-4999-8999-999999999999',
  );
  const wrong = await listed(t, 60, '--columns', 'nme');
  t.is(wrong.code, 64);
  const useless = await t.context.run(60, {}, ...list, '-o', 'json', '--columns', 'name');
  t.is(useless.code, 64);
  t.regex(useless.stderr, /--columns is for tables/);
  t.regex(wrong.stderr, /there is no column nme\n {2}hint: one of: name, state, in-aws, key-set, /);
});

test.serial('states have colours on a terminal that shows them, unless --color says otherwise', async (t) => {
  const green = '\u001b[32mAVAILABLE\u001b[39m';
  const { api, run } = t.context;
  const stdout = async (hasColours: boolean, ...words: string[]) => {
    api.replies = [json({ items: cloudKeys, next: null })];
    return (await run({ columns: 80, hasColours }, {}, ...list, ...words)).stdout;
  };
  t.true((await stdout(true)).includes(green));
  t.false((await stdout(false)).includes('\u001b'));
  t.false((await stdout(true, '--color', 'never')).includes('\u001b'));
  t.true((await stdout(false, '--color', 'always')).includes(green));
  for (const form of ['json', 'yaml', 'name'])
    t.false((await stdout(true, '-o', form)).includes('\u001b'), form);
});

test.serial('thirty missing permissions are one line with the way out; wide names each', async (t) => {
  const { api, run } = t.context;
  const account = { id: '12121212-1212-4212-8212-121212121212', name: 'aws' };
  const missing = Array.from({ length: 30 }, (_, index) => `kms:Act${index}`);
  const check = { ok: false, missing, problem: null };
  const checked = async (...words: string[]) => {
    api.replies = [json({ items: [account], next: null }), json(account), json({ ...account, check })];
    const { code, stdout } = await run(80, {}, 'csp-account', 'check', 'aws', ...words);
    t.is(code, 77);
    return stdout;
  };
  const brief = await checked();
  t.is(brief.split('\n').filter((line) => line.includes('kms:')).length, 1, brief);
  t.regex(
    brief,
    /^missing +30 permissions, such as kms:Act0; holdfast csp-account policy aws prints the policy/m,
  );
  t.true((await checked('-o', 'wide')).includes('kms:Act29'));
  t.deepEqual(JSON.parse(await checked('--json')).missing, missing);
});

test.serial('what keeps AWS from being asked is told once, as the error of the check', async (t) => {
  const { api, run } = t.context;
  const account = { id: '12121212-1212-4212-8212-121212121212', name: 'aws' };
  const problem = { code: 'ECONNREFUSED', message: 'AWS cannot be reached', remediation: 'see the firewall' };
  const check = { ok: false, arn: null, missing: [], problem };
  const checked = async (...words: string[]) => {
    api.replies = [json({ items: [account], next: null }), json(account), json({ ...account, check })];
    return run(80, {}, 'csp-account', 'check', 'aws', ...words);
  };
  const { code, stdout, stderr } = await checked();
  t.is(code, 77);
  t.regex(stderr, /^holdfast: AWS cannot be reached\n {2}hint: see the firewall\n$/);
  t.notRegex(stdout, /problem|cannot be reached/);
  t.deepEqual(JSON.parse((await checked('--json')).stdout).problem, problem);
});

test.serial('principals are roles and users, told apart, unless one kind is asked for', async (t) => {
  const { api, run } = t.context;
  const account = json({ items: [{ id: '12121212-1212-4212-8212-121212121212', name: 'aws' }], next: null });
  const page = (kind: string) =>
    json({
      items: [{ name: kind, arn: `arn:aws:iam::111122223333:${kind}/${kind}`, createdAt: null }],
      next: null,
    });
  api.replies = [account, page('role'), page('user')];
  const both = await run(undefined, {}, 'csp-account', 'principals', 'aws', '--columns', 'name,kind');
  t.deepEqual(both.stdout.split('\n'), ['NAME  KIND', 'role  role', 'user  user', '']);
  t.deepEqual(
    api.asked.slice(-2).map(({ url }) => /kind=\w+/.exec(url)?.[0]),
    ['kind=role', 'kind=user'],
  );
  api.replies = [account, page('user')];
  const one = await run(undefined, {}, 'csp-account', 'principals', 'aws', '--kind', 'user', '-o', 'name');
  t.is(one.stdout, 'arn:aws:iam::111122223333:user/user\n');
});

test.serial(
  'names for completion are asked for within a bound, without a word where they cannot be had',
  async (t) => {
    const { api, run } = t.context;
    const asked = async (...words: string[]) => run(undefined, {}, 'complete-names', ...words);
    api.replies = [json({ items: [...cloudKeys, { name: 'pay\u001b[2J' }], next: null })];
    const { stdout, stderr, code } = await asked('cloud-key', 'pay', '--', 'cloud-key', 'disable');
    t.deepEqual([code, stdout, stderr], [0, 'payroll\n', '']);
    t.regex(api.asked.at(-1)?.url ?? '', /cloud-keys\?name=pay&limit=100$/);
    const silent = { code: 0, stdout: '', stderr: '' };
    api.replies = [problem('unauthenticated', 401)];
    t.deepEqual(await asked('cloud-key', 'pay'), silent);
    const before = performance.now();
    api.replies = [silence];
    t.deepEqual(await asked('key-set', ''), silent);
    t.true(performance.now() - before < 20_000, 'other commands wait for a minute');
    t.deepEqual(
      await asked('cloud-key', 'pay', '--', '--profile', 'nobody', '--endpoint=https://localhost:1'),
      silent,
    );
    t.false((await run(undefined, {}, '--help')).stdout.includes('complete-names'));
  },
);

test.serial('a failure is one line of JSON on standard error where JSON is asked for', async (t) => {
  const { api, run } = t.context;
  const failure = async (...words: string[]) => {
    const { stdout, stderr, code } = await run(80, {}, ...words);
    t.is(stdout, '');
    const told = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
    t.is(told.exitCode, code);
    return told;
  };
  api.replies = [problem('not-found', 404, { detail: 'there is no such token', remediation: 'look around' })];
  t.deepEqual(await failure('--json', 'token', 'show', 'x'), {
    type: 'urn:holdfast:problem:not-found',
    code: 'not-found',
    message: 'there is no such token',
    hint: 'look around',
    fields: [],
    exitCode: 66,
  });
  const fields = [{ where: 'name', detail: 'is too long' }];
  api.replies = [problem('invalid', 422, { fields })];
  t.deepEqual((await failure('-o', 'json', 'token', 'show', 'x')).fields, fields);
  t.like(await failure('-o', 'yaml', 'token', 'show'), { code: 'usage', exitCode: 64 });
  t.regex((await failure('--json', 'token', 'show', 'x', '--bogus')).message, /unknown option '--bogus'/);
  api.replies = [json({ items: [], next: null })];
  t.like(await failure('--json', 'vault', 'show', 'none'), {
    code: 'not-found',
    message: 'there is no such vault',
    hint: 'see: holdfast vault list',
  });
  const text = await run(80, {}, 'token', 'show');
  t.regex(text.stderr, /^error: missing required argument/, 'in words for people');
});
