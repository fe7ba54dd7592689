import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateRoleCommand, PutRolePolicyCommand, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateCustomKeyStoreCommand, type CreateCustomKeyStoreRequest } from '@aws-sdk/client-kms';
import test from 'ava';
import { made, newPassword } from '../admin/two-vaults.ts';
import type { AdminAnswer } from '../support/admin-answer.ts';
import { AdminClient, type AdminRequest } from '../support/admin-client.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { childrenOf } from '../../testing/test-node.ts';
import { filesBelow, Planted, seenOfProcess, type Leak } from './planted.ts';
import { Story, type Principal } from './stage.ts';
import { endpoint, hostName, type StoryVault } from './story-vault.ts';

/*
 * Secrets of AWS, of XKS and of people are planted, everything is done with them that can be done, well and badly; then
 * everything that anybody could read is searched for them.
 */

const region = 'eu-central-1';
const planted = new Planted();
/** Every answer of the management API, with the request that it is to. */
const answers: { to: string; text: string }[] = [];
const processes: { who: string; text: string }[] = [];

let outside: string;
let story: Story;
let vault: StoryVault;
let root: Principal;

/** Keeps every answer, of whoever is signed in with it too. */
class RecordingClient extends AdminClient {
  override as(token: string | undefined): RecordingClient {
    return new RecordingClient(this.access, token);
  }

  override async request(method: string, to: string, options?: AdminRequest): Promise<AdminAnswer> {
    const answer = await super.request(method, to, options);
    answers.push({ to: `${method} ${to}`, text: `${JSON.stringify(answer.headers)}${answer.text}` });
    return answer;
  }
}

test.before(async () => {
  outside = await mkdtemp(path.join(memoryDirectory(), 'holdfast-secrets-'));
  story = await Story.open({
    simulator: { stateFile: file('aws.json'), trailFile: file('trail.json') },
    config: '[log]\nlevel = "debug"\n',
  });
  const account = story.simulator.account('111122223333');
  root = { ...account, arn: `arn:aws:iam::${account.id}:root` };
  planted.add('the root user’s secret access key', root.secretAccessKey);
});
test.after.always(async () => {
  await story?.dispose();
  await rm(outside, { recursive: true, force: true });
});

function file(name: string): string {
  return path.join(outside, name);
}

/** What everyone on the machine sees of the node's processes at this moment. */
function lookAtProcesses(): void {
  const { pid } = story.node;
  for (const one of [pid, ...childrenOf(pid)])
    processes.push({ who: 'process of the node', text: seenOfProcess(one) });
}

