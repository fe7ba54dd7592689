import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  GetAccessKeyLastUsedCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  GetUserCommand,
  GetUserPolicyCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
  ListUserPoliciesCommand,
  ListUsersCommand,
  paginateListUsers,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
  SimulatePrincipalPolicyCommand,
  UpdateAccessKeyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import test from 'ava';
import { Simulator } from '../../simulator/simulator.ts';
import { clientSettings, failure, type TestCredentials } from './sdk-clients.ts';

const simulator = await Simulator.start();
const account = simulator.account('111122223333');
const root = new IAMClient(clientSettings(simulator, account));
test.after.always(async () => {
  await simulator.close();
});

const allow = (Action: string | string[], Resource: string | string[] = '*', Condition?: unknown) =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource, Condition }] });
const trust = (AWS: string | string[]) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole' },
  });

async function userWith(UserName: string, policy?: string): Promise<TestCredentials> {
  await root.send(new CreateUserCommand({ UserName }));
  if (policy !== undefined)
    await root.send(new PutUserPolicyCommand({ UserName, PolicyName: 'inline', PolicyDocument: policy }));
  const { AccessKey: key } = await root.send(new CreateAccessKeyCommand({ UserName }));
  return { accessKeyId: key?.AccessKeyId ?? '', secretAccessKey: key?.SecretAccessKey ?? '' };
}

test("a user is made, shown, listed and deleted, with AWS's ARN and id", async (t) => {
  const Path = '/teams/cloud/';
  const { User: made } = await root.send(
    new CreateUserCommand({ UserName: 'bob', Path, Tags: [{ Key: 'team', Value: 'a & b <c>' }] }),
  );
  t.is(made?.Arn, 'arn:aws:iam::111122223333:user/teams/cloud/bob');
  t.regex(made?.UserId ?? '', /^AIDA[A-Z2-7]{17}$/);
  t.true(made?.CreateDate instanceof Date);
  const { User: shown } = await root.send(new GetUserCommand({ UserName: 'BOB' }));
  t.like(shown, { UserId: made?.UserId, Path, Tags: [{ Key: 'team', Value: 'a & b <c>' }] });
  const listed = await root.send(new ListUsersCommand({ PathPrefix: '/teams/' }));
  t.deepEqual(
    listed.Users?.map((user) => user.UserName),
    ['bob'],
  );
  t.false(listed.IsTruncated);
  t.like(await failure(root.send(new CreateUserCommand({ UserName: 'Bob' }))), {
    ...{ name: 'EntityAlreadyExistsException', status: 409 },
  });
  await root.send(new DeleteUserCommand({ UserName: 'bob' }));
  t.like(await failure(root.send(new GetUserCommand({ UserName: 'bob' }))), {
    ...{ name: 'NoSuchEntityException', status: 404 },
  });
});

test('names and paths of another form are a ValidationError that does not repeat them', async (t) => {
  for (const input of [
    { UserName: 'planted name' },
    { UserName: 'x'.repeat(65) },
    { UserName: 'x', Path: 'planted' },
  ]) {
    const { name, status, message } = await failure(root.send(new CreateUserCommand(input)));
    t.is(name, 'ValidationError');
    t.is(status, 400);
    t.notRegex(message, /planted|xxx/);
  }
});

test('lists come in pages with a marker, in order, each once', async (t) => {
  const names = Array.from({ length: 7 }, (_, index) => `page-${index}`);
  for (const UserName of names) await root.send(new CreateUserCommand({ UserName, Path: '/pages/' }));
  const seen: string[] = [];
  let pages = 0;
  for await (const page of paginateListUsers({ client: root, pageSize: 3 }, { PathPrefix: '/pages/' })) {
    pages += 1;
    seen.push(...(page.Users ?? []).map((user) => user.UserName ?? ''));
  }
  t.deepEqual(seen, names);
  t.is(pages, 3);
  t.like(await failure(root.send(new ListUsersCommand({ Marker: 'nonsense' }))), { name: 'ValidationError' });
  t.like(await failure(root.send(new ListUsersCommand({ MaxItems: 1001 }))), { name: 'ValidationError' });
});

