import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import type { Command } from 'commander';
import { Secret as TotpSecret, TOTP } from 'otpauth';
import { createProgram } from '../../src/cli/program.ts';
import { build } from '../../src/cli/client/version.ts';
import { ownKeys } from '../../src/token/own-keys.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { CommandServer, runCommand, type Run } from './command-line.ts';

interface Context {
  node: TestNode;
  fixture: TokenFixture;
  /** Signed in to the vault as its administrator. */
  run: (...words: string[]) => Promise<Run>;
  /** The JSON that a command printed; fails the test where the command fails. */
  // oxlint-disable-next-line typescript/no-explicit-any -- parsed JSON of unknown shape
  json: (...words: string[]) => Promise<any>;
  /** As another profile. */
  as: (profile: string, ...words: string[]) => Promise<Run>;
  file: (name: string) => string;
}
const test = anyTest as TestFn<Context>;

const commands = new CommandServer();

const vaultPassword = 'eleven grey herons fishing';

test.before(async (t) => {
  const fixture = await createSoftHsmToken();
  const node = await TestNode.start({ tokens: [{ fixture, name: 'primary' }], admin: true });
  const file = (name: string) => path.join(node.directory, name);
  const { endpoint, ca, password } = node.admin;
  const env = { XDG_CONFIG_HOME: file('config') };
  const as = async (profile: string, ...words: string[]) =>
    commands.run(['--profile', profile, ...words], { env });
  const run = async (...words: string[]) => as('vault', ...words);
  const json = async (...words: string[]) => {
    const { code, stdout, stderr } = await run('--json', ...words);
    if (code !== 0) throw new Error(`holdfast ${words.join(' ')}: ${stderr}`);
    return JSON.parse(stdout) as unknown;
  };
  t.context = { node, fixture, run, json, as, file };
  await writeFile(file('admin.first'), password, { mode: 0o600 });
  await writeFile(file('admin.password'), 'four slow barges passing by', { mode: 0o600 });
  await writeFile(file('ada.password'), vaultPassword, { mode: 0o600 });
  const place = ['--endpoint', endpoint, '--ca', ca];
  const passwords = (first: string, next: string) => [
    '--password-file',
    file(first),
    '--new-password-file',
    file(next),
  ];
  const good = (run: Run) => t.is(run.code, 0, run.stderr);
  good(
    await as(
      'admin',
      'login',
      ...place,
      '--username',
      'admin',
      ...passwords('admin.first', 'admin.password'),
    ),
  );
  const vault = await as(
    ...(['admin', '--json', 'vault', 'create', 'emea', '--admin-username', 'ada'] as const),
    ...['--admin-name', 'Ada Lovelace', '--admin-email', 'ada@example.com'],
    ...['--first-password-file', file('ada.first')],
  );
  good(vault);
  const { signInUrl } = JSON.parse(vault.stdout) as { signInUrl: string };
  good(
    await run(
      ...['login', ...place, '--vault', signInUrl, '--username', 'ada'],
      ...passwords('ada.first', 'ada.password'),
    ),
  );
  await json('key-set', 'create', 'payments', '--token', 'primary', '--path-prefix', 'pay');
});
test.after.always(async (t) => {
  commands.close();
  await t.context.node.dispose();
  await t.context.fixture.dispose();
});

test.serial('a CloudKey is created, listed, shown, rotated, disabled and enabled', async (t) => {
  const { json, run } = t.context;
  const key = await json(
    ...['cloud-key', 'create', 'payroll', '--key-set', 'payments', '--external-key-id', 'payroll.1'],
    ...['--region', 'eu-central-1', '--rotation', '90d', '--quota', '500/1000', '--expires', '2099-01-31'],
    ...['--user', 'arn:aws:iam::111122223333:role/A,arn:aws:iam::111122223333:role/B'],
  );
  t.is(key.externalKeyId, 'payroll.1');
  t.is(key.usage, 'encrypt-decrypt');
  t.deepEqual(key.rotation, { kind: 'DAYS', days: 90 });
  t.deepEqual(key.quota, { requestsPerSecond: 500, burst: 1000 });
  t.is(key.expiresAt, '2099-01-31T00:00:00.000Z');
  t.deepEqual(key.users, ['arn:aws:iam::111122223333:role/A', 'arn:aws:iam::111122223333:role/B']);
  t.is((await json('cloud-key', 'rotate', 'payroll.1')).currentVersion, 2);
  t.is((await json('cloud-key', 'disable', 'payroll')).state, 'DISABLED');
  const { inForce, revision } = await json('in-force');
  t.true(inForce);
  t.like(await json('in-force', '--revision', revision), { inForce: true, revision });
  t.is((await run('in-force', '--revision', `999999${revision}`)).code, 66);
  t.is((await json('cloud-key', 'enable', key.id)).state, 'AVAILABLE');
  t.is((await json('cloud-key', 'versions', 'payroll')).length, 2);
  t.deepEqual(
    (await json('cloud-key', 'list', '--key-set', 'payments', '--name', 'payr')).map(
      ({ id }: { id: string }) => id,
    ),
    [key.id],
  );
  const edited = await json(
    ...['cloud-key', 'edit', 'payroll', '--expires', 'never', '--rotation', 'inherit', '--quota', 'none'],
    ...['--user', ''],
  );
  t.deepEqual(
    [edited.expiresAt, edited.rotation, edited.quota, edited.users],
    [null, { kind: 'INHERIT' }, null, []],
  );
});

test.serial('deleting a CloudKey asks, waits, and can be cancelled', async (t) => {
  const { run, json } = t.context;
  const { id } = await json('cloud-key', 'create', 'doomed', '--key-set', 'payments');
  const asked = await run('cloud-key', 'delete', 'doomed', '--days', '7');
  t.is(asked.code, 64);
  t.regex(
    asked.stderr,
    /Delete the CloudKey doomed on \d{4}-\d\d-\d\d, in 7 days\?.* There is no terminal to ask on; add --yes/,
  );
  t.is((await json('cloud-key', 'show', id)).state, 'AVAILABLE');
  for (const days of ['6', '31', 'x'])
    t.is((await run('cloud-key', 'delete', 'doomed', '--days', days, '--yes')).code, 64);
  const scheduled = await json('cloud-key', 'delete', 'doomed', '--days', '7', '--yes');
  t.is(scheduled.state, 'PENDING_DELETION');
  t.is(Math.round((Date.parse(scheduled.deletionAt) - Date.now()) / 86_400_000), 7);
  t.is((await json('cloud-key', 'cancel-deletion', 'doomed')).state, 'DISABLED');
});

