import { readFile } from 'node:fs/promises';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { CreateRoleCommand, DeleteAccessKeyCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { minPolicy, trustPolicy } from '../../src/cloud/aws/permissions.ts';
import { whoIs } from '../../src/cloud/aws/identity-check.ts';
import { Secret } from '../../src/secret.ts';
import { rotateAccessKey } from '../../src/cloud/accounts/access-key-rotation.ts';
import { currentKey, openKey } from '../../src/cloud/accounts/sign-in.ts';
import { awsAccountOf } from '../../src/cloud/accounts/context.ts';
import type { AwsContext } from '../../src/cloud/controller/context.ts';
import {
  checkCspAccount,
  policyOfCspAccount,
  principalsOfCspAccount,
  reportOf,
} from '../../src/cloud/accounts/checks.ts';
import {
  createCspAccount,
  deleteCspAccount,
  getCspAccount,
  listCspAccounts,
  updateCspAccount,
  type CspAccountRecord,
  type CspAccountInput,
} from '../../src/cloud/accounts/accounts.ts';
import { deleteVault } from '../../src/tenancy/vault-deletion.ts';
import type { VaultError } from '../../src/vault/vault-error.ts';
import { TestAwsAccount, type TestUser } from '../support/aws-users.ts';
import { clientsOf, openAwsVault, type AwsVault } from '../../testing/aws-vault.ts';
import { eventsOf, fresh, insertGroup, insertVault, newKeySet } from '../../testing/vault.ts';

interface Context extends AwsVault {
  account: TestAwsAccount;
}

const test = anyTest as TestFn<Context>;

test.before(async (t) => {
  const vault = await openAwsVault();
  t.context = { ...vault, account: new TestAwsAccount(vault.simulator) };
});
test.after.always(async (t) => t.context.dispose());

type T = ExecutionContext<Context>;

async function create(
  { context }: T,
  input: Partial<CspAccountInput>,
  vaultContext: AwsContext = context.vaultContext,
) {
  return createCspAccount(vaultContext, context.act(), context.vault.id, 'all', {
    name: fresh('account'),
    adminGroupId: context.group,
    defaultRegion: 'eu-central-1',
    ...input,
  });
}

function keyOf({ accessKeyId, secretAccessKey }: TestUser) {
  return { type: 'access-key', accessKeyId, secretAccessKey } as const;
}

async function edit({ context }: T, { id }: CspAccountRecord, input: Partial<CspAccountInput>) {
  return updateCspAccount(
    context.vaultContext,
    context.act(),
    { vaultId: context.vault.id, sight: 'all', id },
    input,
  );
}

async function count({ context }: T): Promise<number> {
  return (await listCspAccounts(context.vaultContext, context.vault.id, 'all', {}, { limit: 200 })).items
    .length;
}

/** The context on a node that has credentials of its own: those of this user. */
async function withNodeCredentials<R>(
  t: T,
  user: TestUser,
  ambientVaults: string[],
  run: (vaultContext: AwsContext) => Promise<R>,
): Promise<R> {
  const environment = {
    AWS_ACCESS_KEY_ID: user.accessKeyId,
    AWS_SECRET_ACCESS_KEY: user.secretAccessKey.reveal(),
  };
  const aws = clientsOf(t.context.simulator, { ambient: true, ambientVaults });
  Object.assign(process.env, environment);
  try {
    return await run({ ...t.context.vaultContext, aws });
  } finally {
    for (const name of Object.keys(environment)) delete process.env[name];
    aws.close();
  }
}

test.serial('with the least policy nothing is missing, and AWS tells the account', async (t) => {
  const user = await t.context.account.user();
  const made = await create(t, keyOf(user));
  t.like(made, { type: 'access-key', aws_account_id: t.context.account.id, access_key_id: user.accessKeyId });
  const report = reportOf(made);
  t.like(report, { ok: true, arn: user.arn, method: 'simulated', problem: null });
  t.deepEqual(
    report?.actions.filter(({ verdict }) => verdict !== 'allowed'),
    [],
  );
  t.is((await whoIs(await awsAccountOf(t.context.vaultContext, made))).arn, user.arn);
});

test.serial('a permission that is missing is named; the account is made all the same', async (t) => {
  const user = await t.context.account.user(['key-stores', 'check']);
  const report = reportOf(await create(t, keyOf(user)));
  t.false(report?.ok);
  const missing = report?.actions.filter(({ verdict }) => verdict === 'missing').map(({ action }) => action);
  t.true(missing?.includes('kms:CreateKey'));
  t.false(missing?.includes('kms:CreateCustomKeyStore'));
});

test.serial('where IAM may not be asked, what only reads is tried and the rest said not to be', async (t) => {
  const user = await t.context.account.user(['key-stores', 'own-access-key']);
  const report = reportOf(await create(t, keyOf(user)));
  const verdicts = Object.fromEntries(report?.actions.map(({ action, verdict }) => [action, verdict]) ?? []);
  t.like(
    { ...report, verdicts },
    {
      method: 'tried',
      verdicts: {
        'kms:DescribeCustomKeyStores': 'allowed',
        'kms:ListAliases': 'missing',
        'iam:ListAccessKeys': 'allowed',
        'iam:SimulatePrincipalPolicy': 'missing',
        'kms:CreateKey': 'not-tried',
      },
    },
  );
});

test.serial('a policy that only seems to do is found out: conditions and denials count', async (t) => {
  const user = await t.context.account.user([]);
  const subject = {
    partition: 'aws',
    accountId: t.context.account.id,
    userArn: user.arn,
    roleArn: '',
  } as const;
  const { Version, Statement } = minPolicy(['key-stores', 'keys', 'check'], subject);
  await t.context.account.allow(user.name, {
    Version,
    Statement: [
      ...Statement,
      { Effect: 'Deny', Action: 'kms:DisableKey', Resource: '*' },
      { Effect: 'Deny', Action: 'kms:CreateAlias', Resource: 'arn:aws:kms:*:*:alias/*' },
    ],
  });
  const report = reportOf(await create(t, keyOf(user)));
  const missing = report?.actions.filter(({ verdict }) => verdict === 'missing').map(({ action }) => action);
  t.true(missing?.includes('kms:DisableKey'));
  t.true(missing?.includes('kms:CreateAlias'), 'on the key it is allowed, on the alias not');
  t.false(missing?.includes('kms:EnableKey'));
});

test.serial('a credential that AWS refuses is refused, and nothing is stored', async (t) => {
  const user = await t.context.account.user();
  const before = await count(t);
  const secretAccessKey = new Secret('wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYx');
  const error = await t.throwsAsync(create(t, { ...keyOf(user), secretAccessKey }));
  t.like(error, { name: 'AwsError', fault: 'credentials', code: 'SignatureDoesNotMatch' });
  t.false(error?.message.includes(secretAccessKey.reveal()));
  await t.throwsAsync(create(t, { ...keyOf(user), accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }), {
    code: 'InvalidClientTokenId',
  });
  const undo = t.context.simulator.fault({ service: 'sts', action: 'GetCallerIdentity', kind: 'reset' });
  await t.throwsAsync(create(t, keyOf(user)), { message: /^AWS cannot be reached/ });
  undo();
  t.is(await count(t), before);

  const made = await create(t, keyOf(user));
  await t.throwsAsync(edit(t, made, { ...keyOf(user), secretAccessKey, name: fresh('renamed') }));
  t.deepEqual(await getCspAccount(t.context.vaultContext, t.context.vault.id, 'all', made.id), made);
});

test.serial('what does not go together is refused before AWS is asked', async (t) => {
  const user = await t.context.account.user();
  const asked = t.context.simulator.trail.events().length;
  const role = 'arn:aws:iam::111122223333:role/Holdfast';
  const wrong: [Partial<CspAccountInput>, RegExp][] = [
    [{ type: 'access-key' }, /needs an access key/],
    [{ ...keyOf(user), type: 'manual' }, /has no access key/],
    [{ ...keyOf(user), secretAccessKey: undefined }, /provided together/],
    [{ ...keyOf(user), accessKeyId: 'ASIAIOSFODNN7EXAMPLE' }, /ends within hours/],
    [{ ...keyOf(user), secretAccessKey: new Secret('two words of a secret key') }, /without blanks/],
    [{ ...keyOf(user), defaultRegion: 'cn-north-1', partition: 'aws' }, /not one of the partition aws/],
    [
      { ...keyOf(user), defaultRegion: 'cn-north-1', fips: true },
      /no FIPS endpoints in the partition aws-cn/,
    ],
    [
      { ...keyOf(user), defaultRegion: 'eusc-de-east-1', fips: true },
      /no FIPS endpoints in the partition aws-eusc/,
    ],
    [{ type: 'role' }, /needs a role/],
    [{ type: 'role', roleArn: 'arn:aws:iam::111122223333:user/Holdfast' }, /told as its ARN/],
    [
      { type: 'role', roleArn: role, partition: 'aws-cn', defaultRegion: '' },
      /not one of the partition aws-cn/,
    ],
    [{ type: 'role', roleArn: role, awsAccountId: '444455556666' }, /another AWS account than told/],
    [{ accessKeyRotationDays: 30 }, /no access key to rotate/],
  ];
  for (const [input, message] of wrong) await t.throwsAsync(create(t, input), { message });
  t.is(t.context.simulator.trail.events().length, asked);
  await t.throwsAsync(create(t, { ...keyOf(user), awsAccountId: '444455556666' }), {
    message: 'the credential is of another AWS account than told',
  });
});

test.serial(
  'an account is not moved to another AWS account while external key stores are in it',
  async (t) => {
    const { store, vault } = t.context;
    const made = await create(t, keyOf(await t.context.account.user()));
    const elsewhere = await new TestAwsAccount(t.context.simulator).user();
    const keySet = await newKeySet(t.context, { cspAccountId: made.id });
    const now = new Date().toISOString();
    await store.db
      .insertInto('external_key_stores')
      .values({
        ...{ id: fresh('store'), vault_id: vault.id, key_set_id: keySet.id, csp_account_id: made.id },
        ...{ region: 'eu-central-1', name: 'store', origin: 'LINKED', connectivity: 'PUBLIC_ENDPOINT' },
        ...{ uri_endpoint: 'https://xks.example.test', state: 'UNKNOWN', created_at: now, updated_at: now },
      })
      .execute();
    await t.throwsAsync(edit(t, made, keyOf(elsewhere)), {
      message: /external key stores are in the AWS account/,
    });
    const sameAccount = await t.context.account.user();
    t.is((await edit(t, made, keyOf(sameAccount))).access_key_id, sameAccount.accessKeyId);
    await store.db.deleteFrom('external_key_stores').where('csp_account_id', '=', made.id).execute();
    t.is((await edit(t, made, keyOf(elsewhere))).aws_account_id === made.aws_account_id, false);
  },
);

test.serial(
  'a role is made first and trusted after: the external id for its trust policy is ours',
  async (t) => {
    const { vaultContext, vault, act, account } = t.context;
    const hub = await account.user(['own-access-key']);
    const other = new TestAwsAccount(t.context.simulator);
    const name = fresh('role');
    const roleArn = await other.role(trustPolicy(`arn:aws:iam::${other.id}:root`, 'nobody'), name);
    const made = await create(t, { ...keyOf(hub), type: 'role', roleArn });
    t.regex(made.external_id, /^[0-9a-f-]{36}$/);
    t.is(made.aws_account_id, other.id);
    t.like(reportOf(made), { ok: false, arn: '', assumedBy: hub.arn });
    await t.throwsAsync(whoIs(await awsAccountOf(vaultContext, made)), {
      message: /^AWS denied the request: AssumeRole/,
    });

    const policies = await policyOfCspAccount(vaultContext, vault.id, 'all', made.id);
    await other.trust(name, policies.trustPolicy ?? {});
    await account.allow(hub.name, policies.assumingPolicy ?? {});
    const checked = await checkCspAccount(vaultContext, act(), {
      vaultId: vault.id,
      sight: 'all',
      id: made.id,
    });
    t.like(reportOf(checked), { ok: true, problem: null, method: 'simulated', accountId: other.id });
    t.regex(
      (await whoIs(await awsAccountOf(vaultContext, checked))).arn,
      /:assumed-role\/[^/]+\/holdfast-account-\d+$/,
    );

    // Under another external id it is nobody's: an edit that AWS refuses changes nothing.
    await other.trust(name, trustPolicy(hub.arn, 'another-external-id'));
    t.like(
      reportOf(await checkCspAccount(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: made.id })),
      {
        ok: false,
        arn: '',
      },
    );
    const roleArn2 = await other.role(trustPolicy(hub.arn, 'another-external-id'));
    const now = await getCspAccount(vaultContext, vault.id, 'all', made.id);
    await t.throwsAsync(edit(t, now, { roleArn: roleArn2 }), {
      message: /^AWS denied the request: AssumeRole/,
    });
    t.is((await getCspAccount(vaultContext, vault.id, 'all', made.id)).role_arn, roleArn);
  },
);