test('a user has two access keys at most, and none when it is deleted', async (t) => {
  const UserName = 'keys';
  const first = await userWith(UserName);
  const { AccessKey: second } = await root.send(new CreateAccessKeyCommand({ UserName }));
  t.like(await failure(root.send(new CreateAccessKeyCommand({ UserName }))), {
    ...{ name: 'LimitExceededException', status: 409 },
  });
  const { AccessKeyMetadata: listed } = await root.send(new ListAccessKeysCommand({ UserName }));
  t.deepEqual(
    new Set(listed?.map((key) => key.AccessKeyId)),
    new Set([first.accessKeyId, second?.AccessKeyId]),
  );
  t.false(JSON.stringify(listed).includes(first.secretAccessKey));
  t.like(await failure(root.send(new DeleteUserCommand({ UserName }))), { name: 'DeleteConflictException' });
  await root.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId: first.accessKeyId }));
  await root.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId: second?.AccessKeyId }));
  await root.send(new DeleteUserCommand({ UserName }));
  const sts = new STSClient(clientSettings(simulator, first));
  t.like(await failure(sts.send(new GetCallerIdentityCommand())), {
    name: 'InvalidClientTokenId',
    status: 403,
  });
});

test('an inactive access key is as good as none, until it is active again', async (t) => {
  const credentials = await userWith('inactive');
  const sts = new STSClient(clientSettings(simulator, credentials));
  const set = async (Status: 'Active' | 'Inactive') =>
    root.send(
      new UpdateAccessKeyCommand({ UserName: 'inactive', AccessKeyId: credentials.accessKeyId, Status }),
    );
  await set('Inactive');
  t.is((await failure(sts.send(new GetCallerIdentityCommand()))).name, 'InvalidClientTokenId');
  await set('Active');
  t.is((await failure(sts.send(new GetCallerIdentityCommand()))).name, 'none');
});

test('a user manages its own access keys without naming itself, and learns when they were used', async (t) => {
  const credentials = await userWith('self', allow('iam:*AccessKey*', 'arn:aws:iam::*:user/${aws:username}'));
  const iam = new IAMClient(clientSettings(simulator, credentials, 'eu-central-1'));
  const { AccessKey: next } = await iam.send(new CreateAccessKeyCommand());
  t.is(next?.UserName, 'self');
  t.is((await iam.send(new ListAccessKeysCommand())).AccessKeyMetadata?.length, 2);
  const last = async (AccessKeyId: string | undefined) =>
    iam.send(new GetAccessKeyLastUsedCommand({ AccessKeyId }));
  const used = await last(credentials.accessKeyId);
  t.is(used.UserName, 'self');
  t.like(used.AccessKeyLastUsed, { ServiceName: 'iam', Region: 'eu-central-1' });
  t.true(used.AccessKeyLastUsed?.LastUsedDate instanceof Date);
  const unused = (await last(next?.AccessKeyId)).AccessKeyLastUsed;
  t.like(unused, { ServiceName: 'N/A', Region: 'N/A' });
  t.is(unused?.LastUsedDate, undefined);
  t.is((await failure(iam.send(new ListAccessKeysCommand({ UserName: 'keys' })))).name, 'AccessDenied');
});

test('a new access key may be unknown for a while, as IAM is eventually consistent', async (t) => {
  let now = Date.now();
  const slow = await Simulator.start({ now: () => new Date(now), time: { accessKeyDelayMs: 10_000 } });
  const iam = new IAMClient(clientSettings(slow, slow.account()));
  await iam.send(new CreateUserCommand({ UserName: 'new' }));
  const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand({ UserName: 'new' }));
  const sts = new STSClient(
    clientSettings(slow, {
      accessKeyId: key?.AccessKeyId ?? '',
      secretAccessKey: key?.SecretAccessKey ?? '',
    }),
  );
  t.is((await failure(sts.send(new GetCallerIdentityCommand()))).name, 'InvalidClientTokenId');
  now += 10_000;
  t.is((await failure(sts.send(new GetCallerIdentityCommand()))).name, 'none');
  await slow.close();
});

test('a role is made with its trust policy, shown, listed and deleted', async (t) => {
  await root.send(new CreateUserCommand({ UserName: 'trusted' }));
  const document = trust('arn:aws:iam::111122223333:user/trusted');
  const { Role: made } = await root.send(
    new CreateRoleCommand({
      ...{ RoleName: 'worker', Path: '/apps/', AssumeRolePolicyDocument: document, MaxSessionDuration: 7200 },
      Description: 'for "tests"',
    }),
  );
  t.is(made?.Arn, 'arn:aws:iam::111122223333:role/apps/worker');
  t.regex(made?.RoleId ?? '', /^AROA[A-Z2-7]{17}$/);
  const { Role: shown } = await root.send(new GetRoleCommand({ RoleName: 'worker' }));
  t.is(decodeURIComponent(shown?.AssumeRolePolicyDocument ?? ''), document);
  t.like(shown, { MaxSessionDuration: 7200, Description: 'for "tests"', RoleLastUsed: {} });
  const { Roles: listed } = await root.send(new ListRolesCommand({ PathPrefix: '/apps/' }));
  t.deepEqual(
    listed?.map((role) => role.RoleName),
    ['worker'],
  );
  const changed = trust('111122223333');
  await root.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'worker', PolicyDocument: changed }));
  const again = await root.send(new GetRoleCommand({ RoleName: 'worker' }));
  t.is(decodeURIComponent(again.Role?.AssumeRolePolicyDocument ?? ''), changed);
  await root.send(new DeleteRoleCommand({ RoleName: 'worker' }));
  t.is((await failure(root.send(new GetRoleCommand({ RoleName: 'worker' })))).name, 'NoSuchEntityException');
});

