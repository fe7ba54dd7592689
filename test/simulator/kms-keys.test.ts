import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:https';
import path from 'node:path';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import {
  CancelKeyDeletionCommand,
  ConnectCustomKeyStoreCommand,
  CreateAliasCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  DecryptCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  DisconnectCustomKeyStoreCommand,
  EnableKeyCommand,
  EncryptCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  ListAliasesCommand,
  ListGrantsCommand,
  ListKeyPoliciesCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
  PutKeyPolicyCommand,
  RetireGrantCommand,
  RevokeGrantCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateKeyDescriptionCommand,
  type CreateKeyRequest,
  type KMSClient,
} from '@aws-sdk/client-kms';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import test from 'ava';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { exceptionOf, failureOf, KmsBench, xksHost } from '../support/simulated-kms.ts';

let bench: KmsBench;
let store: string;
let shifted = 0;

test.before(async () => {
  // The clock continues automatically, as the SDK's own clock does which signs, until a test moves it.
  bench = await KmsBench.open({ now: () => new Date(Date.now() + shifted), time: { dayMs: 1000 } });
  store = await bench.makeConnectedStore();
  bench.stub.reset();
});

test.afterEach.always(() => bench.stub.reset());
test.after.always(async () => bench.close());

const plaintext = Buffer.from('Hello World!');

