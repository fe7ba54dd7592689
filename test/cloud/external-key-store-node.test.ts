import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import type { Simulator } from '../../simulator/simulator.ts';
import { addUser, made } from '../admin/two-vaults.ts';
import { CommandServer, type Run } from '../cli/command-line.ts';
import { startAws } from '../../testing/simulated-aws.ts';
import type { AdminClient } from '../support/admin-client.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { endpoint, hostName, region } from '../../testing/external-key-store-stage.ts';

/* A whole node and the command, against an AWS that connects in moments. */

interface Context {
  fixture: TokenFixture;
  node: TestNode;
  simulator: Simulator;
  /** How AWS is; may be changed. */
  time: { consistencyMs: number };
  secretAccessKey: string;
  admin: AdminClient;
  /** Of the vault's things, under /api/v1. */
  root: string;
  keySetId: string;
  keySet: string;
  run: (...words: string[]) => Promise<Run>;
  dispose: () => Promise<void>;
}

const test = anyTest as TestFn<Context>;
const commands = new CommandServer();

test.before(async (t) => {
  const fixture = await createSoftHsmToken();
  const node = await TestNode.create({ tokens: [{ fixture }], admin: true, hostNames: [hostName] });
  const resolve: Record<string, string> = {};
  const time = { connectMs: 100, disconnectMs: 100, xksTimeoutMs: 20_000, consistencyMs: 300 };
  const { simulator } = await startAws({
    resolve,
    xksCa: readFileSync(node.ca.certificate, 'utf8'),
    time,
  });
  const ca = path.join(node.directory, 'aws-ca.pem');
  await writeFile(ca, simulator.ca);
  const { url } = simulator;
  await appendFile(
    node.config,
    `\n[aws]\nca = "aws-ca.pem"\nmax_attempts = 1\n[aws.endpoints]\nkms = "${url}"\niam = "${url}"\nsts = "${url}"\n`,
  );
  await node.serve();
  resolve[hostName] = `127.0.0.1:${node.port}`;
  const appliance = await addUser(node, '', 'boss', 'appliance-admin');
  const vault = await made(appliance, '/vaults', {
    name: 'blue',
    administrator: { username: 'first', name: 'Vault Administrator', email: 'ada@example.com' },
  });
  const admin = await addUser(node, vault.id, 'second', 'vault-admin');
  const root = `/vaults/${vault.id}`;
  const groups = (await admin.get(`${root}/admin-groups`)).body as { items: { id: string }[] };
  const { accessKeyId, secretAccessKey } = simulator.account();
  const account = await made(admin, `${root}/csp-accounts`, {
    name: 'aws-payments',
    adminGroupId: groups.items[0]?.id,
    type: 'access-key',
    accessKeyId,
    secretAccessKey,
    defaultRegion: region,
  });
  const keySet = 'payments';
  const { id: keySetId } = await made(admin, `${root}/key-sets`, {
    name: keySet,
    token: 'token',
    pathPrefix: 'payments-7f3c9a',
    cspAccountId: account.id,
  });
  const { secret } = await made(admin, '/user/api-keys', {
    name: `key-${randomUUID()}`,
    scope: ['vault.read', 'key-sets.write', 'credentials.write'],
    expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
  });
  const keyFile = path.join(node.directory, 'program.key');
  await writeFile(keyFile, secret, { mode: 0o600 });
  const env = {
    HOLDFAST_ENDPOINT: node.admin.endpoint,
    HOLDFAST_CA: node.admin.ca,
    HOLDFAST_API_KEY_FILE: keyFile,
    HOLDFAST_VAULT: vault.id,
  };
  t.context = {
    ...{ fixture, node, simulator, time, secretAccessKey, admin, root, keySetId, keySet },
    run: async (...words) => commands.run(words, { env }),
    dispose: async () => {
      commands.close();
      await node.dispose();
      await simulator.close();
      await fixture.dispose();
    },
  };
});
test.after.always(async (t) => t.context.dispose());

const path1 = ({ root, keySetId }: Context) => `${root}/key-sets/${keySetId}/external-key-stores`;

async function only(context: Context): Promise<Record<string, unknown> & { id: string }> {
  const { body } = await context.admin.get(path1(context));
  const { items } = body as { items: (Record<string, unknown> & { id: string })[] };
  const [first] = items;
  if (first === undefined || items.length > 1) throw new Error(`${items.length} external key stores`);
  return first;
}