test('a trust policy may name only who is there, and must be one', async (t) => {
  const make = async (AssumeRolePolicyDocument: string) =>
    failure(root.send(new CreateRoleCommand({ RoleName: 'none', AssumeRolePolicyDocument })));
  for (const document of [
    trust('arn:aws:iam::111122223333:user/nobody'),
    trust('999999999999'),
    trust('planted'),
    allow('sts:AssumeRole'),
    '{"Version":"2012-10-17","Statement":[]}',
    '{"planted"',
  ]) {
    const { name, status, message } = await make(document);
    t.is(name, 'MalformedPolicyDocumentException');
    t.is(status, 400);
    t.notRegex(message, /planted|nobody/);
  }
});

test('inline policies of users and roles are put, read, listed and deleted', async (t) => {
  const RoleName = 'with-policies';
  await root.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust('111122223333') }));
  await root.send(new CreateUserCommand({ UserName: RoleName }));
  const PolicyDocument = allow('kms:*', 'arn:aws:kms:*:*:key/*');
  const names = ['b', 'a'];
  for (const PolicyName of names) {
    await root.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
    await root.send(new PutUserPolicyCommand({ UserName: RoleName, PolicyName, PolicyDocument }));
  }
  t.deepEqual((await root.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames, ['a', 'b']);
  t.deepEqual((await root.send(new ListUserPoliciesCommand({ UserName: RoleName }))).PolicyNames, ['a', 'b']);
  const ofRole = await root.send(new GetRolePolicyCommand({ RoleName, PolicyName: 'a' }));
  const ofUser = await root.send(new GetUserPolicyCommand({ UserName: RoleName, PolicyName: 'a' }));
  t.is(decodeURIComponent(ofRole.PolicyDocument ?? ''), PolicyDocument);
  t.is(decodeURIComponent(ofUser.PolicyDocument ?? ''), PolicyDocument);
  t.is((await failure(root.send(new DeleteRoleCommand({ RoleName })))).name, 'DeleteConflictException');
  t.is(
    (await failure(root.send(new DeleteUserCommand({ UserName: RoleName })))).name,
    'DeleteConflictException',
  );
  for (const PolicyName of names) {
    await root.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
    await root.send(new DeleteUserPolicyCommand({ UserName: RoleName, PolicyName }));
  }
  t.is(
    (await failure(root.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: 'a' })))).name,
    'NoSuchEntityException',
  );
  await root.send(new DeleteRoleCommand({ RoleName }));
  await root.send(new DeleteUserCommand({ UserName: RoleName }));
});

test('inline policies larger than the quota are refused, white space not counted', async (t) => {
  const UserName = 'large';
  await root.send(new CreateUserCommand({ UserName }));
  const put = async (PolicyDocument: string) =>
    failure(root.send(new PutUserPolicyCommand({ UserName, PolicyName: 'p', PolicyDocument })));
  t.like(await put(allow('kms:*', 'arn:aws:kms:::' + 'x'.repeat(2048))), { name: 'LimitExceededException' });
  t.is((await put(allow('kms:*') + ' '.repeat(4000))).name, 'none');
});

test("without a permission each action is denied under AWS's name, and the message says which", async (t) => {
  const credentials = await userWith('powerless');
  const iam = new IAMClient(clientSettings(simulator, credentials));
  for (const [command, action] of [
    [new CreateUserCommand({ UserName: 'x' }), 'iam:CreateUser'],
    [new ListUsersCommand(), 'iam:ListUsers'],
    [new ListRolesCommand(), 'iam:ListRoles'],
    [new GetUserCommand(), 'iam:GetUser'],
    [new CreateAccessKeyCommand(), 'iam:CreateAccessKey'],
    [new GetRoleCommand({ RoleName: 'x' }), 'iam:GetRole'],
  ] as const) {
    const { name, status, message } = await failure(iam.send(command as ListUsersCommand));
    t.is(name, 'AccessDenied');
    t.is(status, 403);
    t.regex(
      message,
      new RegExp(`user/powerless is not authorized to perform: ${action} on resource: arn:aws:iam`),
    );
  }
});