async function describe(KeyId: string, kms = bench.kms) {
  return (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata;
}

async function create(changes: CreateKeyRequest): Promise<string> {
  return exceptionOf(bench.kms.send(new CreateKeyCommand(changes)));
}

test.serial(
  'a key in an external key store is bound to an external key that the proxy knows and that is fit',
  async (t) => {
    const made = await bench.makeKey(store, {
      XksKeyId: 'external-1',
      Description: 'first',
      Tags: [{ TagKey: 'team', TagValue: 'cloud' }],
    });
    const [request] = bench.stub.requests;
    t.regex(request?.path ?? '', /\/keys\/external-1\/metadata$/);
    t.like(request?.body.requestMetadata, {
      kmsOperation: 'CreateKey',
      awsPrincipalArn: `arn:aws:iam::${bench.account.id}:root`,
    });
    const shown = await describe(made.KeyId);
    t.like(shown, {
      Arn: `arn:aws:kms:eu-west-1:${bench.account.id}:key/${made.KeyId}`,
      AWSAccountId: bench.account.id,
      Description: 'first',
      Enabled: true,
      KeyState: 'Enabled',
      KeyManager: 'CUSTOMER',
      KeySpec: 'SYMMETRIC_DEFAULT',
      KeyUsage: 'ENCRYPT_DECRYPT',
      MultiRegion: false,
      Origin: 'EXTERNAL_KEY_STORE',
      CustomKeyStoreId: store,
    });
    t.is(shown?.XksKeyConfiguration?.Id, 'external-1');
    t.true(Math.abs((shown?.CreationDate?.getTime() ?? 0) - Date.now()) < 60_000);
    const { Tags } = await bench.kms.send(new ListResourceTagsCommand({ KeyId: made.Arn }));
    t.deepEqual(Tags, [{ TagKey: 'team', TagValue: 'cloud' }]);
    const inStore = { Origin: 'EXTERNAL_KEY_STORE', CustomKeyStoreId: store } as const;
    t.is(await create({ ...inStore, XksKeyId: 'external-1' }), 'XksKeyAlreadyInUseException');
    t.is(await create({ ...inStore, XksKeyId: 'unknown-1' }), 'XksKeyNotFoundException');
    for (const [change, message] of [
      [{ keySpec: 'AES_128' }, /key spec/],
      [{ keyUsage: ['ENCRYPT'] }, /key usage/],
      [{ keyUsage: ['DECRYPT', 'WRAP'] }, /key usage/],
      [{ keyStatus: 'DISABLED' }, /status/],
    ] as const) {
      bench.stub.next('metadata', { change: (right) => ({ ...right, ...change }) });
      const failure = await failureOf(
        bench.kms.send(new CreateKeyCommand({ ...inStore, XksKeyId: 'external-2' })),
      );
      t.is(failure.name, 'XksKeyInvalidConfigurationException');
      t.regex(failure.message, message);
    }
    t.is(await create({ ...inStore, XksKeyId: 'a b' }), 'ValidationException');
    t.is(await create({ ...inStore, XksKeyId: 'a'.repeat(129) }), 'ValidationException');
    t.is(await create(inStore), 'ValidationException');
    t.is(await create({ XksKeyId: 'external-2' }), 'ValidationException');
    t.is(
      await create({ ...inStore, XksKeyId: 'external-2', MultiRegion: true }),
      'UnsupportedOperationException',
    );
    t.is(
      await create({ ...inStore, XksKeyId: 'external-2', CustomKeyStoreId: 'cks-00000000000000000' }),
      'CustomKeyStoreNotFoundException',
    );
    t.is(await create({ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' }), 'UnsupportedOperationException');
  },
);

test.serial('two requests at once for one external key make one KMS key', async (t) => {
  bench.stub.always('metadata', { delayMs: 300 });
  const both = await Promise.allSettled([
    bench.makeKey(store, { XksKeyId: 'contended' }),
    bench.makeKey(store, { XksKeyId: 'contended' }),
  ]);
  t.is(both.filter(({ status }) => status === 'fulfilled').length, 1);
});

test.serial('no key is made in a key store that was disconnected while its proxy was asked', async (t) => {
  const own = await bench.makeConnectedStore();
  const disconnected = Promise.withResolvers<void>();
  bench.stub.next('metadata', { until: disconnected.promise });
  const making = exceptionOf(bench.makeKey(own));
  while (bench.stub.requests.at(-1)?.operation !== 'metadata')
    await new Promise((resolve) => setTimeout(resolve, 5));
  await bench.kms.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId: own }));
  disconnected.resolve();
  t.is(await making, 'CustomKeyStoreInvalidStateException');
});

test.serial('no key is made in a key store that is not connected', async (t) => {
  const idle = await bench.makeStore();
  bench.stub.reset();
  t.is(
    await create({ Origin: 'EXTERNAL_KEY_STORE', CustomKeyStoreId: idle, XksKeyId: 'k' }),
    'CustomKeyStoreInvalidStateException',
  );
  t.is(bench.stub.requests.length, 0);
});

test.serial(
  'states: disabled, enabled, unavailable while disconnected, and back to what it was',
  async (t) => {
    const own = await bench.makeConnectedStore();
    const { KeyId } = await bench.makeKey(own);
    const state = async () => (await describe(KeyId))?.KeyState;
    await bench.kms.send(new DisableKeyCommand({ KeyId }));
    t.is(await state(), 'Disabled');
    t.false((await describe(KeyId))?.Enabled);
    await bench.kms.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId: own }));
    await bench.simulator.kms.settled(own);
    t.is(await state(), 'Unavailable');
    await bench.kms.send(new EnableKeyCommand({ KeyId }));
    t.is(await state(), 'Unavailable');
    await bench.connect(own);
    t.is(await state(), 'Enabled');
  },
);