test.serial(
  'what AWS refuses is a problem with the way out, in the API and at the command line, and leaves nothing',
  async (t) => {
    const { admin, run, keySet } = t.context;
    const refused = await admin.post(path1(t.context), {
      region,
      uriEndpoint: 'https://nowhere.example.test',
    });
    t.is(refused.status, 502);
    t.is(refused.body.type, 'urn:holdfast:problem:aws');
    t.regex(refused.body.detail, /cannot reach the proxy.*XksProxyUriUnreachableException/);
    t.regex(refused.body.remediation, /holdfast doctor/);
    const { code, stderr } = await run(
      'xks',
      'create',
      keySet,
      '--region',
      region,
      '--uri-endpoint',
      'https://nowhere.example.test',
    );
    t.not(code, 0);
    t.regex(stderr, /cannot reach the proxy/);
    t.regex(stderr, /hint: run holdfast doctor/);
    t.deepEqual((await admin.get(path1(t.context))).body.items, []);
  },
);

test.serial('the command makes an external key store and waits until AWS has connected it', async (t) => {
  const { run, keySet, simulator } = t.context;
  const { code, stdout, stderr } = await run(
    ...['external-key-store', 'create', keySet, '--region', region, '--uri-endpoint', endpoint, '--wait'],
  );
  t.is(code, 0, stderr);
  t.regex(stderr, /0 s: (?:CREATING|DISCONNECTED|CONNECTING) \(AWS takes minutes; Ctrl-C leaves it going\)/);
  t.regex(stdout, /^External key store payments \(eu-central-1\) is CONNECTED, cks-\w+ in AWS\.$/m);
  const store = await only(t.context);
  t.like(store, {
    state: 'CONNECTED',
    wanted: null,
    origin: 'HOLDFAST',
    uriPath: '/payments-7f3c9a/kms/xks/v1',
  });
  t.is(simulator.kms.state(String(store['customKeyStoreId'])), 'CONNECTED');
  const again = await run('xks', 'create', keySet, '--region', region);
  t.regex(again.stderr, /in this Region already/);
  const list = await run('xks', 'list');
  t.regex(list.stdout, /payments +eu-central-1 +CONNECTED +- +payments +cks-\w+/);
});

test.serial(
  'a connection that fails ends the command with code, meaning and way out; the way out helps',
  async (t) => {
    const { admin, run, keySet, root, keySetId } = t.context;
    const { accessKeyId } = await only(t.context);
    await admin.change('DELETE', `${root}/key-sets/${keySetId}/credentials/${String(accessKeyId)}`);
    t.is((await run('xks', 'disconnect', keySet, '--yes')).code, 0);
    const failed = await run('xks', 'connect', keySet, '--wait');
    t.is(failed.code, 69);
    t.regex(failed.stderr, /INVALID_CREDENTIALS. The proxy did not accept/);
    t.regex(failed.stderr, /Likely: The credential is withdrawn/);
    t.regex(failed.stderr, /hint: .*holdfast external-key-store rotate-credential/);
    const shown = await run('xks', 'show', keySet);
    t.regex(shown.stderr, /^FAILED with INVALID_CREDENTIALS: /m);
    t.regex(shown.stderr, /^problem: the credential that AWS has is not a live one/m);

    t.is((await run('xks', 'rotate-credential', keySet)).code, 0);
    const again = await run('xks', 'connect', keySet, '--wait');
    t.is(again.code, 0, again.stderr);
    t.regex(again.stderr, /it is FAILED: AWS requires it to be disconnected first/);
    t.like(await only(t.context), { state: 'CONNECTED', connectionError: null, problem: null, warnings: [] });
  },
);

test.serial('the schedule of the node finishes what was asked for without anybody waiting', async (t) => {
  const { admin, simulator } = t.context;
  const { id, customKeyStoreId } = await only(t.context);
  const path = `${path1(t.context)}/${id}`;
  const { status, body } = await admin.change('PATCH', path, { uriEndpoint: endpoint, name: 'renamed' });
  t.is(status, 200);
  t.is(body.name, 'renamed');
  t.is((await admin.change('POST', `${path}/disconnect`, undefined, path)).body.state, 'DISCONNECTING');
  await simulator.kms.settled(String(customKeyStoreId));
  const until = Date.now() + 30_000;
  let now = await only(t.context);
  while (now['state'] !== 'DISCONNECTED' && Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    now = await only(t.context);
  }
  t.is(now['state'], 'DISCONNECTED');
});