/** Secrets that only AWS and Holdfast know: AWS's state once it has this in it. */
async function plantWhatAwsKnows(marker: string): Promise<void> {
  for (;;) {
    const text = readFileSync(file('aws.json'), 'utf8');
    if (text.includes(marker)) return plantAllOf(JSON.parse(text));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function plantAllOf(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const { accessKeyId = '' } = value as { accessKeyId?: string };
  for (const [name, inner] of Object.entries(value))
    if (typeof inner === 'string' && /^(?:secretAccessKey|sessionToken)$/.test(name))
      planted.add(`${name} of ${accessKeyId}`, inner);
    else plantAllOf(inner);
}

/** Without a look at the status: what fails is to be looked at as well. */
async function attempt(method: string, at: string, body?: object): Promise<AdminAnswer> {
  return vault.client.change(method, `/vaults/${vault.id}${at}`, body, `/vaults/${vault.id}${at}`);
}

test.serial('people sign in', async (t) => {
  const { admin } = story.node;
  const nobody = new RecordingClient(admin);
  const passwords = { boss: newPassword(), ada: newPassword(), wrong: newPassword() };
  const boss = await nobody.firstSignIn(admin, passwords.boss);
  const { id, firstPassword } = await made(boss, '/vaults', {
    name: 'secrets',
    administrator: { username: 'ada', name: 'Ada Lovelace', email: 'ada@example.com' },
  });
  const ada = await nobody.firstSignIn(
    { username: 'ada', password: firstPassword, vaultId: id },
    passwords.ada,
  );
  await t.throwsAsync(nobody.signIn({ username: 'ada', password: passwords.wrong, vaultId: id }));
  // A password where the name belongs.
  await t.throwsAsync(nobody.signIn({ username: passwords.ada, password: passwords.ada, vaultId: id }));
  vault = await story.vaultOf(ada, id);
  for (const [who, password] of Object.entries(passwords)) planted.add(`password ${who}`, password);
  planted.add('first password of ada', firstPassword);
  for (const [who, { token = '' }] of Object.entries({ boss, ada }))
    planted.add(`session token of ${who}`, token);
  lookAtProcesses();
});

let cspAccount: string;

test.serial(
  'a CSP account is refused, made, checked, fails in every way, and is given another access key',
  async (t) => {
    const user = await story.user(root, 'holdfast', { '*': ['kms:*', 'iam:*', 'sts:*'] });
    planted.add('secret access key', user.secretAccessKey);
    const wrong = randomBytes(30).toString('base64');
    planted.add('wrong secret access key', wrong);
    const body = { name: 'aws', adminGroupId: vault.group, type: 'access-key', defaultRegion: region };
    const { accessKeyId, secretAccessKey } = user;
    const create = async (more: object) =>
      vault.client.post(`/vaults/${vault.id}/csp-accounts`, { ...body, ...more });
    for (const more of [
      { accessKeyId, secretAccessKey: wrong },
      { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: wrong },
      // In the wrong places.
      { accessKeyId: secretAccessKey, secretAccessKey: accessKeyId },
      { accessKeyId, secretAccessKey, [secretAccessKey]: true },
      { accessKeyId, secretAccessKey: [secretAccessKey] },
      { accessKeyId, secretAccessKey: `${secretAccessKey} ` },
      { accessKeyId, secretAccessKey: secretAccessKey.repeat(9) },
      { accessKeyId, secretAccessKey, roleArn: secretAccessKey, type: secretAccessKey },
    ])
      t.true((await create(more)).status >= 400, Object.keys(more).join());
    const withQuery = `/vaults/${vault.id}/csp-accounts?secretAccessKey=${encodeURIComponent(secretAccessKey)}`;
    t.is((await vault.client.get(withQuery)).status, 422);
    t.true(
      (await vault.client.get(`/vaults/${vault.id}/csp-accounts/${encodeURIComponent(secretAccessKey)}`))
        .status >= 400,
    );
    t.is((await vault.client.as(secretAccessKey).get(`/vaults/${vault.id}/csp-accounts`)).status, 401);

    const { id } = await vault.make('/csp-accounts', { ...body, accessKeyId, secretAccessKey });
    cspAccount = `/csp-accounts/${id}`;
    t.true((await vault.do(cspAccount, 'check')).check.ok);
    for (const kind of ['denied', 'throttle', '500', 'reset'] as const) {
      const undo = story.simulator.fault({ service: 'sts', action: 'GetCallerIdentity', kind });
      const { body: after } = await attempt('POST', `${cspAccount}/check`);
      t.not(after?.check?.ok, true, kind);
      undo();
      lookAtProcesses();
    }
    t.is((await attempt('PATCH', cspAccount, { accessKeyId, secretAccessKey: wrong })).status, 502);
    t.is(
      (await attempt('PATCH', cspAccount, { description: 'x', secretAccessKey: { secretAccessKey } })).status,
      422,
    );
    t.true((await vault.do(cspAccount, 'check')).check.ok);

    const undo = story.simulator.fault({ service: 'iam', action: 'CreateAccessKey', kind: '500', times: 1 });
    let account = await vault.do(cspAccount, 'rotate-access-key');
    while (account.accessKeyId === accessKeyId || account.accessKeyRotationState !== null) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      account = await vault.do(cspAccount, 'rotate-access-key');
    }
    undo();
    await plantWhatAwsKnows(account.accessKeyId as string);
    lookAtProcesses();
  },
);

test.serial('a role is assumed', async (t) => {
  const iam = story.iam(root);
  const user = await story.user(root, 'assumes', { '*': ['sts:AssumeRole'] });
  planted.add('secret access key of who assumes', user.secretAccessKey);
  const trust = (Condition = {}) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: user.arn }, Action: 'sts:AssumeRole', Condition }],
    });
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName: 'holdfast', AssumeRolePolicyDocument: trust() }),
  );
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: 'holdfast',
      PolicyName: 'p',
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: ['kms:*', 'iam:*'], Resource: '*' }],
      }),
    }),
  );
  const { id } = await vault.make('/csp-accounts', {
    ...{ name: 'by-role', adminGroupId: vault.group, type: 'role', defaultRegion: region },
    ...{ roleArn: Role?.Arn, accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey },
  });
  const { trustPolicy } = await vault.get(`/csp-accounts/${id}/policy`);
  await iam.send(
    new UpdateAssumeRolePolicyCommand({
      RoleName: 'holdfast',
      PolicyDocument: JSON.stringify(trustPolicy),
    }),
  );
  const { check } = await vault.do(`/csp-accounts/${id}`, 'check');
  t.regex(check.arn, /:assumed-role\/holdfast\//);
  const set = (await vault.keySet('of-a-role', id)).id;
  t.is((await vault.keyStore(set, region)).state, 'CONNECTED');
  const refuse = story.simulator.fault({ service: 'kms', action: '*', kind: 'denied' });
  await attempt('POST', `/csp-accounts/${id}/check`);
  refuse();
  await plantWhatAwsKnows('sessionToken');
  lookAtProcesses();
});

