import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteRoleCommand,
  GetRoleCommand,
  IAMClient,
  ListUsersCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import test from 'ava';
import { Simulator } from '../../simulator/simulator.ts';
import { clientSettings, failure, send, sign, type TestCredentials } from './sdk-clients.ts';

const simulator = await Simulator.start();
const [home, other] = [simulator.account('111122223333'), simulator.account('444455556666')];
const iam = new IAMClient(clientSettings(simulator, home));
test.after.always(async () => {
  await simulator.close();
});

const statement = (Effect: string, Action: string, Resource: string) =>
  JSON.stringify({ Version: '2012-10-17', Statement: { Effect, Action, Resource } });
const trust = (AWS: string, Condition?: unknown) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole', Condition },
  });

async function user(account: TestCredentials, UserName: string, policy?: string): Promise<TestCredentials> {
  const admin = new IAMClient(clientSettings(simulator, account));
  await admin.send(new CreateUserCommand({ UserName }));
  if (policy !== undefined)
    await admin.send(new PutUserPolicyCommand({ UserName, PolicyName: 'inline', PolicyDocument: policy }));
  const { AccessKey: key } = await admin.send(new CreateAccessKeyCommand({ UserName }));
  return { accessKeyId: key?.AccessKeyId ?? '', secretAccessKey: key?.SecretAccessKey ?? '' };
}

const stsOf = (credentials: TestCredentials) => new STSClient(clientSettings(simulator, credentials));
const arnOf = (RoleName: string) => `arn:aws:iam::111122223333:role/${RoleName}`;

async function assume(
  credentials: TestCredentials,
  RoleName: string,
  more: object = {},
): Promise<{ credentials: TestCredentials; arn: string; expires: Date | undefined }> {
  const answer = await stsOf(credentials).send(
    new AssumeRoleCommand({ RoleArn: arnOf(RoleName), RoleSessionName: 'tests', ...more }),
  );
  const given = answer.Credentials;
  return {
    credentials: {
      accessKeyId: given?.AccessKeyId ?? '',
      secretAccessKey: given?.SecretAccessKey ?? '',
      sessionToken: given?.SessionToken ?? '',
    },
    arn: answer.AssumedRoleUser?.Arn ?? '',
    expires: given?.Expiration,
  };
}

test('GetCallerIdentity needs no permission and knows root, users and sessions', async (t) => {
  t.like(await stsOf(home).send(new GetCallerIdentityCommand()), {
    ...{ Account: '111122223333', Arn: 'arn:aws:iam::111122223333:root', UserId: '111122223333' },
  });
  const denied = await user(home, 'denied', statement('Deny', 'sts:*', '*'));
  const identity = await stsOf(denied).send(new GetCallerIdentityCommand());
  t.is(identity.Arn, 'arn:aws:iam::111122223333:user/denied');
  t.regex(identity.UserId ?? '', /^AIDA/);
});

test("a role that trusts a user is assumed by it, and its session has the role's permissions", async (t) => {
  const caller = await user(home, 'caller');
  await iam.send(
    new CreateRoleCommand({
      ...{ RoleName: 'lister', Path: '/apps/' },
      AssumeRolePolicyDocument: trust('arn:aws:iam::111122223333:user/caller'),
    }),
  );
  await iam.send(
    new PutRolePolicyCommand({
      ...{ RoleName: 'lister', PolicyName: 'p', PolicyDocument: statement('Allow', 'iam:ListUsers', '*') },
    }),
  );
  const session = await assume(caller, 'apps/lister');
  t.regex(session.credentials.accessKeyId, /^ASIA/);
  t.is(session.arn, 'arn:aws:sts::111122223333:assumed-role/lister/tests');
  const left = (session.expires?.getTime() ?? 0) - Date.now();
  t.true(left > 3_590_000 && left <= 3_600_000);
  const identity = await stsOf(session.credentials).send(new GetCallerIdentityCommand());
  t.is(identity.Arn, session.arn);
  t.regex(identity.UserId ?? '', /^AROA[A-Z2-7]{17}:tests$/);
  const asRole = new IAMClient(clientSettings(simulator, session.credentials));
  t.is((await failure(asRole.send(new ListUsersCommand()))).name, 'none');
  t.is((await failure(asRole.send(new CreateUserCommand({ UserName: 'x' })))).name, 'AccessDenied');
  const { Role: role } = await iam.send(new GetRoleCommand({ RoleName: 'lister' }));
  t.true(role?.RoleLastUsed?.LastUsedDate instanceof Date);
  t.like(
    simulator.trail.events('ListUsers').find((event) => event.userIdentity.arn === session.arn)?.userIdentity,
    {
      ...{ type: 'AssumedRole', arn: session.arn },
      sessionContext: { sessionIssuer: { type: 'Role', arn: arnOf('apps/lister'), userName: 'lister' } },
    },
  );
});

