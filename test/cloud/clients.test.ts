import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { CreateAccessKeyCommand, IAMClient } from '@aws-sdk/client-iam';
import { ListAliasesCommand } from '@aws-sdk/client-kms';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import anyTest, { type TestFn } from 'ava';
import { pino } from 'pino';
import type { Simulator } from '../../simulator/simulator.ts';
import { AwsError, callAws } from '../../src/cloud/aws/aws-error.ts';
import { AwsClients, type AwsAccess, type AwsSettings } from '../../src/cloud/aws/clients.ts';
import { whoIs } from '../../src/cloud/aws/identity-check.ts';
import { homeRegion, partitionOf, partitions } from '../../src/cloud/aws/partitions.ts';
import { trustPolicy } from '../../src/cloud/aws/permissions.ts';
import { RoleSession } from '../../src/cloud/aws/role-session.ts';
import { Secret } from '../../src/secret.ts';
import { startAws } from '../../testing/simulated-aws.ts';
import { silentLog, testAwsSettings } from '../../testing/aws-settings.ts';
import { TestAwsAccount, type TestUser } from '../support/aws-users.ts';
import { clientsOf } from '../../testing/aws-vault.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

/** A proxy that is asked to CONNECT: it keeps the names, and leads all of them to one port, or nowhere. */
class TestProxy {
  readonly asked: string[] = [];
  readonly #server = createServer();
  readonly #sockets = new Set<Socket>();

  constructor(port?: number) {
    this.#server.on('connect', (request, socket: Socket) => {
      this.asked.push(request.url ?? '');
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      if (port === undefined) {
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
        return;
      }
      const far = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        far.pipe(socket);
        socket.pipe(far);
      });
      far.on('error', () => socket.destroy());
      this.#sockets.add(far);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

interface Context {
  simulator: Simulator;
  account: TestAwsAccount;
  user: TestUser;
}

const test = anyTest as TestFn<Context>;

test.before(async (t) => {
  const { simulator } = await startAws({
    kind: 'which requests are sent, and how often, is what is tested',
    hostNames: ['kms.eu-central-1.amazonaws.com'],
  });
  const account = new TestAwsAccount(simulator);
  t.context = { simulator, account, user: await account.user() };
});
test.after.always(async (t) => t.context.simulator.close());

function accessOf({ accessKeyId, secretAccessKey }: TestUser, more: Partial<AwsAccess> = {}): AwsAccess {
  return {
    ...{ accountKey: 'test', partition: 'aws', region: 'eu-central-1', fips: false, kind: 'access-key' },
    ...{ accessKeyId, secret: secretAccessKey },
    ...more,
  } as AwsAccess;
}

/** Where a request goes that no endpoint is told for: to the proxy, which lets nothing through. */
async function hostsAsked(settings: Partial<AwsSettings>, access: AwsAccess): Promise<string[]> {
  const proxy = new TestProxy();
  const clients = new AwsClients(
    testAwsSettings({ endpoints: {}, proxy: await proxy.listen(), maxAttempts: 1, ...settings }),
    silentLog,
  );
  const account = clients.of(access);
  const [kms, iam, sts] = await Promise.all([account.kms(), account.iam(), account.sts()]);
  const refused = async (run: () => Promise<unknown>) =>
    run().then(
      () => false,
      () => true,
    );
  const all = await Promise.all([
    refused(async () => kms.send(new ListAliasesCommand({}))),
    refused(async () => iam.send(new CreateAccessKeyCommand({}))),
    refused(async () => sts.send(new GetCallerIdentityCommand({}))),
  ]);
  clients.close();
  proxy.close();
  return all.every(Boolean) ? proxy.asked.toSorted() : ['something answered'];
}