test.serial(
  'a role that does not ask for the external id is told, and is not lent the node’s credentials',
  async (t) => {
    const { account } = t.context;
    const hub = await account.user([]);
    await account.allow(hub.name, {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' }],
    });
    const roleArn = await account.role({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: hub.arn }, Action: 'sts:AssumeRole' }],
    });
    t.is(
      reportOf(await create(t, { ...keyOf(hub), type: 'role', roleArn }))?.problem?.code,
      'EXTERNAL_ID_NOT_ASKED_FOR',
    );
    await withNodeCredentials(t, hub, [], async (vaultContext) => {
      const refused = await t.throwsAsync<VaultError>(create(t, { type: 'role', roleArn }, vaultContext), {
        message: 'the role can be assumed without the external id of this CSP account',
      });
      // Not the trust policy that the command prints: there is no CSP account yet.
      t.regex(refused?.remediation ?? '', /^give the role a trust policy that lets nobody assume it/);

      t.context.kindly(t, 'which of the requests is refused is what is tested');
      const strike = (code: string) =>
        t.context.simulator.fault({
          ...{ service: 'sts', action: 'AssumeRole', kind: 'error', after: 1, times: 1 },
          error: { code, status: 403, message: 'not authorized' },
        });
      // One of IAM's hosts still has the trust policy of before: a refusal that proves nothing.
      strike('AccessDenied');
      await t.throwsAsync(create(t, { type: 'role', roleArn }, vaultContext), {
        message: 'the role can be assumed without the external id of this CSP account',
      });
      const undo = strike('RegionDisabledException');
      await t.throwsAsync(create(t, { type: 'role', roleArn }, vaultContext), { message: /RegionDisabled/ });
      undo();
    });
  },
);