test.serial('the console file is written for its owner only, never over another file', async (t) => {
  const { run, json, file } = t.context;
  await json('key-set', 'create', 'cards', '--token', 'primary', '--path-prefix', 'cards');
  const console = file('console.json');
  const issued = await json('credential', 'issue', '--key-set', 'cards', '--console-file', console);
  t.false('rawSecretAccessKey' in issued);
  t.is((await stat(console)).mode & 0o777, 0o600);
  const written = JSON.parse(await readFile(console, 'utf8'));
  t.is(written.XksProxyUriPath, '/cards/kms/xks/v1');
  t.is(written.XksProxyAuthenticationCredential.AccessKeyId, issued.accessKeyId);
  t.regex(written.XksProxyAuthenticationCredential.RawSecretAccessKey, /^.{43,64}$/);
  const again = await run('credential', 'issue', '--key-set', 'cards', '--console-file', console);
  t.is(again.code, 73);
  t.regex(again.stderr, /console\.json exists already\n {2}hint: name another file/);
  t.deepEqual(JSON.parse(await readFile(console, 'utf8')), written);
  t.is((await json('credential', 'list', '--key-set', 'cards')).length, 1, 'none was made in vain');
  const refused = await run(
    'credential',
    'issue',
    '--key-set',
    'nothing',
    '--console-file',
    file('none.json'),
  );
  t.is(refused.code, 66);
  await t.throwsAsync(stat(file('none.json')), { code: 'ENOENT' });
});

test.serial('a credential is rotated, retires or is withdrawn, by its access key id alone', async (t) => {
  const { run, json } = t.context;
  await json('key-set', 'create', 'rotating', '--token', 'primary', '--path-prefix', 'rotating');
  const old = await json('credential', 'issue', '--key-set', 'rotating', '--expires', '90d');
  t.regex(old.rawSecretAccessKey, /^.{43,64}$/);
  const next = await json('credential', 'rotate', old.accessKeyId, '--retire-after-quiet', '2h');
  const shown = await json('credential', 'show', old.accessKeyId);
  t.deepEqual([shown.successor, shown.retireAfterQuietMinutes], [next.accessKeyId, 120]);
  t.false('rawSecretAccessKey' in shown);
  const edited = await json(
    'credential',
    'edit',
    old.accessKeyId,
    '--expires',
    'never',
    '--retire-after-quiet',
    'never',
  );
  t.deepEqual([edited.expiresAt, edited.retireAfterQuietMinutes], [null, null]);
  await json('credential', 'rotate', next.accessKeyId, '--retire-after-quiet', 'never');
  t.is((await json('credential', 'show', next.accessKeyId)).retireAfterQuietMinutes, null);
  t.is((await run('credential', 'withdraw', old.accessKeyId)).code, 64);
  t.is((await json('credential', 'withdraw', old.accessKeyId, '--yes')).state, 'WITHDRAWN');
  t.is((await run('credential', 'withdraw', 'AAAAAAAAAAAAAAAAAAAA', '--yes')).code, 66);
});

test.serial('people, groups, CSP accounts and what belongs to them', async (t) => {
  const { run, json, file } = t.context;
  const grace = await json(
    ...['user', 'create', 'grace', '--role', 'cloud-admin', '--email', 'grace@example.com'],
    ...['--first-password-file', file('grace.first')],
  );
  t.is((await stat(file('grace.first'))).mode & 0o777, 0o600);
  t.false('firstPassword' in grace);
  await json('group', 'create', 'Cards Admins', '--description', 'Cards');
  await json('group', 'add', 'Cards Admins', 'GRACE');
  t.deepEqual(
    (await json('group', 'members', 'Cards Admins')).map(({ username }: { username: string }) => username),
    ['grace'],
  );
  await json('csp-account', 'create', 'aws', '--group', 'Cards Admins', '--aws-account', '111122223333');
  t.is((await json('csp-account', 'edit', 'aws', '--region', 'eu-west-1')).defaultRegion, 'eu-west-1');
  const { policy } = await json('csp-account', 'policy', 'aws');
  t.true(JSON.stringify(policy).includes('arn:aws:kms:*:111122223333:key/*'));
  t.is((await run('csp-account', 'policy', 'aws', '--document', 'trust')).code, 73, 'it is no role');
  t.is((await run('csp-account', 'check', 'aws')).code, 73, 'manual: nothing signs in there');
  await writeFile(file('aws.secret'), 'planted-secret-access-key-of-40-characters\n', { mode: 0o644 });
  const withKey = [
    'csp-account',
    'edit',
    'aws',
    '--type',
    'access-key',
    '--access-key-id',
    'AKIAIOSFODNN7EXAMPLE',
  ];
  const open = await run(...withKey, '--secret-access-key-file', file('aws.secret'));
  t.is(open.code, 78, 'others may read the secret');
  t.is((await run(...withKey)).code, 64, 'there is no terminal to ask for it');
  const keySet = await json(
    ...['key-set', 'create', 'hers', '--token', 'primary', '--path-prefix', 'hers'],
    ...['--group', 'Cards Admins', '--csp-account', 'aws', '--external-key-store', 'no', '--quota', '9'],
  );
  t.is(keySet.externalKeyStore, false);
  t.deepEqual(keySet.quota, { requestsPerSecond: 9, burst: 9 });
  const freed = await json(
    'key-set',
    'edit',
    'hers',
    '--group',
    'none',
    '--csp-account',
    'none',
    '--rotation',
    '30d',
  );
  t.deepEqual([freed.adminGroupId, freed.cspAccountId, freed.rotation], [null, null, { days: 30 }]);
  t.is((await json('key-set', 'freeze', 'hers')).state, 'FROZEN');
  t.is((await json('key-set', 'thaw', 'hers')).state, 'ACTIVE');
  await json('key-set', 'delete', 'hers', '--yes');
  t.is((await run('group', 'delete', 'Cards Admins')).code, 73, 'the CSP account belongs to it');
  await json('csp-account', 'delete', 'aws');
  await json('group', 'remove', 'Cards Admins', 'grace');
  await json('group', 'edit', 'Cards Admins', '--name', 'Old');
  await json('group', 'delete', 'Old');
  t.is((await json('user', 'disable', 'grace')).state, 'DISABLED');
  t.is((await json('user', 'enable', 'grace')).state, 'ACTIVE');
  t.is((await json('user', 'edit', 'grace', '--role', 'auditor')).role, 'auditor');
  t.is((await json('user', 'unlock', 'grace')).locked, false);
  t.regex((await json('user', 'reset-password', 'grace')).firstPassword, /^.{15,}$/);
  t.true((await json('user', 'delete', 'grace', '--yes', '--reason', 'has left')).deleted);
  const last = (await json('audit', 'list', '--target', 'grace', '--limit', '1'))[0];
  t.like(last, { action: 'user.delete', after: { reason: 'has left' } });
  const asked = await json('audit', 'list', '--request-id', last.requestId);
  t.true(asked.some(({ sequence }: { sequence: number }) => sequence === last.sequence));
  t.true(asked.every(({ requestId }: { requestId: string }) => requestId === last.requestId));
});