test('the external id must be the one that the trust policy asks for', async (t) => {
  const stranger = await user(other, 'stranger', statement('Allow', 'sts:AssumeRole', '*'));
  await iam.send(
    new CreateRoleCommand({
      RoleName: 'external',
      AssumeRolePolicyDocument: trust('444455556666', { StringEquals: { 'sts:ExternalId': 'right-one' } }),
    }),
  );
  for (const more of [{}, { ExternalId: 'wrong-one' }]) {
    const { name, status, message } = await failure(assume(stranger, 'external', more));
    t.is(name, 'AccessDenied');
    t.is(status, 403);
    t.regex(message, /sts:AssumeRole on resource: arn:aws:iam::111122223333:role\/external/);
  }
  t.regex((await assume(stranger, 'external', { ExternalId: 'right-one' })).arn, /external\/tests$/);
});

test("across accounts both the trust policy and the caller's own policy must allow it", async (t) => {
  const [allowed, bare] = [
    await user(other, 'allowed', statement('Allow', 'sts:AssumeRole', arnOf('both'))),
    await user(other, 'bare'),
  ];
  await iam.send(
    new CreateRoleCommand({
      RoleName: 'both',
      AssumeRolePolicyDocument: trust('arn:aws:iam::444455556666:root'),
    }),
  );
  t.is((await failure(assume(bare, 'both'))).name, 'AccessDenied');
  t.is((await failure(assume(allowed, 'both'))).name, 'none');
  await iam.send(
    new CreateRoleCommand({
      RoleName: 'only-bare',
      AssumeRolePolicyDocument: trust('arn:aws:iam::444455556666:user/bare'),
    }),
  );
  t.is((await failure(assume(bare, 'only-bare'))).name, 'AccessDenied', 'named, but not allowed at home');
  t.is((await failure(assume(allowed, 'only-bare'))).name, 'AccessDenied');
});

test('root assumes no role, and a role that is not there is denied like one that may not be assumed', async (t) => {
  await iam.send(new CreateRoleCommand({ RoleName: 'any', AssumeRolePolicyDocument: trust('111122223333') }));
  t.regex((await failure(assume(home, 'any'))).message, /root accounts/);
  const free = await user(home, 'free', statement('Allow', 'sts:*', '*'));
  t.is((await failure(assume(free, 'any'))).name, 'none');
  t.is((await failure(assume(free, 'absent'))).name, 'AccessDenied');
});

test('a session lasts 15 minutes to an hour, no longer than its role allows, and ends with the role', async (t) => {
  const free = await user(home, 'expiring', statement('Allow', 'sts:*', '*'));
  await iam.send(
    new CreateRoleCommand({ RoleName: 'short', AssumeRolePolicyDocument: trust('111122223333') }),
  );
  for (const DurationSeconds of [899, 3601])
    t.is((await failure(assume(free, 'short', { DurationSeconds }))).name, 'ValidationError');
  const { credentials } = await assume(free, 'short', { DurationSeconds: 900 });
  const identity = async () => failure(stsOf(credentials).send(new GetCallerIdentityCommand()));
  t.is((await identity()).name, 'none');
  await iam.send(new DeleteRoleCommand({ RoleName: 'short' }));
  t.is((await identity()).name, 'InvalidClientTokenId');
});