test.serial('deletion: 7 to 30 days, cancelled to Disabled, gone with its aliases at the end', async (t) => {
  const { KeyId, Arn } = await bench.makeKey(store, { XksKeyId: 'to-delete' });
  await bench.kms.send(new CreateAliasCommand({ AliasName: 'alias/to-delete', TargetKeyId: KeyId }));
  const schedule = async (PendingWindowInDays?: number) =>
    bench.kms.send(
      new ScheduleKeyDeletionCommand({
        KeyId,
        ...(PendingWindowInDays === undefined ? {} : { PendingWindowInDays }),
      }),
    );
  for (const days of [6, 31]) t.is(await exceptionOf(schedule(days)), 'ValidationException');
  t.is(
    await exceptionOf(bench.kms.send(new CancelKeyDeletionCommand({ KeyId }))),
    'KMSInvalidStateException',
  );
  const scheduled = await schedule();
  t.like(scheduled, { KeyId: Arn, KeyState: 'PendingDeletion', PendingWindowInDays: 30 });
  t.is((await describe(KeyId))?.KeyState, 'PendingDeletion');
  t.deepEqual((await describe(KeyId))?.DeletionDate, scheduled.DeletionDate);
  for (const command of [
    new EnableKeyCommand({ KeyId }),
    new DisableKeyCommand({ KeyId }),
    new UpdateKeyDescriptionCommand({ KeyId, Description: 'x' }),
    new TagResourceCommand({ KeyId, Tags: [{ TagKey: 'a', TagValue: 'b' }] }),
    new CreateAliasCommand({ AliasName: 'alias/late', TargetKeyId: KeyId }),
  ])
    t.is(await exceptionOf(bench.kms.send(command as EnableKeyCommand)), 'KMSInvalidStateException');
  t.is(await exceptionOf(schedule()), 'KMSInvalidStateException');
  t.is((await bench.kms.send(new CancelKeyDeletionCommand({ KeyId }))).KeyId, Arn);
  t.is((await describe(KeyId))?.KeyState, 'Disabled');
  await schedule(7);
  // Its external key is taken until the KMS key is gone.
  t.is(await exceptionOf(bench.makeKey(store, { XksKeyId: 'to-delete' })), 'XksKeyAlreadyInUseException');
  shifted = 8_000;
  t.teardown(() => {
    shifted = 0;
  });
  t.is(await exceptionOf(describe(KeyId)), 'NotFoundException');
  t.is(await exceptionOf(describe('alias/to-delete')), 'NotFoundException');
  await t.notThrowsAsync(bench.makeKey(store, { XksKeyId: 'to-delete' }));
});

test.serial('aliases are made, listed by key, moved and deleted', async (t) => {
  const [one, two] = [await bench.makeKey(store), await bench.makeKey(store)];
  const alias = { AliasName: 'alias/team/service_1', TargetKeyId: one.KeyId };
  await bench.kms.send(new CreateAliasCommand(alias));
  t.is(await exceptionOf(bench.kms.send(new CreateAliasCommand(alias))), 'AlreadyExistsException');
  const ofKey = async (KeyId: string) =>
    (await bench.kms.send(new ListAliasesCommand({ KeyId }))).Aliases?.map(({ AliasName }) => AliasName);
  t.deepEqual(await ofKey(one.Arn), [alias.AliasName]);
  t.is((await describe(alias.AliasName))?.KeyId, one.KeyId);
  await bench.kms.send(new UpdateAliasCommand({ ...alias, TargetKeyId: two.Arn }));
  t.deepEqual(await ofKey(one.KeyId), []);
  t.is((await describe(alias.AliasName))?.KeyId, two.KeyId);
  await bench.kms.send(new DeleteAliasCommand({ AliasName: alias.AliasName }));
  t.is(await exceptionOf(describe(alias.AliasName)), 'NotFoundException');
  for (const command of [
    new UpdateAliasCommand(alias),
    new DeleteAliasCommand({ AliasName: alias.AliasName }),
    new CreateAliasCommand({ ...alias, TargetKeyId: '00000000-0000-0000-0000-000000000000' }),
  ])
    t.is(await exceptionOf(bench.kms.send(command as DeleteAliasCommand)), 'NotFoundException');
  const bad = async (AliasName: string) =>
    exceptionOf(bench.kms.send(new CreateAliasCommand({ ...alias, AliasName })));
  t.is(await bad('no-prefix'), 'ValidationException');
  t.is(await bad('alias/with space'), 'ValidationException');
  t.is(await bad('alias/aws/mine'), 'NotAuthorizedException');
  // Operations that change a key take its id or ARN.
  t.is(
    await exceptionOf(bench.kms.send(new DisableKeyCommand({ KeyId: 'alias/anything' }))),
    'NotFoundException',
  );
});