test.serial('an API key does what its scope says for a program without a sign-in', async (t) => {
  const { node, run, json, file } = t.context;
  const made = await json(
    'api-key',
    'create',
    'inventory',
    '--scope',
    'vault.read',
    '--expires',
    '90d',
    '--key-file',
    file('key'),
  );
  t.false('secret' in made);
  const env = {
    HOLDFAST_API_KEY_FILE: file('key'),
    HOLDFAST_ENDPOINT: node.admin.endpoint,
    HOLDFAST_CA: node.admin.ca,
    HOLDFAST_VAULT: (await json('vault', 'show')).id as string,
  };
  const listed = await runCommand(['--json', 'key-set', 'list'], { env });
  t.is(listed.code, 0, listed.stderr);
  const refused = await runCommand(['key-set', 'freeze', 'payments'], { env });
  t.is(refused.code, 77);
  t.regex(refused.stderr, /this requires the permission key-sets\.write/);
  // By whoever looks after users, themselves among them.
  const ofAll = await json('api-key', 'list', '--all');
  t.is(ofAll.find(({ id }: { id: string }) => id === made.id).user.username, 'ada');
  const elsewhere = await run('api-key', 'revoke', 'inventory', '--user', 'nobody');
  t.regex(elsewhere.stderr, /there is no such user/);
  await json('api-key', 'revoke', 'inventory', '--user', 'ada');
  t.is((await runCommand(['key-set', 'list'], { env })).code, 77);
  t.is((await json('api-key', 'list')).find(({ id }: { id: string }) => id === made.id).state, 'REVOKED');
});

test.serial('key sets and vaults are frozen and thawed in one act, and the exit code is true', async (t) => {
  const { json, run, as } = t.context;
  const good = (done: Run) => {
    t.is(done.code, 0, done.stderr);
    return done.stdout;
  };
  for (const name of ['ice-a', 'ice-b']) await json('key-set', 'create', name, '--token', 'primary');
  const frozen = async () =>
    (await json('key-set', 'list'))
      .filter(({ state }: { state: string }) => state === 'FROZEN')
      .map(({ name }: { name: string }) => name)
      .toSorted();
  const wrong = await run('key-set', 'freeze', 'ice-a', 'ice-x', 'ice-y');
  t.deepEqual([wrong.code, await frozen()], [66, []]);
  t.regex(wrong.stderr, /there is no key set ice-x, ice-y; nothing was frozen/);
  t.is((await run('key-set', 'freeze')).code, 64);
  t.is((await run('key-set', 'freeze', 'ice-a', '--all')).code, 64);
  const stranger = await as('nobody', 'key-set', 'freeze', '--all');
  t.deepEqual([stranger.code, await frozen()], [77, []], stranger.stderr);
  t.regex(good(await run('key-set', 'freeze', 'ice-a')), /^ice-a is FROZEN: AWS is answered InvalidState/);
  const all = await json('key-set', 'list');
  t.is(
    good(await run('key-set', 'freeze', '--all')),
    `${all.length} key sets are FROZEN: AWS is answered InvalidStateException from now on; 1 of them already was\n`,
  );
  t.is((await frozen()).length, all.length);
  t.deepEqual(await json('key-set', 'thaw', 'ice-a', 'ice-b'), { keySets: 2, changed: 2 });
  good(await run('key-set', 'thaw', '--all'));
  t.deepEqual(await frozen(), []);
  t.is(
    good(await run('key-set', 'thaw', '--all')),
    `none of the ${all.length} key sets was frozen: nothing has changed\n`,
  );
  const told = ['key-set', 'edit', 'ice-a', '--description', 'cold'];
  t.is(good(await run(...told)), 'ice-a is changed: description cold.\n');
  t.is(good(await run(...told)), 'ice-a was like that already; nothing has changed: description cold.\n');

  // The vault as a whole, by itself.
  t.regex(good(await run('vault', 'freeze', '--reason', 'INC-1')), /^\S+ is FROZEN/);
  t.is((await frozen()).length, all.length);
  t.regex(
    good(await run('key-set', 'thaw', 'ice-a')),
    /stays FROZEN with its vault: frozen since .* holdfast vault thaw/,
  );
  t.regex(good(await run('vault', 'thaw')), /^\S+ is ACTIVE/);

  // From outside: both have to end it.
  const vault = await json('vault', 'show');
  t.is((await as('admin', 'vault', 'freeze', vault.name)).code, 64, 'somebody says yes first');
  t.is((await as('admin', 'vault', 'freeze')).code, 64);
  good(await as('admin', 'vault', 'freeze', vault.name, '--yes'));
  t.regex(good(await run('vault', 'thaw')), /stays FROZEN: held by the appliance since/);
  t.regex(good(await as('admin', 'vault', 'thaw', vault.name)), /is ACTIVE/);
  // Who of the appliance did it is told from a user of the vault, who may have the same name.
  const frozenBy = ['audit', 'list', '--action', 'vault.freeze', '--oldest-first'];
  const [own, foreign] = await json(...frozenBy);
  t.deepEqual([own.actor.vaultId, foreign.actor.vaultId], [vault.id, '']);
  const table = good(await run(...frozenBy));
  t.regex(table, new RegExp(`user ${own.actor.name} +vault`));
  t.regex(table, new RegExp(`user ${foreign.actor.name} of the appliance +vault`));
  t.regex(
    good(await as('admin', ...frozenBy)),
    new RegExp(`user ${own.actor.name} of vault ${vault.id} +vault[^]*user ${foreign.actor.name} +vault`),
  );

  t.is((await as('admin', 'vault', 'freeze', '--all')).code, 64);
  t.is((await run('vault', 'freeze', '--all', '--yes')).code, 77, 'one vault does not freeze the others');
  t.regex(
    good(await as('admin', 'vault', 'freeze', '--all', '--yes')),
    /vaults? (is|are) FROZEN|vault was already FROZEN/,
  );
  t.regex(good(await as('admin', 'vault', 'thaw', vault.name)), /stays FROZEN: frozen since/);
  t.is((await json('vault', 'thaw')).state, 'ACTIVE');
  t.deepEqual(await frozen(), []);
  for (const name of ['ice-a', 'ice-b']) await json('key-set', 'delete', name, '--yes');
});

