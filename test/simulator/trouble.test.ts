import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DeleteAliasCommand,
  DescribeCustomKeyStoresCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EncryptCommand,
  GetKeyLastUsageCommand,
  ListAliasesCommand,
  ListKeysCommand,
} from '@aws-sdk/client-kms';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, ListUsersCommand } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import test from 'ava';
import { ClientCertificates } from '../../simulator/client-certificates.ts';
import { ControlPort } from '../../simulator/control.ts';
import { readFault } from '../../simulator/trouble-flags.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { exceptionOf, failureOf, KmsBench } from '../support/simulated-kms.ts';
import { clientSettings } from './sdk-clients.ts';

/** The simulator's clock, which stands still unless it is moved. */
const clock = { at: Date.now() };
const time: { consistencyMs?: number; quotaSecondMs?: number } = {};
let bench: KmsBench;

test.before(async () => {
  bench = await KmsBench.open({ now: () => new Date(clock.at), time });
});
test.after.always(async () => bench.close());
test.beforeEach(() => {
  delete time.consistencyMs;
  delete time.quotaSecondMs;
  settle();
});

/** What follows comes after it. */
function settle(): void {
  bench.simulator.settle();
  clock.at++;
}

test.serial(
  'a KMS key is not found until its making has spread, and is made once all the same',
  async (t) => {
    const store = await bench.makeConnectedStore();
    time.consistencyMs = 10_000;
    const { KeyId } = await bench.makeKey(store, { XksKeyId: 'late' });
    t.is(await exceptionOf(bench.kms.send(new DescribeKeyCommand({ KeyId }))), 'NotFoundException');
    t.is(await exceptionOf(bench.kms.send(new DisableKeyCommand({ KeyId }))), 'NotFoundException');
    const list = new CreateAliasCommand({ AliasName: 'alias/late', TargetKeyId: KeyId });
    t.is(await exceptionOf(bench.kms.send(list)), 'NotFoundException');
    const { Keys = [] } = await bench.kms.send(new ListKeysCommand({}));
    t.false(Keys.some((key) => key.KeyId === KeyId));
    t.is(await exceptionOf(bench.makeKey(store, { XksKeyId: 'late' })), 'XksKeyAlreadyInUseException');
    clock.at += 10_000;
    t.is((await bench.kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyState, 'Enabled');
  },
);

test.serial('between, one read sees the change and the next may not', async (t) => {
  const store = await bench.makeConnectedStore();
  const { KeyId } = await bench.makeKey(store);
  time.consistencyMs = 10_000;
  await bench.kms.send(new DisableKeyCommand({ KeyId }));
  const states = async () => {
    const seen = new Set<string | undefined>();
    for (let read = 0; read < 30; read++)
      seen.add((await bench.kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyState);
    return [...seen].map(String).toSorted();
  };
  t.deepEqual(await states(), ['Enabled']);
  clock.at += 6_000;
  t.deepEqual(await states(), ['Disabled', 'Enabled']);
  clock.at += 4_000;
  t.deepEqual(await states(), ['Disabled']);
});

test.serial(
  'a new alias is taken at once and listed late; a deleted one is listed for a while',
  async (t) => {
    const store = await bench.makeConnectedStore();
    const { KeyId } = await bench.makeKey(store);
    time.consistencyMs = 10_000;
    const create = new CreateAliasCommand({ AliasName: 'alias/spreading', TargetKeyId: KeyId });
    const listed = async () =>
      ((await bench.kms.send(new ListAliasesCommand({ KeyId }))).Aliases ?? []).map(
        ({ AliasName }) => AliasName,
      );
    await bench.kms.send(create);
    t.is(await exceptionOf(bench.kms.send(create)), 'AlreadyExistsException');
    t.deepEqual(await listed(), []);
    const remove = new DeleteAliasCommand({ AliasName: 'alias/spreading' });
    t.is(await exceptionOf(bench.kms.send(remove)), 'NotFoundException');
    clock.at += 10_000;
    t.deepEqual(await listed(), ['alias/spreading']);
    await bench.kms.send(remove);
    t.deepEqual(await listed(), ['alias/spreading']);
    clock.at += 10_000;
    t.deepEqual(await listed(), []);
  },
);

test.serial('a key store is described late, and its name is taken at once', async (t) => {
  time.consistencyMs = 10_000;
  const request = bench.storeRequest();
  const CustomKeyStoreId = await bench.makeStore(request);
  const describe = new DescribeCustomKeyStoresCommand({ CustomKeyStoreId });
  t.is(await exceptionOf(bench.kms.send(describe)), 'CustomKeyStoreNotFoundException');
  t.is(await exceptionOf(bench.makeStore(request)), 'CustomKeyStoreNameInUseException');
  settle();
  t.is((await bench.kms.send(describe)).CustomKeyStores?.length, 1);
});

test.serial(
  'a new user may not be named in a key policy yet, nor does anybody know their access key',
  async (t) => {
    const settings = clientSettings(bench.simulator, bench.account);
    const iam = new IAMClient(settings);
    time.consistencyMs = 10_000;
    const { User } = await iam.send(new CreateUserCommand({ UserName: 'newcomer' }));
    t.is(
      await exceptionOf(iam.send(new CreateAccessKeyCommand({ UserName: 'newcomer' }))),
      'NoSuchEntityException',
    );
    t.deepEqual((await iam.send(new ListUsersCommand({ PathPrefix: '/' }))).Users, []);
    const statement = (principal: string) => ({
      Effect: 'Allow',
      Principal: { AWS: principal },
      Action: 'kms:*',
      Resource: '*',
    });
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [statement(bench.account.id), statement(User?.Arn ?? '')],
    });
    const make = new CreateKeyCommand({ Policy });
    t.is(await exceptionOf(bench.kms.send(make)), 'MalformedPolicyDocumentException');
    clock.at += 10_000;
    t.is(await exceptionOf(bench.kms.send(make)).catch(() => 'none'), 'none');
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'newcomer' }));
    const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '' } = AccessKey ?? {};
    const sts = new STSClient({ ...settings, credentials: { accessKeyId, secretAccessKey } });
    t.is(await exceptionOf(sts.send(new GetCallerIdentityCommand({}))), 'InvalidClientTokenId');
    clock.at += 10_000;
    t.is((await sts.send(new GetCallerIdentityCommand({}))).Arn, User?.Arn);
  },
);