test.serial('an alias spreads with the delay that is set: first unknown, then the old target', async (t) => {
  const slow = await KmsBench.open({
    now: () => new Date(Date.now() + shifted),
    time: { aliasDelayMs: 60_000 },
  });
  t.teardown(async () => slow.close());
  t.teardown(() => {
    shifted = 0;
  });
  const [one, two] = [
    await slow.kms.send(new CreateKeyCommand({})),
    await slow.kms.send(new CreateKeyCommand({})),
  ].map(({ KeyMetadata }) => KeyMetadata?.KeyId ?? '');
  const target = async () =>
    (await slow.kms.send(new DescribeKeyCommand({ KeyId: 'alias/slow' }))).KeyMetadata?.KeyId;
  await slow.kms.send(new CreateAliasCommand({ AliasName: 'alias/slow', TargetKeyId: one }));
  t.is(await exceptionOf(target()), 'NotFoundException');
  t.deepEqual((await slow.kms.send(new ListAliasesCommand({}))).Aliases, []);
  shifted = 61_000;
  t.is(await target(), one);
  await slow.kms.send(new UpdateAliasCommand({ AliasName: 'alias/slow', TargetKeyId: two }));
  t.is(await target(), one);
  shifted = 122_000;
  t.is(await target(), two);
});

test.serial('lists come in pages that lose and repeat nothing', async (t) => {
  const kms = bench.client(bench.simulator.account());
  const made: string[] = [];
  for (let number = 0; number < 7; number++)
    made.push((await kms.send(new CreateKeyCommand({}))).KeyMetadata?.KeyId ?? '');
  const listed: string[] = [];
  let Marker: string | undefined;
  do {
    const page = await kms.send(
      new ListKeysCommand({ Limit: 3, ...(Marker === undefined ? {} : { Marker }) }),
    );
    listed.push(...(page.Keys ?? []).map(({ KeyId }) => KeyId ?? ''));
    t.is(page.Truncated, page.NextMarker !== undefined);
    Marker = page.NextMarker;
  } while (Marker !== undefined);
  const byText = (one: string, other: string) => (one < other ? -1 : 1);
  t.deepEqual(listed.toSorted(byText), made.toSorted(byText));
  t.is(await exceptionOf(kms.send(new ListKeysCommand({ Marker: 'invented' }))), 'InvalidMarkerException');
});

test.serial('description and tags change', async (t) => {
  const { KeyId } = await bench.makeKey(store);
  await bench.kms.send(new UpdateKeyDescriptionCommand({ KeyId, Description: 'second' }));
  t.is((await describe(KeyId))?.Description, 'second');
  const tag = async (...Tags: { TagKey: string; TagValue: string }[]) =>
    bench.kms.send(new TagResourceCommand({ KeyId, Tags }));
  await tag({ TagKey: 'a', TagValue: '1' }, { TagKey: 'b', TagValue: '2' });
  await tag({ TagKey: 'a', TagValue: '3' });
  await bench.kms.send(new UntagResourceCommand({ KeyId, TagKeys: ['b', 'never'] }));
  t.deepEqual((await bench.kms.send(new ListResourceTagsCommand({ KeyId }))).Tags, [
    { TagKey: 'a', TagValue: '3' },
  ]);
  t.is(await exceptionOf(tag({ TagKey: 'aws:x', TagValue: '' })), 'TagException');
  const many = Array.from({ length: 50 }, (_, index) => ({ TagKey: `t${index}`, TagValue: '' }));
  t.is(await exceptionOf(tag(...many)), 'LimitExceededException');
});

test.serial('rotation by AWS is not for keys in an external key store', async (t) => {
  const { KeyId } = await bench.makeKey(store);
  t.is(
    await exceptionOf(bench.kms.send(new GetKeyRotationStatusCommand({ KeyId }))),
    'UnsupportedOperationException',
  );
  const { KeyMetadata } = await bench.kms.send(new CreateKeyCommand({}));
  t.false(
    (await bench.kms.send(new GetKeyRotationStatusCommand({ KeyId: KeyMetadata?.KeyId }))).KeyRotationEnabled,
  );
});