test.serial(
  'an external key store is made, refused, changed, and given other credentials; keys are made in it',
  async (t) => {
    const set = (await vault.keySet('first', cspAccount.split('/').at(-1) ?? '')).id;
    const stores = `/key-sets/${set}/external-key-stores`;
    const port = story.resolve[hostName] ?? '';
    story.resolve[hostName] = '127.0.0.1:9';
    story.simulator.kms.dropConnections();
    const refused = await vault.client.post(`/vaults/${vault.id}${stores}`, {
      region,
      uriEndpoint: endpoint,
    });
    t.is(refused.status, 502);
    story.resolve[hostName] = port;
    for (const kind of ['denied', '500', 'answer-lost'] as const) {
      const undo = story.simulator.fault({ service: 'kms', action: 'CreateCustomKeyStore', kind, times: 4 });
      await vault.client.post(`/vaults/${vault.id}${stores}`, { region, uriEndpoint: endpoint });
      undo();
      lookAtProcesses();
    }
    const { items } = await vault.get(stores);
    const store = await vault
      .make(stores, { region, uriEndpoint: endpoint, connect: true })
      .catch(() => items[0]);
    const at = `${stores}/${store.id}`;
    let shown = await vault.settled(at);
    if (shown.state !== 'CONNECTED') {
      await vault.do(at, 'connect');
      shown = await vault.settled(at);
    }
    t.is(shown.state, 'CONNECTED');
    await plantWhatAwsKnows(shown.accessKeyId as string);
    await vault.act('PATCH', at, { name: 'renamed' });
    const undo = story.simulator.fault({
      service: 'kms',
      action: 'UpdateCustomKeyStore',
      kind: 'denied',
      times: 1,
    });
    await attempt('POST', `${at}/rotate-credential`, {});
    undo();
    await vault.act('POST', `${at}/rotate-credential`, {}, at);
    shown = await vault.settled(at);
    t.is(shown.pendingAccessKeyId, null);
    await plantWhatAwsKnows(shown.accessKeyId as string);
    const { id } = await vault.cloudKey(set, 'key');
    // A secret as the name of a tag, and as a part of a policy.
    for (const input of [{ tags: { [root.secretAccessKey]: 5 } }, { policy: root.secretAccessKey }])
      t.is((await vault.client.post(`/vaults/${vault.id}/cloud-keys/${id}/kms-keys`, input)).status, 422);
    for (const act of ['disable', 'enable']) await vault.do(`/cloud-keys/${id}`, act, { cloud: 'both' });
    await vault.do(`/cloud-keys/${id}`, 'rotate');
    lookAtProcesses();
  },
);

test.serial('by hand, credentials are shown once', async (t) => {
  const { id } = await vault.make('/csp-accounts', {
    ...{ name: 'by-hand', adminGroupId: vault.group, type: 'manual', awsAccountId: root.arn.split(':')[4] },
    defaultRegion: region,
  });
  const set = (await vault.keySet('by-hand', id)).id;
  const store = await vault.make(`/key-sets/${set}/external-key-stores`, { region, uriEndpoint: endpoint });
  const at = `/key-sets/${set}/external-key-stores/${store.id}`;
  const secretOf = (sheet: {
    consoleFile: { XksProxyAuthenticationCredential: { RawSecretAccessKey: string } };
  }) => sheet.consoleFile.XksProxyAuthenticationCredential.RawSecretAccessKey;
  const sheet = await vault.do(at, 'console', {});
  planted.add('XKS secret of console', secretOf(sheet));
  await story.kms(root).send(new CreateCustomKeyStoreCommand(sheet.request as CreateCustomKeyStoreRequest));
  planted.add('XKS secret of rotate-credential', secretOf(await vault.do(at, 'rotate-credential', {})));
  const issued = await vault.make(`/key-sets/${set}/credentials`, {});
  planted.add('XKS secret of issue', issued.rawSecretAccessKey);
  t.is((await vault.do(at, 'console', { credential: false })).consoleFile, undefined);
  lookAtProcesses();
});