test.serial('status tells of a whole node on one screen, and its exit code is true', async (t) => {
  const { as, run, json } = t.context;
  const told = await json('status');
  t.deepEqual([told.findings, told.ok], [[], true]);
  t.like(told.tokens[0], { name: 'primary', health: 'ACTIVE', pinRefused: false });
  const vault = await run('status');
  t.is(vault.code, 0, vault.stdout);
  t.regex(vault.stdout, /^nothing needs attention\n\n/);
  t.regex(vault.stdout, /^keys +\d+ AVAILABLE/m);
  const appliance = await as('admin', '-o', 'json', 'status');
  const of = JSON.parse(appliance.stdout);
  t.is(appliance.code, of.ok ? 0 : 1);
  t.is(of.tokens[0].hostsUp, of.tokens[0].hosts);
  t.deepEqual(of.certificates[0].listeners, ['xks', 'management']);
  t.true(of.disk.freeBytes > 0 && of.auditEvents > 0);
  t.is(of.nodes[0].state, 'UP');
  // What needs attention is told by the exit code too.
  await json('key-set', 'create', 'cold', '--token', 'primary');
  await json('key-set', 'freeze', 'cold');
  const frozen = await run('status');
  t.is(frozen.code, 1, frozen.stdout);
  t.regex(
    frozen.stdout,
    /^1 thing needs attention\n- 1 key set frozen: cold\n    when it is over: holdfast key-set thaw cold\n/,
  );
  t.deepEqual(
    frozen.stdout.split('\n').filter((line) => line.length > 80),
    [],
  );
  const { stdout: all } = await run('status', 'show', 'key_set_frozen');
  t.regex(all, /^1 key set frozen: cold\n.*\n\nKIND +NAME +ID\nkey-set +cold +[0-9a-f-]{36}\n$/);
  t.is((await run('status', 'show', 'KMS_KEY_DRIFT')).code, 66);
  await json('key-set', 'thaw', 'cold');
  await json('key-set', 'delete', 'cold', '--yes');
  t.is((await as('nobody', 'status')).code, 77);
});

test.serial('the appliance: vaults, tokens, nodes, mail, reconcile', async (t) => {
  const { as } = t.context;
  const json = async (...words: string[]) => {
    const { code, stdout, stderr } = await as('admin', '--json', ...words);
    t.is(code, 0, stderr);
    return JSON.parse(stdout);
  };
  const [served] = await json('node', 'list');
  t.is(served.state, 'UP');
  // One word for the same everywhere an operator looks: the release, and the commit that was set up.
  t.is(served.version, build);
  t.is((await as('admin', '--version')).stdout, `${build}\n`);
  t.regex(build, /^\d+\.\d+\.\d+\+(?:unknown|[0-9a-f]{7,40}(?:-changed)?)$/);
  const log = t.context.node.output.split('\n').find((line) => line.startsWith('{')) ?? '';
  t.like(JSON.parse(log), { msg: 'holdfast starts', version: build, node: process.version });
  t.is((await json('token', 'list'))[0].name, 'primary');
  t.is((await json('token', 'show', 'primary')).profile, 'softhsm2');
  let shown = await as('admin', 'token', 'show', 'primary');
  // While the supervisor stands still for two seconds nobody knows since when: that does not come three times in a row.
  for (let left = 2; left > 0 && !shown.stdout.includes(' since '); left--)
    shown = await as('admin', 'token', 'show', 'primary');
  t.regex(
    shown.stdout,
    /^HSMs +primary [A-Z]+ since 20\S+Z, serial \w+; SoftHSM project SoftHSM v2, firmware 2\.\d+, label "[^"]+", slot \d+$/m,
  );
  t.regex(
    shown.stdout,
    /^IVs +caller, 12 bytes; drawn at random; proven by each host at its start, last at 20/m,
  );
  t.regex(shown.stdout, /^queue +0 waiting, 0 under way; what comes now waits about 0 ms$/m);
  t.regex(shown.stdout, /^lately +\d+ operations? in 5 minutes/m);
  t.regex(shown.stdout, /XKS worker 0: (ready|busy) \(process \d+\), self-test at 20/);
  t.regex(shown.stdout, /management process: (ready|busy) \(process \d+\), self-test at 20/);
  t.regex((await as('admin', 'token', 'list')).stdout, /^primary +[A-Z]+ +1 of 1 /m);
  t.true((await json('token', 'verify', 'primary')).ok);
  t.is((await as('admin', 'token', 'verify', 'other')).code, 66);
  t.true((await json('reconcile', 'run')).clean);
  t.is((await json('reconcile', 'list', '--limit', '1')).length, 1);
  t.is((await as('admin', 'mail', 'show')).code, 66);
  await json(
    'mail',
    'set',
    '--host',
    'localhost',
    '--port',
    '2525',
    '--security',
    'none',
    '--from',
    'a@example.com',
  );
  t.is((await json('mail', 'show')).port, 2525);
  await json(
    'mail',
    'set',
    '--host',
    'localhost',
    '--port',
    '2526',
    '--security',
    'none',
    '--from',
    'a@example.com',
  );
  const test = await as('admin', 'mail', 'test', 'a@example.com');
  t.is(test.code, 73, 'nothing listens there');
  await json('mail', 'delete');
  await json(
    ...['vault', 'create', 'short', '--admin-username', 'bob', '--admin-name', 'Bob'],
    ...['--admin-email', 'bob@example.com', '--description', 'to go'],
  );
  t.is((await json('vault', 'edit', 'short', '--description', 'gone soon')).description, 'gone soon');
  const { administrator } = await json('vault', 'edit', 'short', '--admin-name', 'Robert');
  t.deepEqual(administrator, { name: 'Robert', email: 'bob@example.com' });
  t.regex((await json('vault', 'reset-administrator', 'short')).firstPassword, /^.{15,}$/);
  t.is((await as('admin', 'vault', 'delete', 'short')).code, 64);
  await json('vault', 'delete', 'short', '--yes');
  t.is((await as('admin', 'vault', 'show', 'short')).code, 66);
});