test('policies that are changed count at the next call', async (t) => {
  const credentials = await userWith('changing', allow('iam:ListUsers'));
  const iam = new IAMClient(clientSettings(simulator, credentials));
  t.is((await failure(iam.send(new ListUsersCommand()))).name, 'none');
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 'iam:*', Resource: '*' },
      { Effect: 'Deny', NotAction: 'iam:Get*', Resource: '*' },
    ],
  });
  await root.send(new PutUserPolicyCommand({ UserName: 'changing', PolicyName: 'inline', PolicyDocument }));
  t.regex((await failure(iam.send(new ListUsersCommand()))).message, /explicit deny/);
  t.is((await failure(iam.send(new GetUserCommand()))).name, 'none');
});

test('SimulatePrincipalPolicy says what a user and a role may, with context, and what of it is missing', async (t) => {
  const source = 'arn:aws:iam::111122223333:user/simulated';
  const key = 'arn:aws:kms:eu-west-1:111122223333:key/k';
  await userWith(
    'simulated',
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: 'kms:Create*', Resource: '*' },
        { Effect: 'Deny', Action: 'kms:CreateAlias', Resource: key },
        {
          ...{ Effect: 'Allow', Action: 'kms:Decrypt', Resource: key },
          Condition: { StringEquals: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' } },
        },
      ],
    }),
  );
  const simulate = async (more: object) =>
    (
      await root.send(
        new SimulatePrincipalPolicyCommand({ PolicySourceArn: source, ActionNames: [], ...more }),
      )
    ).EvaluationResults?.map(({ EvalActionName, EvalDecision }) => `${EvalActionName} ${EvalDecision}`);
  t.deepEqual(
    await simulate({
      ActionNames: ['kms:CreateKey', 'kms:CreateAlias', 'kms:ListKeys'],
      ResourceArns: [key],
    }),
    ['kms:CreateKey allowed', 'kms:CreateAlias explicitDeny', 'kms:ListKeys implicitDeny'],
  );
  const context = {
    ContextKeyName: 'kms:ViaService',
    ContextKeyType: 'string' as const,
    ContextKeyValues: ['s3.eu-west-1.amazonaws.com'],
  };
  const ActionNames = ['kms:Decrypt'];
  t.deepEqual(await simulate({ ActionNames, ResourceArns: [key] }), ['kms:Decrypt implicitDeny']);
  t.deepEqual(await simulate({ ActionNames, ResourceArns: [key], ContextEntries: [context] }), [
    'kms:Decrypt allowed',
  ]);
  t.deepEqual(await simulate({ ActionNames: ['iam:GetUser'], PolicyInputList: [allow('iam:GetUser')] }), [
    'iam:GetUser allowed',
  ]);
  const { EvaluationResults: results } = await root.send(
    new SimulatePrincipalPolicyCommand({ PolicySourceArn: source, ActionNames, ResourceArns: [key] }),
  );
  t.deepEqual(results?.[0]?.MissingContextValues, ['kms:ViaService']);
  await root.send(
    new CreateRoleCommand({ RoleName: 'sim', AssumeRolePolicyDocument: trust('111122223333') }),
  );
  t.deepEqual(
    await simulate({ PolicySourceArn: 'arn:aws:iam::111122223333:role/sim', ActionNames: ['kms:CreateKey'] }),
    ['kms:CreateKey implicitDeny'],
  );
});

test('SimulatePrincipalPolicy comes in pages, and refuses who has no policies of their own', async (t) => {
  const PolicySourceArn = 'arn:aws:iam::111122223333:user/paged';
  await userWith('paged', allow('kms:*'));
  const ActionNames = ['kms:A', 'kms:B', 'kms:C'];
  const first = await root.send(
    new SimulatePrincipalPolicyCommand({ PolicySourceArn, ActionNames, MaxItems: 2 }),
  );
  t.true(first.IsTruncated);
  const Marker = first.Marker;
  const rest = await root.send(
    new SimulatePrincipalPolicyCommand({ PolicySourceArn, ActionNames, MaxItems: 2, Marker }),
  );
  t.deepEqual(
    [first, rest].flatMap((page) => page.EvaluationResults?.map((result) => result.EvalActionName)),
    ActionNames,
  );
  for (const [arn, name] of [
    ['arn:aws:iam::111122223333:root', 'InvalidInputException'],
    ['arn:aws:sts::111122223333:assumed-role/sim/session', 'InvalidInputException'],
    ['arn:aws:iam::111122223333:user/nobody', 'NoSuchEntityException'],
  ] as const)
    t.is(
      (await failure(root.send(new SimulatePrincipalPolicyCommand({ PolicySourceArn: arn, ActionNames }))))
        .name,
      name,
    );
});