test.serial(
  'the node’s own credentials are used where the configuration says so, looked at with each use',
  async (t) => {
    const { account, vault, store, vaultContext: without } = t.context;
    const node = await account.user();
    await t.throwsAsync(create(t, { type: 'ambient' }), {
      message: /may not use the credentials of the node/,
    });
    const made = await withNodeCredentials(t, node, [vault.name], async (vaultContext) => {
      const ambient = await create(t, { type: 'ambient' }, vaultContext);
      t.is((await whoIs(await awsAccountOf(vaultContext, ambient))).arn, node.arn);
      const elsewhere = await insertVault(store, fresh('vault'));
      const adminGroupId = await insertGroup(store, elsewhere.id, 'Admins');
      await t.throwsAsync(
        createCspAccount(vaultContext, t.context.act(), elsewhere.id, 'all', {
          name: 'x',
          adminGroupId,
          type: 'ambient',
        }),
        { message: /may not use the credentials of the node/ },
      );
      return ambient;
    });
    await withNodeCredentials(t, node, [], async (vaultContext) => {
      await t.throwsAsync(awsAccountOf(vaultContext, made), {
        message: /may not use the credentials of the node/,
      });
    });
    await t.throwsAsync(awsAccountOf(without, made), { message: /may not use the credentials of the node/ });
    // A role without an access key needs them too.
    await t.throwsAsync(create(t, { type: 'role', roleArn: 'arn:aws:iam::111122223333:role/Holdfast' }), {
      message: 'this node gives CSP accounts no credentials of its own',
    });
  },
);