test.serial('every command takes any name that AWS or an operator has for a CloudKey', async (t) => {
  const { run, json } = t.context;
  const region = 'eu-central-1';
  const keyId = '1234abcd-12ab-34cd-56ef-1234567890ab';
  const arn = `arn:aws:kms:${region}:111122223333`;
  await json(
    ...['csp-account', 'create', 'by-hand', '--group', 'Cloud Admin Group', '--region', region],
    ...['--aws-account', '111122223333'],
  );
  await json(
    ...[
      'key-set',
      'create',
      'named',
      '--token',
      'primary',
      '--path-prefix',
      'named',
      '--csp-account',
      'by-hand',
    ],
  );
  const { id } = await json(
    'cloud-key',
    'create',
    'ticket',
    '--key-set',
    'named',
    '--external-key-id',
    'ticket.1',
  );
  await json(
    ...['external-key-store', 'create', 'named', '--region', region, '--by-hand'],
    ...['--uri-endpoint', 'https://xks.example.com'],
  );
  const [store] = await json('external-key-store', 'list');
  t.is(store.keySetName, 'named');
  await json('external-key-store', 'edit', 'named', '--custom-key-store-id', 'cks-1234567890abcdef0');
  for (const name of ['named', store.id, store.id.toUpperCase(), 'cks-1234567890abcdef0'])
    t.is((await json('external-key-store', 'show', name)).id, store.id, name);
  // Whoever runs the doctor for it has its findings kept, for who looks at its page.
  t.is((await json('external-key-store', 'findings', 'named')).report, null);
  const looked = await run(
    'doctor',
    '--external-key-store',
    'named',
    '--name-server',
    '127.0.0.1:9',
    '--timeout',
    '1',
  );
  t.is(looked.code, 1, looked.stderr);
  t.regex(looked.stderr, /the findings are kept with the external key store named/);
  const { report } = await json('external-key-store', 'findings', 'named');
  t.like(report, { by: 'ada', endpoint: 'https://xks.example.com' });
  t.like(
    report.findings.find(({ id }: { id: string }) => id === 'name.resolves'),
    { level: 'PROBLEM', title: 'known to DNS' },
  );
  t.is((await run('doctor', '--external-key-store', 'nobody')).code, 66);
  const link = ['--key-arn', `${arn}:key/${keyId}`, '--alias', 'payroll-2026'];
  await json('kms-key', 'create', 'ticket', '--region', region, ...link);
  const names = [
    ...['ticket', id, id.toUpperCase(), 'ticket.1', keyId, `${arn}:key/${keyId}`],
    ...['alias/payroll-2026', 'payroll-2026', `${arn}:alias/payroll-2026`],
  ];
  for (const name of names) t.is((await json('cloud-key', 'show', name)).id, id, name);
  t.is((await json('cloud-key', 'disable', `${arn}:key/${keyId}`)).state, 'DISABLED');
  t.is((await json('cloud-key', 'enable', 'alias/payroll-2026')).state, 'AVAILABLE');
  t.is((await json('cloud-key', 'edit', keyId, '--description', 'by id of AWS')).id, id);
  t.is((await json('cloud-key', 'versions', `${arn}:alias/payroll-2026`)).length, 1);
  for (const name of [...names.slice(4), 'ticket', id])
    t.is((await json('kms-key', 'show', name)).keyId, keyId, name);
  for (const other of [
    `${arn}:alias/payroll`,
    `arn:aws:kms:us-east-1:111122223333:alias/payroll-2026`,
    `arn:aws:kms:${region}:999999999999:alias/payroll-2026`,
    `${arn}:key/1234abcd-12ab-34cd-56ef-1234567890ac`,
    'ticke',
    '%',
    '',
  ])
    t.is((await run('cloud-key', 'disable', other)).code, 66, other);

  // Another key is named as AWS's key id has it, and a third as our id of the first.
  for (const name of [keyId, id]) await json('cloud-key', 'create', name, '--key-set', 'payments');
  const ambiguous = await run('cloud-key', 'disable', keyId);
  t.is(ambiguous.code, 73);
  t.regex(ambiguous.stderr, /key set named: ticket \(AVAILABLE\), id/);
  t.regex(ambiguous.stderr, new RegExp(`key set payments: ${keyId} \\(AVAILABLE\\), id`));
  t.is((await json('cloud-key', 'show', keyId, '--key-set', 'named')).id, id);
  t.is((await json('cloud-key', 'show', id)).id, id, 'no name stands in the way of an id');
});