test('each partition has its endpoints, STS that of the Region, IAM one for all', async (t) => {
  const of = async (partition: AwsAccess['partition'], region: string, fips = false) =>
    hostsAsked({}, accessOf(t.context.user, { partition, region, fips }));
  t.deepEqual(await of('aws', 'eu-central-1'), [
    'iam.amazonaws.com:443',
    'kms.eu-central-1.amazonaws.com:443',
    'sts.eu-central-1.amazonaws.com:443',
  ]);
  t.deepEqual(await of('aws-cn', 'cn-northwest-1'), [
    'iam.cn-north-1.amazonaws.com.cn:443',
    'kms.cn-northwest-1.amazonaws.com.cn:443',
    'sts.cn-northwest-1.amazonaws.com.cn:443',
  ]);
  t.deepEqual(await of('aws-us-gov', 'us-gov-east-1'), [
    'iam.us-gov.amazonaws.com:443',
    'kms.us-gov-east-1.amazonaws.com:443',
    'sts.us-gov-east-1.amazonaws.com:443',
  ]);
  const fips = [
    'iam-fips.amazonaws.com:443',
    'kms-fips.us-east-1.amazonaws.com:443',
    'sts-fips.us-east-1.amazonaws.com:443',
  ];
  t.deepEqual(await of('aws-eusc', 'eusc-de-east-1'), [
    'iam.eusc-de-east-1.amazonaws.eu:443',
    'kms.eusc-de-east-1.amazonaws.eu:443',
    'sts.eusc-de-east-1.amazonaws.eu:443',
  ]);
  t.deepEqual(await of('aws-us-gov', 'us-gov-east-1', true), [
    'iam.us-gov.amazonaws.com:443',
    'kms-fips.us-gov-east-1.amazonaws.com:443',
    'sts.us-gov-east-1.amazonaws.com:443',
  ]);
  t.deepEqual(await of('aws', 'us-east-1', true), fips);
  t.deepEqual(await hostsAsked({ fips: true }, accessOf(t.context.user, { region: 'us-east-1' })), fips);
});

test('FIPS outside the United States: KMS there, STS in the default Region where it has FIPS endpoints', async (t) => {
  const access = accessOf(t.context.user, { region: 'eu-central-1', defaultRegion: 'us-east-2', fips: true });
  t.deepEqual(await hostsAsked({}, access), [
    'iam-fips.amazonaws.com:443',
    'kms-fips.eu-central-1.amazonaws.com:443',
    'sts-fips.us-east-2.amazonaws.com:443',
  ]);
});