test.serial('a role is assumed with the node’s own credentials', async (t) => {
  const { account, vault, act } = t.context;
  const node = await account.user([]);
  await account.allow(node.name, {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' }],
  });
  await withNodeCredentials(t, node, [], async (vaultContext) => {
    const name = fresh('role');
    const roleArn = await account.role(trustPolicy(`arn:aws:iam::${account.id}:root`, 'nobody'), name);
    const made = await create(t, { type: 'role', roleArn }, vaultContext);
    const { trustPolicy: trust } = await policyOfCspAccount(vaultContext, vault.id, 'all', made.id);
    await account.trust(name, trust ?? {});
    t.like(
      reportOf(await checkCspAccount(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: made.id })),
      {
        ok: true,
      },
    );
  });
});

test.serial(
  'a role that was entered before it could be assumed is lent the node’s credentials only once it is checked',
  async (t) => {
    const { account, vault, act } = t.context;
    const node = await account.user([]);
    await account.allow(node.name, {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' }],
    });
    await withNodeCredentials(t, node, [], async (vaultContext) => {
      const name = fresh('role');
      const roleArn = await account.role(trustPolicy(`arn:aws:iam::${account.id}:root`, 'nobody'), name);
      const made = await create(t, { type: 'role', roleArn }, vaultContext);
      // Its owner, a user of another vault, lets the node in and asks for no external id.
      const open = {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { AWS: node.arn }, Action: 'sts:AssumeRole' }],
      };
      await account.trust(name, open);
      await t.throwsAsync(awsAccountOf(vaultContext, made), { message: /has not been checked/ });
      const checked = await checkCspAccount(vaultContext, act(), {
        vaultId: vault.id,
        sight: 'all',
        id: made.id,
      });
      t.like(reportOf(checked), { ok: false, problem: { code: 'EXTERNAL_ID_NOT_ASKED_FOR' } });
      await t.throwsAsync(awsAccountOf(vaultContext, checked), { message: /has not been checked/ });

      const { trustPolicy: trust } = await policyOfCspAccount(vaultContext, vault.id, 'all', made.id);
      await account.trust(name, trust ?? {});
      const right = await checkCspAccount(vaultContext, act(), {
        vaultId: vault.id,
        sight: 'all',
        id: made.id,
      });
      t.regex((await whoIs(await awsAccountOf(vaultContext, right))).arn, /:assumed-role\//);
      // That AWS cannot be asked says nothing against it.
      const undo = t.context.simulator.fault({ service: 'sts', action: 'AssumeRole', kind: 'reset' });
      const unasked = await checkCspAccount(vaultContext, act(), {
        vaultId: vault.id,
        sight: 'all',
        id: made.id,
      });
      undo();
      t.false(reportOf(unasked)?.ok);
      t.regex((await whoIs(await awsAccountOf(vaultContext, unasked))).arn, /:assumed-role\//);
      // That it asks no more does.
      await account.trust(name, open);
      const opened = await checkCspAccount(vaultContext, act(), {
        vaultId: vault.id,
        sight: 'all',
        id: made.id,
      });
      await t.throwsAsync(awsAccountOf(vaultContext, opened), { message: /has not been checked/ });
    });
  },
);