test.serial('every change says in a sentence what it has changed, before anything else', async (t) => {
  const { run, json, file } = t.context;
  const { accessKeyId } = await json('credential', 'issue', '--key-set', 'named');
  const inAws = 'alias/payroll-2026 \\(eu-central-1\\)';
  const time = '(?:\\d{4}-\\d\\d-\\d\\d )?\\d\\d:\\d\\d(?::\\d\\d)? UTC';
  const byHand = 'is unchanged: Holdfast does not sign in to that AWS account. To do it manually:\n';
  const kms = (command: string) =>
    `  aws kms ${command} --region eu-central-1 --key-id arn:aws:kms:eu-central-1:111122223333:key/.{36}\n`;
  const cases: [words: string[], said: string][] = [
    [['cloud-key', 'disable', 'ticket'], `ticket is DISABLED as of ${time}; no request succeeds with it.\n`],
    [['cloud-key', 'disable', 'ticket'], 'ticket was already DISABLED; no request succeeds with it.\n'],
    [
      ['cloud-key', 'disable', 'ticket', '--cloud', 'both'],
      `ticket was already DISABLED; no request succeeds with it.\nIn AWS ${inAws} ${byHand}${kms('disable-key')}`,
    ],
    [['cloud-key', 'enable', 'ticket'], `ticket is AVAILABLE as of ${time}; requests succeed with it.\n`],
    [
      ['cloud-key', 'rotate', 'ticket'],
      `ticket is at version 2 as of ${time}: new ciphertext is made with it, and what version 1 has encrypted stays readable.\n`,
    ],
    [
      ['cloud-key', 'edit', 'ticket', '--rotation', '90d', '--quota', '500', '--description', 'by ticket'],
      'ticket is changed: description by ticket; rotation every 90 days; quota 500 requests a second, 500 at once.\n',
    ],
    [
      ['cloud-key', 'delete', 'ticket', '--days', '7', '--yes', '--cloud', 'both'],
      `ticket is disabled, and will be destroyed on ${time} \\(in 7 days\\). To keep it, until then: holdfast cloud-key cancel-deletion ticket\nIn AWS ${inAws} ${byHand}${kms('schedule-key-deletion --pending-window-in-days 7')}`,
    ],
    [
      ['cloud-key', 'cancel-deletion', 'ticket'],
      'ticket will not be deleted: it is DISABLED. To use it again: holdfast cloud-key enable ticket\n',
    ],
    [['cloud-key', 'enable', 'ticket'], `ticket is AVAILABLE as of ${time}; requests succeed with it.\n`],
    [
      ['cloud-key', 'create', 'said', '--key-set', 'payments', '--external-key-id', 'said.1'],
      'said is created in key set payments; AWS knows it by the external key id said.1.\n',
    ],
    [
      ['key-set', 'create', 'saying', '--token', 'primary', '--path-prefix', 'saying'],
      'key set saying is created; its keys are in the token primary, and AWS reaches its keys at the URI path /saying/kms/xks/v1.\n',
    ],
    [
      ['key-set', 'edit', 'saying', '--rotation', '30d', '--group', 'Cloud Admin Group'],
      'saying is changed: another admin group; rotation every 30 days.\n',
    ],
    [['group', 'create', 'Sayers'], 'admin group Sayers is created.\n'],
    [['group', 'edit', 'Sayers', '--description', 'd'], 'Sayers is changed: description d.\n'],
    [
      [
        'user',
        'create',
        'sam',
        '--role',
        'auditor',
        '--email',
        's@example.com',
        '--first-password-file',
        file('sam'),
      ],
      `user sam is created, as auditor. The first password is in ${file('sam')}.\n`,
    ],
    [['user', 'edit', 'sam', '--role', 'cloud-admin'], 'sam is changed: role cloud-admin.\n'],
    [['user', 'disable', 'sam'], 'sam is DISABLED: their sessions are ended, and their API keys revoked.\n'],
    [['user', 'enable', 'sam'], 'sam is ACTIVE again, and can sign in.\n'],
    [['user', 'unlock', 'sam'], 'sam is unlocked.\n'],
    [
      ['user', 'reset-password', 'sam'],
      'the password of sam is reset, and their sessions are ended. The first password is shown this once:\n {2}first password {2}\\S{15,}\n',
    ],
    [['group', 'add', 'Sayers', 'sam'], 'sam is in the admin group Sayers\n'],
    [
      ['csp-account', 'edit', 'by-hand', '--region', 'eu-west-1'],
      'by-hand is changed: default region eu-west-1.\n',
    ],
    [['vault', 'edit', '--description', 'd'], 'vault emea is changed: description d.\n'],
    [
      ['credential', 'issue', '--key-set', 'named', '--expires', '90d'],
      `The credential \\S{20,30} is issued, and expires on ${time} \\(in 90 days\\).\n {2}access key id +\\S{20,30}\n {2}raw secret access key {2}\\S{43,64}\n`,
    ],
    [
      ['credential', 'edit', accessKeyId, '--expires', 'never'],
      `${accessKeyId} was like that already; nothing has changed: expires never.\n`,
    ],
    [
      ['credential', 'edit', accessKeyId, '--expires', '90d'],
      `${accessKeyId} is changed: expires ${time}.\n`,
    ],
    [
      ['credential', 'edit', accessKeyId, '--expires', 'never'],
      `${accessKeyId} is changed: expires never.\n`,
    ],
    [
      ['credential', 'withdraw', accessKeyId, '--yes'],
      `${accessKeyId} is WITHDRAWN: what AWS signs with it is refused from now on.\n`,
    ],
    [
      ['api-key', 'create', 'ci', '--scope', 'vault.read', '--expires', '12h', '--key-file', file('ci')],
      `The API key ci is created, and expires on ${time} \\(in 12 hours\\). Its secret is in ${file('ci')}.\n`,
    ],
    [['api-key', 'revoke', 'ci'], 'the API key ci is revoked: it opens nothing from now on\n'],
    [['kms-key', 'edit', 'ticket', '--description', 'd'], `${inAws} is changed: description d.\n`],
    [['external-key-store', 'edit', 'named', '--name', 'other'], 'named is changed: name other.\n'],
    [
      ['kms-key', 'delete', 'ticket', '--aws', 'keep', '--yes'],
      `${inAws} is removed here: the KMS key stayed in AWS.\n`,
    ],
  ];
  for (const [words, said] of cases) {
    const { code, stdout, stderr } = await run(...words);
    t.is(code, 0, `${words.join(' ')}: ${stderr}`);
    t.regex(stdout, new RegExp(`^${said}$`), words.join(' '));
  }
  const verbose = await run('group', 'edit', 'Sayers', '--description', 'more', '-v');
  t.regex(verbose.stdout, /^Sayers is changed: description more\.\nid +\S{36}\nname +Sayers\n/);
  const asked = await run('group', 'edit', 'Sayers', '--description', 'less', '-o', 'table');
  t.regex(asked.stdout, /^name +Sayers\ndescription +less\n/, 'the record alone');
});

test.serial('a CloudKey says what it inherits, how AWS calls it, and names for ids', async (t) => {
  const { run } = t.context;
  const { stdout } = await run('cloud-key', 'show', 'ticket');
  t.regex(stdout, /^name +ticket\nkey set +named\nstate +AVAILABLE\n/);
  t.notRegex(stdout, /^(id|key set id) /m);
  await run('key-set', 'edit', 'saying', '--csp-account', 'by-hand');
  await run('cloud-key', 'create', 'heir', '--key-set', 'saying');
  t.regex(
    (await run('cloud-key', 'show', 'heir')).stdout,
    /^rotation +every 30 days \(inherited from its key set\)$/m,
  );
  const keySet = (await run('key-set', 'show', 'saying')).stdout;
  t.regex(keySet, /^admin group +Cloud Admin Group$/m);
  t.regex(keySet, /^CSP account +by-hand$/m);
  t.notRegex(keySet, /^id /m);
  t.regex((await run('key-set', 'show', 'saying', '-o', 'wide')).stdout, /^id +\S{36}$/m);
});