async function makeUser(
  UserName: string,
  allowed: string[],
  Resource = '*',
): Promise<{ arn: string; kms: KMSClient }> {
  const { url, ca } = bench.simulator;
  const iam = new IAMClient({
    region: 'us-east-1',
    endpoint: url,
    credentials: bench.account,
    requestHandler: new NodeHttpHandler({ httpsAgent: new Agent({ ca }) }),
  });
  const { User } = await iam.send(new CreateUserCommand({ UserName }));
  if (allowed.length > 0)
    await iam.send(
      new PutUserPolicyCommand({
        UserName,
        PolicyName: 'p',
        PolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: allowed, Resource }],
        }),
      }),
    );
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  iam.destroy();
  return {
    arn: User?.Arn ?? '',
    kms: bench.client({
      accessKeyId: AccessKey?.AccessKeyId ?? '',
      secretAccessKey: AccessKey?.SecretAccessKey ?? '',
    }),
  };
}

function policy(...statements: object[]): string {
  const all = { Effect: 'Allow', Action: 'kms:*', Resource: '*' };
  const root = { ...all, Principal: { AWS: `arn:aws:iam::${bench.account.id}:root` } };
  return JSON.stringify({ Version: '2012-10-17', Statement: [root, ...statements] });
}

test.serial('key policies and IAM policies decide together', async (t) => {
  const bare = await makeUser('bare', []);
  const allowed = await makeUser('allowed', ['kms:Encrypt']);
  const named = await bench.makeKey(store, {
    Policy: policy({
      Sid: 'bare may encrypt for one department',
      Effect: 'Allow',
      Principal: { AWS: bare.arn },
      Action: 'kms:Encrypt',
      Resource: '*',
      Condition: { StringEquals: { 'kms:EncryptionContext:department': 'Sales' } },
    }),
  });
  const plain = await bench.makeKey(store);
  const use = async ({ kms }: { kms: KMSClient }, KeyId: string, department: string) =>
    kms.send(new EncryptCommand({ KeyId, Plaintext: plaintext, EncryptionContext: { department } }));
  await t.notThrowsAsync(use(bare, named.Arn, 'Sales'));
  t.is(bench.stub.requests.at(-1)?.body.requestMetadata.awsPrincipalArn, bare.arn);
  t.is(await exceptionOf(use(bare, named.Arn, 'Engineering')), 'AccessDeniedException');
  t.is(await exceptionOf(use(bare, plain.Arn, 'Sales')), 'AccessDeniedException');
  await t.notThrowsAsync(use(allowed, plain.Arn, 'Sales'));
  t.is(
    await exceptionOf(allowed.kms.send(new DescribeKeyCommand({ KeyId: plain.Arn }))),
    'AccessDeniedException',
  );
  t.is(await exceptionOf(allowed.kms.send(new CreateKeyCommand({}))), 'AccessDeniedException');
});

test.serial(
  'a key policy must be valid, name principals that exist, and not lock its author out',
  async (t) => {
    const { KeyId, Arn } = await bench.makeKey(store);
    const put = async (Policy: string, bypass = false) =>
      bench.kms.send(new PutKeyPolicyCommand({ KeyId, Policy, BypassPolicyLockoutSafetyCheck: bypass }));
    const malformed = 'MalformedPolicyDocumentException';
    t.is(await exceptionOf(put('{')), malformed);
    const ghost = {
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${bench.account.id}:user/ghost` },
      Action: 'kms:*',
      Resource: '*',
    };
    t.is(await exceptionOf(put(policy(ghost))), malformed);
    const locking = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${bench.account.id}:root` },
          Action: 'kms:Encrypt',
          Resource: '*',
        },
      ],
    });
    t.is(await exceptionOf(put(locking)), malformed);
    t.is(await create({ Policy: locking }), malformed);
    await put(policy({ ...ghost, Principal: { AWS: bench.account.id } }));
    const { Policy, PolicyName } = await bench.kms.send(new GetKeyPolicyCommand({ KeyId: Arn }));
    t.is(PolicyName, 'default');
    t.is(JSON.parse(Policy ?? '').Statement[1].Principal.AWS, `arn:aws:iam::${bench.account.id}:root`);
    t.not(Policy, policy({ ...ghost, Principal: { AWS: bench.account.id } }));
    t.deepEqual((await bench.kms.send(new ListKeyPoliciesCommand({ KeyId }))).PolicyNames, ['default']);
    await put(locking, true);
    t.is(await exceptionOf(put(policy())), 'AccessDeniedException');
  },
);