test('a session token that is missing, changed or of another session is refused', async (t) => {
  const free = await user(home, 'tokens', statement('Allow', 'sts:*', '*'));
  await iam.send(new CreateRoleCommand({ RoleName: 'two', AssumeRolePolicyDocument: trust('111122223333') }));
  const [one, two] = [await assume(free, 'two'), await assume(free, 'two')];
  const { sessionToken, ...without } = one.credentials;
  for (const credentials of [
    without,
    { ...without, sessionToken: `${sessionToken}x` },
    { ...without, sessionToken: two.credentials.sessionToken ?? '' },
    { ...free, sessionToken: sessionToken ?? '' },
  ])
    t.is(
      (await failure(stsOf(credentials).send(new GetCallerIdentityCommand()))).name,
      'InvalidClientTokenId',
    );
});

test('a session policy takes away, and never adds', async (t) => {
  const free = await user(home, 'session', statement('Allow', 'sts:*', '*'));
  await iam.send(
    new CreateRoleCommand({ RoleName: 'wide', AssumeRolePolicyDocument: trust('111122223333') }),
  );
  await iam.send(
    new PutRolePolicyCommand({
      ...{ RoleName: 'wide', PolicyName: 'p', PolicyDocument: statement('Allow', 'iam:List*', '*') },
    }),
  );
  const narrow = await assume(free, 'wide', { Policy: statement('Allow', 'iam:ListRoles', '*') });
  const wider = await assume(free, 'wide', { Policy: statement('Allow', 'iam:*', '*') });
  const as = (credentials: TestCredentials) => new IAMClient(clientSettings(simulator, credentials));
  t.regex((await failure(as(narrow.credentials).send(new ListUsersCommand()))).message, /no session policy/);
  t.is((await failure(as(wider.credentials).send(new ListUsersCommand()))).name, 'none');
  t.is(
    (await failure(as(wider.credentials).send(new CreateUserCommand({ UserName: 'y' })))).name,
    'AccessDenied',
  );
});

test('AssumeRole refuses what it does not do by name', async (t) => {
  const { name, message } = await failure(assume(home, 'any', { SourceIdentity: 'someone' }));
  t.is(name, 'NotImplemented');
  t.regex(message, /SourceIdentity/);
});

test('a session that has expired is told apart from an unknown one, in each protocol', async (t) => {
  let now = Date.now();
  const other = await Simulator.start({ now: () => new Date(now) });
  const root = other.account('111122223333');
  const admin = new IAMClient(clientSettings(other, root));
  await admin.send(new CreateUserCommand({ UserName: 'u' }));
  const PolicyDocument = statement('Allow', 'sts:*', '*');
  await admin.send(new PutUserPolicyCommand({ UserName: 'u', PolicyName: 'p', PolicyDocument }));
  const { AccessKey: key } = await admin.send(new CreateAccessKeyCommand({ UserName: 'u' }));
  await admin.send(new CreateRoleCommand({ RoleName: 'r', AssumeRolePolicyDocument: trust('111122223333') }));
  const caller = { accessKeyId: key?.AccessKeyId ?? '', secretAccessKey: key?.SecretAccessKey ?? '' };
  const { Credentials: given } = await new STSClient(clientSettings(other, caller)).send(
    new AssumeRoleCommand({ RoleArn: arnOf('r'), RoleSessionName: 'tests', DurationSeconds: 900 }),
  );
  const session = {
    accessKeyId: given?.AccessKeyId ?? '',
    secretAccessKey: given?.SecretAccessKey ?? '',
    sessionToken: given?.SessionToken ?? '',
  };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const identity = { headers: form, body: 'Action=GetCallerIdentity&Version=2011-06-15' };
  const ask = async (service: string, request: object) =>
    send(other, await sign(other, session, service, request, { at: new Date(now) }));
  now += 899_000;
  t.is((await ask('sts', identity)).status, 200);
  now += 2_000;
  const ofSts = await ask('sts', identity);
  t.is(ofSts.status, 403);
  t.regex(ofSts.body, /<Code>ExpiredToken</);
  const target = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'TrentService.ListKeys' };
  t.regex((await ask('kms', { headers: target, body: '{}' })).body, /ExpiredTokenException/);
  const ofS3 = await ask('s3', { method: 'GET', path: '/some-bucket', query: { 'list-type': '2' } });
  t.is(ofS3.status, 400);
  t.regex(ofS3.body, /<Code>ExpiredToken</);
  await other.close();
});