test.serial('a CloudKey shows the state that a request meets, wherever it is frozen', async (t) => {
  const { json, run } = t.context;
  const states = async () => {
    const shown = await json('cloud-key', 'show', 'ticket');
    const listed = await json('cloud-key', 'list', '--key-set', 'named');
    t.is(listed[0].effectiveState, shown.effectiveState);
    const forPeople = await run('cloud-key', 'list', '--key-set', 'named', '--columns', 'name,state');
    t.true(forPeople.stdout.includes(`ticket  ${shown.effectiveState}`));
    return [shown.state, shown.effectiveState];
  };
  t.deepEqual(await states(), ['AVAILABLE', 'AVAILABLE']);
  await json('key-set', 'freeze', 'named');
  t.deepEqual(await states(), ['AVAILABLE', 'FROZEN']);
  t.regex((await run('cloud-key', 'show', 'ticket')).stdout, /^state +FROZEN$/m);
  await json('cloud-key', 'disable', 'ticket');
  t.deepEqual(await states(), ['DISABLED', 'DISABLED'], 'a thaw would not help');
  await json('cloud-key', 'enable', 'ticket');
  await json('key-set', 'thaw', 'named');
  await json('vault', 'freeze');
  t.deepEqual(await states(), ['AVAILABLE', 'FROZEN'], 'the whole vault');
  await json('vault', 'thaw', '--yes');
  t.deepEqual(await states(), ['AVAILABLE', 'AVAILABLE']);
  const expire = async (ahead: number) =>
    run('cloud-key', 'edit', 'ticket', '--expires', new Date(Date.now() + ahead).toISOString());
  let expiring = await expire(1500);
  // On a busy machine it may be over before the node has heard of it, which is refused.
  for (let ahead = 3_000; expiring.code !== 0 && ahead < 30_000; ahead *= 2) expiring = await expire(ahead);
  t.is(expiring.code, 0, expiring.stderr);
  while ((await json('cloud-key', 'show', 'ticket')).effectiveState !== 'EXPIRED') t.pass();
  t.deepEqual(await states(), ['EXPIRED', 'EXPIRED']);
  await json('cloud-key', 'edit', 'ticket', '--expires', 'never');
  await json('cloud-key', 'enable', 'ticket');
});

test.serial(
  'a second factor is turned on by a program, asked for at the next sign-in, and turned off',
  async (t) => {
    const { run, json, as, file, node } = t.context;
    const { id: vaultId } = await json('vault', 'show');
    const place = ['--endpoint', node.admin.endpoint, '--ca', node.admin.ca, '--vault', vaultId];
    const first = await json('user', 'create', 'kay', '--role', 'auditor', '--email', 'kay@example.com');
    await writeFile(file('kay.password'), 'six wooden chairs by the stove', { mode: 0o600 });
    const login = ['login', ...place, '--username', 'kay', '--password-file'];
    await writeFile(file('kay.first'), first.firstPassword, { mode: 0o600 });
    const changed = await as('kay', ...login, file('kay.first'), '--new-password-file', file('kay.password'));
    t.is(changed.code, 0, changed.stderr);

    let secret = '';
    let told = false;
    const codeAt = (stepsAhead: number) =>
      TOTP.generate({ secret: TotpSecret.fromBase32(secret), timestamp: Date.now() + stepsAhead * 30_000 });
    const words = ['second-factor', 'enable', '--password-file', file('kay.password'), '--code-file', '-'];
    const enabled = await runCommand(
      ['--profile', 'kay', '--json', ...words, '--recovery-codes-file', file('codes')],
      {
        env: { XDG_CONFIG_HOME: file('config') },
        listen: ({ stdout }, say) => {
          if (told || !stdout.includes('\n')) return;
          told = true;
          secret = (JSON.parse(stdout.split('\n')[0] ?? '') as { secret: string }).secret;
          say(`${codeAt(0)}\n`);
        },
      },
    );
    t.is(enabled.code, 0, enabled.stderr);
    const codes = (await readFile(file('codes'), 'utf8')).trim().split('\n');
    t.is(codes.length, 10);
    t.is((await stat(file('codes'))).mode & 0o777, 0o600);

    const without = await as('kay', ...login, file('kay.password'));
    t.is(without.code, 64);
    t.regex(without.stderr, /the code of the second factor is to be asked for, but there is no terminal/);
    await writeFile(file('code'), `${codes[0]}\n`, { mode: 0o600 });
    const withCode = await as('kay', ...login, file('kay.password'), '--code-file', file('code'));
    t.is(withCode.code, 0, withCode.stderr);
    const again = await as('kay', ...login, file('kay.password'), '--code-file', file('code'));
    t.is(again.code, 77, 'a recovery code is good once');
    await writeFile(file('code'), `${codes[1]}\n`, { mode: 0o600 });
    const off = ['second-factor', 'disable', '--password-file', file('kay.password'), '--code-file'];
    t.is((await as('kay', ...off, file('code'))).code, 0);
    t.is((await run('user', 'show', 'kay', '--json')).code, 0);
    t.is((await json('user', 'show', 'kay')).secondFactor, false);
    t.is((await as('kay', 'logout')).code, 0);
    t.is((await as('kay', 'whoami')).code, 77);
  },
);

test.serial('sessions are listed and ended', async (t) => {
  const { run, json, as, file, node } = t.context;
  const { id: vaultId } = await json('vault', 'show');
  for (const whose of [[], ['--user', 'ada']]) {
    const login = await as(
      ...(['second', 'login', '--endpoint', node.admin.endpoint, '--ca', node.admin.ca] as const),
      ...['--vault', vaultId, '--username', 'ada', '--password-file', file('ada.password')],
    );
    t.is(login.code, 0, login.stderr);
    const { id } = JSON.parse((await as('second', '--json', 'whoami')).stdout);
    t.true((await json('session', 'list', ...whose)).some((one: { id: string }) => one.id === id));
    const ofAnother = await run('session', 'end', id, '--user', 'kay');
    t.regex(ofAnother.stderr, /there is no such session of kay/);
    t.is((await run('session', 'end', id, ...whose)).code, 0);
    const ended = await as('second', 'whoami');
    t.is(ended.code, 77);
    t.regex(ended.stderr, /hint: .*holdfast login/);
  }
  t.regex((await run('session', 'list', '--all')).stdout, /ada/);
  t.regex((await run('session', 'rules')).stdout, /^passwords +15 to 128 characters$/m);
});