test.serial('users and roles are listed by pages, without service-linked roles', async (t) => {
  const { vaultContext, vault } = t.context;
  const aws = new TestAwsAccount(t.context.simulator);
  const user = await aws.user();
  for (let n = 0; n < 3; n++) await aws.user([]);
  await aws.role(trustPolicy(user.arn, 'x'), 'Payroll');
  const iam = await aws.iam();
  await iam.send(
    new CreateRoleCommand({
      ...{ RoleName: 'AWSServiceRoleForX', Path: '/aws-service-role/x.amazonaws.com/' },
      AssumeRolePolicyDocument: JSON.stringify(trustPolicy(user.arn, 'x')),
    }),
  );
  const made = await create(t, keyOf(user));
  const list = async (kind: 'user' | 'role', limit: number, marker?: string) =>
    principalsOfCspAccount(vaultContext, vault.id, 'all', made.id, { kind, limit, marker });
  const names: string[] = [];
  let marker: string | undefined;
  do {
    const page = await list('user', 3, marker);
    t.true(page.items.length <= 3);
    names.push(...page.items.map(({ name }) => name));
    marker = page.next ?? undefined;
  } while (marker !== undefined);
  t.is(new Set(names).size, 4);
  t.deepEqual(
    (await list('role', 100)).items.map(({ arn }) => arn),
    [`arn:aws:iam::${aws.id}:role/Payroll`],
  );
});