test.serial(
  'what is more than the quota of a second is throttled, for its operation and account alone',
  async (t) => {
    time.quotaSecondMs = 1000;
    const other = bench.client(bench.simulator.account());
    const make = async (kms = bench.kms) =>
      exceptionOf(kms.send(new CreateKeyCommand({}))).catch(() => 'made');
    t.deepEqual(await Promise.all(Array.from({ length: 6 }, () => make())), [
      ...Array.from({ length: 5 }, () => 'made'),
      'ThrottlingException',
    ]);
    t.regex(
      (await failureOf(bench.kms.send(new CreateKeyCommand({})))).message,
      /You have exceeded the rate/,
    );
    t.is(await make(other), 'made');
    t.is((await bench.kms.send(new ListKeysCommand({}))).Truncated, false);
    clock.at += 1000;
    t.is(await make(), 'made');
  },
);

test('a fault is told as on the command line: of what, how, how often', (t) => {
  t.deepEqual(readFault('CreateKey=answer-lost,chance=0.2'), {
    service: 'kms',
    action: 'CreateKey',
    kind: 'answer-lost',
    chance: 0.2,
  });
  t.deepEqual(readFault('iam:CreateUser=ServiceFailure/500,times=2,after=1'), {
    service: 'iam',
    action: 'CreateUser',
    kind: 'error',
    error: { code: 'ServiceFailure', status: 500 },
    times: 2,
    after: 1,
  });
  for (const wrong of [
    'CreateKey',
    'x:CreateKey=reset',
    'CreateKey=reset,often=1',
    'CreateKey=reset,chance=2',
  ])
    t.throws(() => readFault(wrong), undefined, wrong);
});