test.serial('errors are in words, with exit codes that mean something, and change nothing', async (t) => {
  const { run, as, json } = t.context;
  const before = (await json('key-set', 'list')).length;
  const cases: [words: string[], code: number, text: RegExp][] = [
    [
      ['cloud-key', 'show', 'nothing'],
      66,
      /there is no such CloudKey\n {2}hint: see: holdfast cloud-key list/,
    ],
    [['user', 'show', 'nobody'], 66, /there is no such user/],
    [['key-set', 'create', 'payments', '--token', 'primary'], 73, /another key set .* has this name/],
    [
      ['key-set', 'create', 'x', '--token', 'primary', '--path-prefix', 'a b'],
      64,
      /a path prefix has segments/,
    ],
    [['key-set', 'create', 'x', '--token', 'other'], 64, /token/],
    [['key-set', 'edit', 'payments'], 64, /nothing to change/],
    [['cloud-key', 'create', 'x', '--key-set', 'payments', '--usage', 'all'], 64, /Allowed choices/],
    [['cloud-key', 'create', 'x', '--key-set', 'payments', '--expires', '2027-02-31'], 64, /a date such as/],
    [['cloud-key', 'create', 'x', '--key-set', 'payments', '--rotation', '3h'], 64, /whole days such as 90d/],
    [['cloud-key', 'create', 'x', '--key-set', 'payments', '--expires', '2020-01-01'], 64, /future/],
    [['cloud-key', 'create'], 64, /required option .--key-set/],
    [
      ['vault', 'list'],
      77,
      /only users of the appliance[^]*sign in to the appliance \(holdfast login without --vault\)/,
    ],
    [['nonsense'], 64, /unknown command/],
  ];
  for (const [words, code, text] of cases) {
    const result = await run(...words);
    t.is(result.code, code, `${words.join(' ')}: ${result.stderr}`);
    t.regex(result.stderr, text);
    t.notRegex(result.stderr, /\n\s+at /, 'no stack');
  }
  const outside = await as('admin', 'key-set', 'list');
  t.is(outside.code, 64);
  t.is((await json('key-set', 'list')).length, before + 0);
});

test.serial('a name that two CloudKeys have asks for the key set', async (t) => {
  const { run, json } = t.context;
  await json('key-set', 'create', 'twin', '--token', 'primary', '--path-prefix', 'twin');
  await json('cloud-key', 'create', 'same', '--key-set', 'twin');
  await json('cloud-key', 'create', 'same', '--key-set', 'payments');
  const { code, stderr } = await run('cloud-key', 'show', 'same');
  t.is(code, 73);
  t.regex(
    stderr,
    /there are 2 CloudKeys that are called so\n( {2}key set (twin|payments): same \(AVAILABLE\), id .{36}, external key id .{36}\n){2} {2}hint: add --key-set, or name the one you mean by its id/,
  );
  t.is((await run('cloud-key', 'show', 'same', '--key-set', 'twin')).code, 0);
});

test.serial('serve --check warns where several HSMs have the keys and may count their IVs', async (t) => {
  const { node } = t.context;
  const file = path.join(node.directory, 'counting.toml');
  const text = await readFile(node.config, 'utf8');
  await writeFile(file, text.replace('profile = "softhsm2"', 'profile = "utimaco"'), { mode: 0o600 });
  const check = async () => runCommand(['--config', file, 'serve', '--check']);
  t.notRegex((await check()).stderr, /IVs/, 'one HSM');
  await node.withStore(async ({ vaultContext: { store } }) => {
    const row = await store.db
      .selectFrom('own_key_proofs')
      .selectAll()
      .where('label', '=', ownKeys.sealing.label)
      .executeTakeFirstOrThrow();
    await store.db
      .insertInto('own_key_proofs')
      .values({ ...row, serial: 'another' })
      .execute();
  });
  const { code, stderr } = await check();
  t.is(code, 0, stderr);
  t.regex(stderr, /warning: token primary \(serial \w+, \w+\): keys of this token were seen in several HSMs/);
  await node.withStore(async ({ vaultContext: { store } }) =>
    store.db.deleteFrom('own_key_proofs').where('serial', '=', 'another').execute(),
  );
});

test.serial('serve --check reads configuration and TLS files and serves nothing', async (t) => {
  const { node } = t.context;
  const result = await runCommand(['--config', node.config, 'serve', '--check']);
  t.is(result.code, 0);
  t.regex(result.stdout, /: fine/);
  // A test node waits longer than AWS.
  t.regex(result.stderr, /^holdfast: warning: .*xks\.answer_within_ms: /);
  const missing = await runCommand(['--config', '/nowhere.toml', 'serve', '--check']);
  t.is(missing.code, 78);
  t.regex(missing.stderr, /\/nowhere\.toml: cannot be read \(ENOENT\)/);
});

// Alone: a command beside it that opens the token with the right PIN has the refusal forgotten.
test.serial('a wrong PIN is told with the way out, and is not tried again over restarts', async (t) => {
  const { node, fixture, file } = t.context;
  const config = file('wrong-pin.toml');
  // A node of its own: two cannot have one state directory.
  const text = (await readFile(node.config, 'utf8'))
    .replace(fixture.pinFile, file('wrong-pin'))
    .replace('state_directory = "state"', 'state_directory = "wrong-pin-state"');
  await writeFile(config, text);
  await writeFile(file('wrong-pin'), fixture.pin, { mode: 0o600 });
  t.is((await runCommand(['--config', config, 'init'])).code, 0);
  await writeFile(file('wrong-pin'), '00000000');
  const result = await runCommand(['--config', config, 'init']);
  t.is(result.code, 77);
  t.regex(result.stderr, /the token refused the PIN \(CKR_PIN_INCORRECT\)/);
  t.regex(result.stderr, /hint: put the right PIN in place/);

  // A service manager that tries again does not have the PIN tried again.
  const again = await runCommand(['--config', config, 'serve']);
  t.is(again.code, 77);
  t.regex(again.stderr, /has refused this PIN before/);
  await writeFile(file('wrong-pin'), fixture.pin, { mode: 0o600 });
  t.is((await runCommand(['--config', config, 'init'])).code, 0);
});

test.serial('every command says what it is for, with an example', (t) => {
  const program = createProgram();
  let leaves = 0;
  const walk = (commands: readonly Command[]): void => {
    for (const one of commands) {
      if (one.name() === 'help') continue;
      t.true(one.description().length > 10, one.name());
      walk(one.commands);
      if (one.commands.length > 0) continue;
      leaves++;
      let text = '';
      one.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
      t.regex(text, /\nExamples?:\n {2}\S*/, one.name());
    }
  };
  walk(program.commands);
  t.true(leaves > 70);
  t.regex(program.helpInformation(), /holdfast/);
});