test.serial('a check says what is wrong by now, and is on the record', async (t) => {
  const { vaultContext, vault, act, account } = t.context;
  const user = await account.user();
  const made = await create(t, keyOf(user));
  const iam = await account.iam();
  await iam.send(
    new PutUserPolicyCommand({
      ...{ UserName: user.name, PolicyName: 'Holdfast' },
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'iam:SimulatePrincipalPolicy', Resource: '*' }],
      }),
    }),
  );
  const checked = await checkCspAccount(vaultContext, act(), {
    vaultId: vault.id,
    sight: 'all',
    id: made.id,
  });
  t.false(reportOf(checked)?.ok);
  t.is(checked.row_version, 2);
  await iam.send(new DeleteAccessKeyCommand({ UserName: user.name, AccessKeyId: user.accessKeyId }));
  const gone = reportOf(
    await checkCspAccount(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: made.id }),
  );
  t.like(gone, { ok: false, arn: '', problem: { code: 'InvalidClientTokenId' } });
  t.deepEqual(
    (await eventsOf(t.context, made.id)).map(({ action, after }) => [
      action,
      action.endsWith('check') ? after : '',
    ]),
    [
      ['csp-account.create', ''],
      ['csp-account.check', '{"ok":false,"problem":null}'],
      ['csp-account.check', '{"ok":false,"problem":"InvalidClientTokenId"}'],
    ],
  );
});

test.serial(
  'a secret access key is nowhere but under the token’s key, and is gone with its account or vault',
  async (t) => {
    const { vaultContext, act, vault, store, storePath, account } = t.context;
    const users = [await account.user(), await account.user(), await account.user()] as const;
    const made = await create(t, keyOf(users[0]));
    const other = await create(t, keyOf(users[2]));
    await edit(t, made, keyOf(users[1]));
    const rotated = await rotateAccessKey(vaultContext, act(), {
      vaultId: vault.id,
      sight: 'all',
      id: other.id,
    });
    const next = await currentKey(store.db, other.id);
    if (next === undefined) throw new Error('no access key after the rotation');
    const { secret: newSecret } = await openKey(vaultContext, { id: other.id, vault_id: vault.id }, next);
    const files = await Promise.all(
      ['', '-wal'].map(async (end) => readFile(`${storePath}${end}`).catch(() => Buffer.alloc(0))),
    );
    t.true(
      files.some((file) => file.includes(rotated.access_key_id ?? 'none')),
      'what is looked for would be found',
    );
    for (const secret of [...users.map(({ secretAccessKey }) => secretAccessKey), newSecret])
      for (const file of files) t.false(file.includes(secret.reveal()));
    t.false(JSON.stringify(made).includes(users[0].secretAccessKey.reveal()));

    // Moved to another account's row it opens nothing.
    const [row] = await store.db
      .selectFrom('csp_access_keys')
      .selectAll()
      .where('csp_account_id', '=', other.id)
      .execute();
    await store.db
      .updateTable('csp_access_keys')
      .set({ sealed_secret: row?.sealed_secret ?? Buffer.alloc(0) })
      .where('csp_account_id', '=', made.id)
      .execute();
    await t.throwsAsync(
      awsAccountOf(vaultContext, await getCspAccount(vaultContext, vault.id, 'all', made.id)),
      {
        name: 'TokenError',
      },
    );

    const keys = async () =>
      (await store.db.selectFrom('csp_access_keys').select('csp_account_id').execute()).map(
        ({ csp_account_id: id }) => id,
      );
    await deleteCspAccount(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: made.id });
    t.false((await keys()).includes(made.id));
    const [, , deleted] = await eventsOf(t.context, made.id);
    t.true(deleted?.before?.includes(users[1].accessKeyId), 'which access key lives on in IAM');

    const doomed = await insertVault(store, fresh('vault'));
    const adminGroupId = await insertGroup(store, doomed.id, 'Admins');
    const theirs = await createCspAccount(vaultContext, act(), doomed.id, 'all', {
      ...{ name: 'x', adminGroupId },
      ...keyOf(users[0]),
    });
    t.true((await keys()).includes(theirs.id));
    await deleteVault(vaultContext, act(), doomed.id, doomed.name, undefined);
    t.false((await keys()).includes(theirs.id));
  },
);

test.serial('type manual signs in to nothing, and taking it away forgets the access key', async (t) => {
  const { vaultContext } = t.context;
  const made = await create(t, keyOf(await t.context.account.user()));
  const manual = await edit(t, made, { type: 'manual' });
  t.like(manual, {
    type: 'manual',
    access_key_id: null,
    check_report: null,
    aws_account_id: made.aws_account_id,
  });
  await t.throwsAsync(awsAccountOf(vaultContext, manual), {
    message: /of type manual: nothing here signs in/,
  });
});