test.serial('the control port changes it while it runs, and takes nothing from a web page', async (t) => {
  const control = await ControlPort.open(bench.simulator, 0);
  const ask = async (method: string, where: string, body?: object, headers: Record<string, string> = {}) =>
    fetch(`${control.url}/${where}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  try {
    t.is((await ask('PATCH', 'times', { consistencyMs: 60_000 })).status, 200);
    t.is(time.consistencyMs, 60_000);
    const { KeyMetadata } = await bench.kms.send(new CreateKeyCommand({}));
    const describe = new DescribeKeyCommand({ KeyId: KeyMetadata?.KeyId ?? '' });
    t.is(await exceptionOf(bench.kms.send(describe)), 'NotFoundException');
    t.is((await ask('POST', 'settle')).status, 204);
    t.is((await bench.kms.send(describe)).KeyMetadata?.Enabled, true);
    const faults = (await (
      await ask('POST', 'faults', { fault: 'ListKeys=KMSInternalException/500' })
    ).json()) as {
      id: number;
    }[];
    t.is(await exceptionOf(bench.kms.send(new ListKeysCommand({}))), 'KMSInternalException');
    t.is((await ask('DELETE', `faults/${faults.at(-1)?.id}`)).status, 204);
    t.is((await bench.kms.send(new ListKeysCommand({}))).$metadata.httpStatusCode, 200);
    t.is((await ask('GET', 'times', undefined, { origin: 'https://example.com' })).status, 403);
    t.is((await ask('PATCH', 'times', { consistencyMs: 'soon' })).status, 400);
  } finally {
    await control.close();
  }
});

test.serial(
  'GetKeyLastUsage tells the last cryptographic operation, and an empty object before any',
  async (t) => {
    const { KeyMetadata } = await bench.kms.send(new CreateKeyCommand({}));
    const KeyId = KeyMetadata?.KeyId ?? '';
    t.deepEqual((await bench.kms.send(new GetKeyLastUsageCommand({ KeyId }))).KeyLastUsage, {});
    await bench.kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') }));
    const { KeyLastUsage, KeyCreationDate } = await bench.kms.send(new GetKeyLastUsageCommand({ KeyId }));
    t.is(KeyLastUsage?.Operation, 'Encrypt');
    t.truthy(KeyLastUsage?.KmsRequestId);
    t.deepEqual(KeyCreationDate, KeyMetadata?.CreationDate);
  },
);

test.serial('credentials of GetSessionToken are the user’s, but not in IAM', async (t) => {
  const settings = clientSettings(bench.simulator, bench.account);
  const { Credentials: given } = await new STSClient(settings).send(new GetSessionTokenCommand({}));
  const credentials = {
    accessKeyId: given?.AccessKeyId ?? '',
    secretAccessKey: given?.SecretAccessKey ?? '',
    sessionToken: given?.SessionToken ?? '',
  };
  const temporary = { ...settings, credentials };
  t.is((await new STSClient(temporary).send(new GetCallerIdentityCommand({}))).Account, bench.account.id);
  t.is((await bench.client(credentials).send(new ListKeysCommand({}))).$metadata.httpStatusCode, 200);
  t.is(await exceptionOf(new IAMClient(temporary).send(new ListUsersCommand({}))), 'AccessDenied');
  t.is(await exceptionOf(new STSClient(temporary).send(new GetSessionTokenCommand({}))), 'AccessDenied');
});

test('of each Region there is one client certificate, of a CA that is kept', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-client-'));
  try {
    const certificates = await ClientCertificates.open(directory);
    // However many are asked for at a time, the first of this CA.
    const many = await Promise.all(
      Array.from({ length: 24 }, async (_, n) => certificates.of(`of-test-${n}`)),
    );
    const [one, again, other] = await Promise.all([
      certificates.of('eu-central-1'),
      certificates.of('eu-central-1'),
      certificates.of('us-east-1'),
    ]);
    t.is(one.certificate, again.certificate);
    const { X509Certificate } = await import('node:crypto');
    const ca = new X509Certificate((await ClientCertificates.open(directory)).ca);
    const certificate = new X509Certificate(one.certificate);
    t.is(certificate.subject, 'CN=cks.kms.eu-central-1.amazonaws.com');
    t.true(certificate.verify(ca.publicKey));
    t.is(new X509Certificate(other.certificate).subject, 'CN=cks.kms.us-east-1.amazonaws.com');
    const serials = many.map((made) => new X509Certificate(made.certificate).serialNumber);
    t.is(new Set(serials).size, many.length);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