test.serial('the command line takes secrets from files alone', async (t) => {
  const { endpoint: HOLDFAST_ENDPOINT, ca: HOLDFAST_CA } = story.node.admin;
  const { secret } = await made(vault.client, '/user/api-keys', {
    ...{ name: 'command line', scope: ['vault.read', 'csp-accounts.write'] },
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
  });
  planted.add('API key', secret);
  const user = await story.user(root, 'command-line', { '*': ['kms:*', 'iam:*'] });
  planted.add('secret access key of the command line', user.secretAccessKey);
  await writeFile(file('api.key'), `${secret}\n`, { mode: 0o600 });
  await writeFile(file('aws.secret'), user.secretAccessKey, { mode: 0o600 });
  const child = spawn(
    path.resolve(import.meta.dirname, '../../bin/holdfast'),
    [
      ...['--json', 'csp-account', 'create', 'by-command', '--group', vault.group, '--region', region],
      ...['--access-key-id', user.accessKeyId, '--secret-access-key-file', file('aws.secret')],
    ],
    {
      env: {
        ...{ PATH: process.env['PATH'], HOME: outside, HOLDFAST_NODE: process.execPath },
        ...{ HOLDFAST_ENDPOINT, HOLDFAST_CA, HOLDFAST_VAULT: vault.id },
        HOLDFAST_API_KEY_FILE: file('api.key'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const watch = setInterval(() => {
    processes.push({ who: 'command', text: seenOfProcess(child.pid ?? 0) });
  }, 10);
  const [code] = (await once(child, 'close')) as [number];
  clearInterval(watch);
  t.is(code, 0, printed);
  t.true(processes.some(({ who, text }) => who === 'command' && text.includes('--secret-access-key-file')));
  answers.push({ to: 'command', text: printed });
});

/** Where a secret is shown, this once: the request, and which secret. */
const shownOnce: [RegExp, RegExp][] = [
  [/^POST \/vaults$/, /^first password/],
  [/^POST (?:\/vaults\/[^/]+)?\/sessions?(?:\/password|s)?$/, /^session token/],
  [/\/console$/, /^XKS secret of console/],
  [/\/rotate-credential$/, /^XKS secret of rotate-credential/],
  [/\/credentials$/, /^XKS secret of issue/],
  [/\/api-keys$/, /^API key/],
];

test.serial('none of it can be read anywhere', async (t) => {
  for (const at of [
    ...['/csp-accounts', '/key-sets', '/cloud-keys', '/kms-keys', '/audit-events?limit=200', '/users'],
    ...[cspAccount, `${cspAccount}/policy`, `${cspAccount}/principals?kind=user`],
  ])
    t.is((await vault.client.get(`/vaults/${vault.id}${at}`)).status, 200, at);
  lookAtProcesses();
  const { node } = story;
  const everything = (directory: string) =>
    filesBelow(directory).map((name) => ({
      where: path.relative(directory, name),
      text: readFileSync(name),
    }));
  // With the -wal file, and once more when it is gone.
  const files = everything(node.directory);
  t.true(files.some(({ where }) => where.endsWith('.db-wal')));
  await story.stop();
  files.push(...everything(node.directory));
  plantAllOf(JSON.parse(readFileSync(file('aws.json'), 'utf8')));
  t.true(planted.count >= 20, String(planted.count));

  const allowed = ({ secret, where }: Leak) =>
    shownOnce.some(([to, what]) => to.test(where) && what.test(secret));
  const shown = answers.flatMap(({ to, text }) => planted.find(to, text));
  t.deepEqual(
    shown.filter((leak) => !allowed(leak)),
    [],
    'answers of the API and the command',
  );
  // Found where they are shown: the search finds.
  t.deepEqual([...new Set(shown.map(({ secret }) => secret))].toSorted(), [
    ...['API key', 'XKS secret of console', 'XKS secret of issue', 'XKS secret of rotate-credential'],
    ...['first password of ada', 'session token of ada', 'session token of boss'],
  ]);

  t.deepEqual(planted.find('output of the node', node.output), []);
  t.true(node.log.some(({ level }) => level === 'debug'));
  t.deepEqual(
    files.flatMap(({ where, text }) => planted.find(where, text)),
    [],
    'files',
  );
  t.deepEqual(planted.find('trail.json', readFileSync(file('trail.json'))), []);
  t.true(processes.length > 30);
  t.deepEqual(
    processes.flatMap(({ who, text }) => planted.find(who, text)),
    [],
    'processes',
  );
});

test('the search finds a secret in every form', (t) => {
  const search = new Planted();
  const secret = `${randomBytes(30).toString('base64')}/+`;
  search.add('it', secret);
  const bytes = Buffer.from(secret);
  const forms = [
    `x${secret}y`,
    JSON.stringify({ a: { secret } }),
    `?a=${encodeURIComponent(secret)}&b`,
    bytes.toString('hex'),
    ...['', 'a', 'ab', 'abc'].flatMap((text) =>
      (['base64', 'base64url'] as const).map((form) =>
        Buffer.concat([Buffer.from(text), bytes, Buffer.from('after')]).toString(form),
      ),
    ),
  ];
  for (const form of forms) t.true(search.find('here', `${form} and more`).length > 0, form);
  t.deepEqual(search.find('here', secret.slice(1)), []);
});