test('FIPS endpoints that AWS does not have are refused in words, whoever asks for them', async (t) => {
  const of = (partition: AwsAccess['partition'], region: string, settings: Partial<AwsSettings> = {}) =>
    new AwsClients(testAwsSettings({ endpoints: {}, ...settings }), silentLog).of(
      accessOf(t.context.user, { partition, region, fips: settings.fips !== true }),
    );
  for (const settings of [{}, { fips: true }]) {
    const frankfurt = await t.throwsAsync(of('aws', 'eu-central-1', settings).sts(), {
      instanceOf: AwsError,
    });
    t.like(frankfurt, { fault: 'invalid', code: 'NoFipsEndpoint' });
    t.is(frankfurt.message, 'AWS has no FIPS endpoint of STS in this Region');
    t.regex(frankfurt.remediation, /default Region where it has one \(us-east-1/);
    for (const [partition, region] of [
      ['aws-cn', 'cn-north-1'],
      ['aws-eusc', 'eusc-de-east-1'],
    ] as const) {
      const error = await t.throwsAsync(of(partition, region, settings).kms(), { instanceOf: AwsError });
      t.is(error.message, `AWS has no FIPS endpoint of KMS in the partition ${partition}`);
      t.regex(error.remediation, /leave FIPS out/);
    }
  }
});

test('partitions and their Regions are those of the SDK’s own data', (t) => {
  // IAM has one endpoint in each partition: which the SDK takes for a Region tells what partition it is of.
  const iam = new IAMClient({ region: 'us-east-1' });
  const endpointOf = (Region: string) => iam.config.endpointProvider({ Region }).url.hostname;
  const partitionBySdk = new Map(
    Object.entries(homeRegion).map(([partition, region]) => [endpointOf(region), partition]),
  );
  t.is(partitionBySdk.size, partitions.length);
  const regions = [
    'us-east-1',
    'eu-central-2',
    'ap-southeast-7',
    'mx-central-1',
    'ca-west-1',
    'il-central-1',
  ];
  const others = ['cn-northwest-1', 'us-gov-east-1', 'eusc-de-east-1', 'sa-west-1', 'eusc-de-west-2'];
  for (const region of [...regions, ...others, ...Object.values(homeRegion)])
    t.is(partitionOf(region), partitionBySdk.get(endpointOf(region)) as never, region);
  for (const region of ['us-iso-east-1', 'us-isob-east-1', 'eu-isoe-west-1', 'us-isof-south-1'])
    t.deepEqual([partitionOf(region), partitionBySdk.get(endpointOf(region))], [undefined, undefined]);
  iam.destroy();
});

test.serial('nothing of AWS’s is taken from the environment or from files', async (t) => {
  const home = await mkdtemp(path.join(memoryDirectory(), 'holdfast-aws-'));
  await mkdir(path.join(home, '.aws'));
  const wrong =
    '[default]\nregion = us-west-2\nendpoint_url = http://127.0.0.1:1\nuse_fips_endpoint = true\n' +
    'max_attempts = 9\nsdk_ua_app_id = planted\naws_access_key_id = AKIAPLANTEDPLANTED00\naws_secret_access_key = planted\n';
  await Promise.all(
    ['config', 'credentials'].map(async (name) => writeFile(path.join(home, '.aws', name), wrong)),
  );
  const planted = {
    HOME: home,
    AWS_CONFIG_FILE: path.join(home, '.aws', 'config'),
    AWS_SHARED_CREDENTIALS_FILE: path.join(home, '.aws', 'credentials'),
    AWS_ACCESS_KEY_ID: 'AKIAPLANTEDPLANTED00',
    AWS_SECRET_ACCESS_KEY: 'planted',
    AWS_SESSION_TOKEN: 'planted',
    AWS_REGION: 'us-west-2',
    AWS_PROFILE: 'planted',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    AWS_ENDPOINT_URL_KMS: 'http://127.0.0.1:1',
    AWS_USE_FIPS_ENDPOINT: 'true',
    AWS_USE_DUALSTACK_ENDPOINT: 'true',
    AWS_RETRY_MODE: 'planted',
    AWS_MAX_ATTEMPTS: 'planted',
    HTTPS_PROXY: 'http://127.0.0.1:1',
    HTTP_PROXY: 'http://127.0.0.1:1',
  };
  const before = { ...process.env };
  Object.assign(process.env, planted);
  try {
    t.deepEqual(await hostsAsked({}, accessOf(t.context.user)), [
      'iam.amazonaws.com:443',
      'kms.eu-central-1.amazonaws.com:443',
      'sts.eu-central-1.amazonaws.com:443',
    ]);
    const clients = clientsOf(t.context.simulator);
    t.is((await whoIs(clients.of(accessOf(t.context.user)))).arn, t.context.user.arn);
    t.throws(() => clients.of(accessOf(t.context.user, { accountKey: 'other', kind: 'ambient' })), {
      message: 'this node gives CSP accounts no credentials of its own',
    });
    clients.close();
  } finally {
    for (const name of Object.keys(planted)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    await rm(home, { recursive: true });
  }
});

test('through a proxy AWS is reached as without one, with TLS from end to end', async (t) => {
  const { simulator, user } = t.context;
  const proxy = new TestProxy(simulator.port);
  t.teardown(() => proxy.close());
  const settings = testAwsSettings({
    ...{ endpoints: {}, proxy: await proxy.listen(), caCertificates: simulator.ca },
  });
  const clients = new AwsClients(settings, silentLog);
  const kms = await clients.of(accessOf(user)).kms();
  t.deepEqual((await kms.send(new ListAliasesCommand({ Limit: 1 }))).Truncated !== undefined, true);
  t.deepEqual(proxy.asked, ['kms.eu-central-1.amazonaws.com:443']);
  clients.close();

  const beside = new AwsClients(
    {
      ...settings,
      endpoints: { kms: 'https://kms.holdfast.invalid' },
      noProxy: '.holdfast.invalid',
      maxAttempts: 1,
    },
    silentLog,
  );
  await beside
    .of(accessOf(user))
    .kms()
    .then(async (other) => other.send(new ListAliasesCommand({})))
    .catch(() => undefined);
  t.is(proxy.asked.length, 1);
  beside.close();
});

test('CloudTrail shows who called', async (t) => {
  const clients = clientsOf(t.context.simulator);
  await whoIs(clients.of(accessOf(t.context.user)));
  clients.close();
  t.true(
    t.context.simulator.trail
      .events('GetCallerIdentity')
      .some(({ userAgent }) => /\bholdfast\/test\b/.test(userAgent)),
  );
});

test('a Region of another partition is refused, and each partition has its home', async (t) => {
  const account = clientsOf(t.context.simulator).of(accessOf(t.context.user));
  await t.throwsAsync(account.kms('cn-north-1'), { message: /not one of the partition aws/ });
  await t.throwsAsync(account.kms('us-gov-west-1'), { message: /not one of the partition aws/ });
  await t.throwsAsync(account.kms('us-iso-east-1'), { message: /not one of the partition aws/ });
  t.deepEqual(homeRegion, {
    aws: 'us-east-1',
    'aws-cn': 'cn-north-1',
    'aws-us-gov': 'us-gov-west-1',
    'aws-eusc': 'eusc-de-east-1',
  });
});

test('a role is assumed once for all who wait, with its external id', async (t) => {
  const { account, simulator } = t.context;
  const user = await account.user([]);
  await account.allow(user.name, {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' }],
  });
  const roleArn = await account.role(trustPolicy(user.arn, 'the-external-id'));
  const role = (externalId: string) =>
    ({
      ...{ accountKey: externalId, partition: 'aws', region: 'eu-central-1', fips: false, kind: 'role' },
      ...{ roleArn, externalId, base: { accessKeyId: user.accessKeyId, secret: user.secretAccessKey } },
    }) satisfies AwsAccess as AwsAccess;
  const clients = clientsOf(simulator);
  const before = simulator.trail.events('AssumeRole').length;
  const aws = clients.of(role('the-external-id'));
  await Promise.all([
    whoIs(aws),
    whoIs(aws),
    aws.kms().then(async (kms) => kms.send(new ListAliasesCommand({}))),
  ]);
  await whoIs(clients.of(role('the-external-id')));
  t.is(simulator.trail.events('AssumeRole').length, before + 1);
  await t.throwsAsync(whoIs(clients.of(role('another'))), { message: /^AWS denied the request: AssumeRole/ });
  clients.close();
});

test.serial(
  'a session of a role is made anew before it ends, and used on while AWS gives no other',
  async (t) => {
    const { account, simulator } = t.context;
    const user = await account.user([]);
    await account.allow(user.name, {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' }],
    });
    const roleArn = await account.role(trustPolicy(user.arn, 'the-external-id'));
    const clients = clientsOf(simulator, { maxAttempts: 1 });
    const sts = async () => clients.of(accessOf(user)).sts();
    // As if each session were near its end at once.
    const session = new RoleSession({ roleArn, externalId: 'the-external-id' }, sts, 3_600_000);
    const first = await session.credentials();
    const second = await session.credentials();
    t.not(first.accessKeyId, second.accessKeyId);
    const undo = simulator.fault({ service: 'sts', action: 'AssumeRole', kind: '500' });
    t.is((await session.credentials()).accessKeyId, second.accessKeyId);
    await t.throwsAsync(new RoleSession({ roleArn, externalId: 'the-external-id' }, sts).credentials(), {
      name: 'AwsError',
    });
    undo();
    clients.close();
  },
);

test.serial('what AWS or the network does wrong has a name and a way out', async (t) => {
  const { simulator, user } = t.context;
  const clients = clientsOf(simulator, { maxAttempts: 1, requestTimeoutMs: 2_000 });
  const sts = await clients.of(accessOf(user)).sts();
  const ask = async () =>
    callAws('GetCallerIdentity', async () => sts.send(new GetCallerIdentityCommand({})));
  const faults = {
    reset: 'unreachable',
    hang: 'unreachable',
    '500': 'aws-trouble',
    throttle: 'throttled',
    denied: 'denied',
  } as const;
  for (const [kind, fault] of Object.entries(faults)) {
    const undo = simulator.fault({
      service: 'sts',
      action: 'GetCallerIdentity',
      kind: kind as keyof typeof faults,
    });
    const error = await t.throwsAsync(ask, { instanceOf: AwsError }, kind);
    undo();
    t.like(error, { fault, operation: 'GetCallerIdentity' }, kind);
    t.not(error.remediation, '', kind);
  }
  clients.close();
  const otherCa = new AwsClients(
    testAwsSettings({ endpoints: { sts: simulator.url }, maxAttempts: 1 }),
    silentLog,
  );
  await t.throwsAsync(whoIs(otherCa.of(accessOf(user))), { message: /does not chain to a trusted CA/ });
  otherCa.close();
  const nowhere = new AwsClients(
    testAwsSettings({ endpoints: { sts: 'https://sts.holdfast.invalid' }, maxAttempts: 1 }),
    silentLog,
  );
  t.regex(
    (await t.throwsAsync(whoIs(nowhere.of(accessOf(user))), { instanceOf: AwsError })).remediation,
    /DNS/,
  );
  nowhere.close();
});

test('AWS’s own message is not shown: of a denial only the action and the kind of policy', async (t) => {
  const thrown = (name: string, message: string, httpStatusCode: number) =>
    Object.assign(new Error(message), { name, $metadata: { httpStatusCode, requestId: 'request-1' } });
  const failing = async (error: Error) =>
    callAws('CreateKey', async () => {
      throw error;
    });
  const errorOf = async (error: Error) => (await t.throwsAsync(failing(error))) as AwsError;
  const canonical = await errorOf(thrown('SignatureDoesNotMatch', 'x-amz-security-token:planted-token', 403));
  t.false(JSON.stringify([canonical, canonical.message, canonical.stack]).includes('planted'));
  t.regex(canonical.remediation, /secret access key.*clock/);
  t.regex(
    (await errorOf(thrown('RequestTimeTooSkewed', 'planted', 403))).remediation,
    /clock of the node \(NTP\)/,
  );
  for (const code of ['InvalidClientTokenId', 'UnrecognizedClientException', 'InvalidAccessKeyId'])
    t.regex(
      (await errorOf(thrown(code, 'planted', 403))).remediation,
      /created a moment ago, repeat: a new access key takes seconds, sometimes minutes/,
    );
  for (const message of ['planted', 'User: planted is not authorized to perform: kms:CreateKey on: *'])
    t.regex(
      (await errorOf(thrown('AccessDeniedException', message, 400))).remediation,
      /allowed a moment ago, repeat: the change takes seconds/,
    );
  const denied = await errorOf(
    thrown(
      'AccessDeniedException',
      'User: arn:aws:iam::111122223333:user/planted is not authorized to perform: kms:CreateKey on resource: * with an explicit deny in a service control policy',
      400,
    ),
  );
  t.like(denied, { fault: 'denied', action: 'kms:CreateKey', requestId: 'request-1' });
  t.regex(
    denied.message,
    /needs kms:CreateKey \(AccessDeniedException, denied by a service control policy\)/,
  );
  t.false(denied.message.includes('planted'));
  const mistake = new TypeError('ours');
  t.is(await t.throwsAsync(failing(mistake)), mistake);
});

test('a log at its most talkative has operations and request ids, and nothing of what was sent or answered', async (t) => {
  const { simulator, account } = t.context;
  const user = await account.user(['own-access-key'], 'planted-name');
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const clients = new AwsClients(
    testAwsSettings({ endpoints: { iam: simulator.url }, caCertificates: simulator.ca }),
    log,
  );
  const iam = await clients.of(accessOf(user)).iam();
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: user.name }));
  await iam.send(new CreateAccessKeyCommand({ UserName: 'planted-other' })).catch(() => undefined);
  clients.close();
  const text = lines.join('');
  t.regex(text, /CreateAccessKeyCommand.*AWS was called/);
  t.regex(text, /AWS refused or was not reached/);
  for (const planted of [AccessKey?.SecretAccessKey ?? 'none', user.secretAccessKey.reveal(), 'planted'])
    t.false(text.includes(planted));
  t.is(
    JSON.stringify({ access: accessOf({ ...user, secretAccessKey: new Secret('planted') }) }).includes(
      'planted"',
    ),
    false,
  );
});