test.serial(
  'a grant lets a principal use a key within its constraints until it is revoked or retired',
  async (t) => {
    const grantee = await makeUser('grantee', []);
    const { KeyId, Arn } = await bench.makeKey(store);
    const use = async (EncryptionContext: Record<string, string>) =>
      grantee.kms.send(new EncryptCommand({ KeyId: Arn, Plaintext: plaintext, EncryptionContext }));
    t.is(await exceptionOf(use({ a: '1' })), 'AccessDeniedException');
    const grant = async () =>
      bench.kms.send(
        new CreateGrantCommand({
          KeyId,
          GranteePrincipal: grantee.arn,
          RetiringPrincipal: grantee.arn,
          Operations: ['Encrypt'],
          Constraints: { EncryptionContextSubset: { a: '1' } },
        }),
      );
    const { GrantId } = await grant();
    const { CiphertextBlob } = await use({ a: '1', b: '2' });
    t.is(await exceptionOf(use({ a: '2' })), 'AccessDeniedException');
    t.is(
      await exceptionOf(
        grantee.kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: { a: '1', b: '2' } })),
      ),
      'AccessDeniedException',
    );
    const { Grants } = await bench.kms.send(new ListGrantsCommand({ KeyId }));
    t.deepEqual(
      Grants?.map((entry) => entry.GrantId),
      [GrantId],
    );
    await bench.kms.send(new RevokeGrantCommand({ KeyId, GrantId }));
    t.is(await exceptionOf(use({ a: '1' })), 'AccessDeniedException');
    const { GrantToken } = await grant();
    await use({ a: '1' });
    await grantee.kms.send(new RetireGrantCommand({ GrantToken }));
    t.is(await exceptionOf(use({ a: '1' })), 'AccessDeniedException');
  },
);

test.serial(
  'keys, aliases and key stores are there again from the state file; what was connecting has failed',
  async (t) => {
    const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-state-'));
    t.teardown(async () => rm(directory, { recursive: true, force: true }));
    const options = {
      stateFile: path.join(directory, 'state.json'),
      resolve: { [xksHost]: bench.stub.address },
      xksCa: readFileSync(bench.ca.certificate, 'utf8'),
      time: { connectMs: 3_600_000 },
    };
    const first = await KmsBench.open(options);
    const [connected, connecting] = [await first.makeConnectedStore(), await first.makeStore()];
    const { KeyId, Arn } = await first.makeKey(connected, { XksKeyId: 'kept' });
    await first.kms.send(new CreateAliasCommand({ AliasName: 'alias/kept', TargetKeyId: KeyId }));
    const { CiphertextBlob } = await first.kms.send(new EncryptCommand({ KeyId, Plaintext: plaintext }));
    await first.kms.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId: connecting }));
    const { account } = first;
    await first.close();
    const second = await KmsBench.open(options);
    t.teardown(async () => second.close());
    const kms = second.client(account);
    t.is((await describe('alias/kept', kms))?.Arn, Arn);
    const { Plaintext } = await kms.send(new DecryptCommand({ CiphertextBlob }));
    t.deepEqual(Buffer.from(Plaintext ?? ''), plaintext);
    t.is(second.simulator.kms.state(connecting), 'FAILED');
  },
);