test.serial('the command deletes it once AWS has let go of it', async (t) => {
  const { run, admin, simulator } = t.context;
  const { customKeyStoreId } = await only(t.context);
  t.is((await run('xks', 'connect', 'renamed', '--wait')).code, 0);
  const still = await run('xks', 'delete', 'renamed', '--yes');
  t.regex(still.stderr, /only while it is disconnected/);
  const { code, stdout, stderr } = await run('xks', 'delete', 'renamed', '--disconnect', '--yes');
  t.is(code, 0, stderr);
  t.regex(stdout, /the external key store is deleted/);
  t.deepEqual((await admin.get(path1(t.context))).body.items, []);
  t.throws(() => simulator.kms.state(String(customKeyStoreId)));
});

test.serial('--wait waits where answers of AWS are lost and what was made does not show yet', async (t) => {
  const { run, keySet, simulator, time, admin } = t.context;
  // What was deleted before does not show any more.
  simulator.settle();
  time.consistencyMs = 2_000;
  const lose = (action: string, kind: 'answer-lost' | 'reset' = 'answer-lost') =>
    simulator.fault({ service: 'kms', action, kind, times: 1 });
  lose('CreateCustomKeyStore');
  lose('ConnectCustomKeyStore');
  const made = await run(
    ...['xks', 'create', keySet, '--region', region, '--uri-endpoint', endpoint, '--wait'],
  );
  t.is(made.code, 0, made.stderr);
  t.is((await only(t.context))['state'], 'CONNECTED');

  t.is((await run('xks', 'disconnect', keySet, '--yes')).code, 0);
  const { customKeyStoreId } = await only(t.context);
  await simulator.kms.settled(String(customKeyStoreId));
  simulator.settle();
  lose('ConnectCustomKeyStore', 'reset');
  const connected = await run('xks', 'connect', keySet, '--wait');
  t.is(connected.code, 0, connected.stderr);
  t.is((await only(t.context))['state'], 'CONNECTED');

  lose('DisconnectCustomKeyStore');
  lose('DeleteCustomKeyStore');
  const deleted = await run('xks', 'delete', keySet, '--disconnect', '--yes');
  t.is(deleted.code, 0, deleted.stderr);
  t.deepEqual((await admin.get(path1(t.context))).body.items, []);
  t.throws(() => simulator.kms.state(String(customKeyStoreId)));
  time.consistencyMs = 300;
  simulator.settle();
});

test.serial(
  'by hand the command writes the files for AWS, closed to others, and shows the secret nowhere else',
  async (t) => {
    const { run, keySet, node } = t.context;
    t.is(
      (await run('xks', 'create', keySet, '--region', region, '--uri-endpoint', endpoint, '--by-hand')).code,
      0,
    );
    const [consoleFile, requestFile] = ['console.json', 'request.json'].map((name) =>
      path.join(node.directory, name),
    );
    const { code, stdout, stderr } = await run(
      ...['xks', 'console', keySet, '--console-file', consoleFile ?? '', '--request-file', requestFile ?? ''],
    );
    t.is(code, 0, stderr);
    const request = JSON.parse(await readFile(requestFile ?? '', 'utf8'));
    const file = JSON.parse(await readFile(consoleFile ?? '', 'utf8'));
    t.like(request, { CustomKeyStoreName: keySet, XksProxyUriEndpoint: endpoint });
    t.deepEqual(file.XksProxyAuthenticationCredential, request.XksProxyAuthenticationCredential);
    for (const name of [consoleFile, requestFile]) t.is((await stat(name ?? '')).mode & 0o777, 0o600);
    const secret = String(request.XksProxyAuthenticationCredential.RawSecretAccessKey);
    t.is(secret.length, 44);
    t.false(stdout.includes(secret) || stderr.includes(secret));
    t.true(stdout.includes(`--cli-input-json file://${requestFile}`));
    t.regex(stdout, /Proxy URI path prefix: payments-7f3c9a/);
    const told = await run(
      'xks',
      'edit',
      keySet,
      '--custom-key-store-id',
      'cks-1234567890abcdef0',
      '--state',
      'FAILED',
      '--connection-error',
      'SOMETHING_NEW',
    );
    t.regex(told.stderr, /FAILED with SOMETHING_NEW: AWS KMS could not connect, for a reason/);
    t.is((await run('xks', 'delete', keySet, '--forget', '--yes')).code, 0);
    t.false(node.output.includes(secret));
  },
);

test.serial('no secret of AWS is in the log of the node', async (t) => {
  const { node, secretAccessKey } = t.context;
  t.false(node.output.includes(secretAccessKey));
  t.false(node.output.includes('RawSecretAccessKey'));
});
