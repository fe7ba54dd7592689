import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { buildClient, CommitmentPolicy, KMS, KmsKeyringNode } from '@aws-crypto/client-node';
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import {
  ConnectCustomKeyStoreCommand,
  CreateAliasCommand,
  CreateCustomKeyStoreCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeCustomKeyStoresCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  ReEncryptCommand,
  UpdateCustomKeyStoreCommand,
  type CreateCustomKeyStoreRequest,
  type KMSClient,
  type UpdateCustomKeyStoreRequest,
} from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import test from 'ava';
import { made, newPassword } from '../admin/two-vaults.ts';
import { failure } from '../simulator/sdk-clients.ts';
import { AdminClient } from '../support/admin-client.ts';
import { Story, type Principal } from './stage.ts';
import { endpoint, type StoryVault } from './story-vault.ts';

/*
 * The operator's guide, sections 2.4 to 2.9, from the first vault to an object that cannot be opened any more: through
 * the management API and with AWS's own clients. One test goes on where the one before it ended.
 */

const region = 'eu-central-1';
const picture = randomBytes(100_000);

/** How long S3 keeps a bucket key here, and how far the clock jumps to be past it: signatures stay good within five minutes. */
const bucketKeyMs = 200_000;
const beyondBucketKey = 240_000;

let story: Story;
let vault: StoryVault;
/** How far AWS's clock stands ahead, milliseconds. */
let ahead = 0;
let root: Principal;
/** May use S3, and KMS only by key policy. */
let app: Principal;
let cspAccount: string;
let keySet: string;
let cloudKey: { id: string; externalKeyId: string };
let keyArn: string;
let kms: KMSClient;

test.before(async () => {
  story = await Story.open({
    simulator: { now: () => new Date(Date.now() + ahead), time: { bucketKeyMs } },
  });
  const account = story.simulator.account('111122223333');
  root = { ...account, arn: `arn:aws:iam::${account.id}:root` };
});
test.after.always(async () => story?.dispose());

test.serial(
  'a vault is made, and its administrator signs in with the password that came with it',
  async (t) => {
    const { admin } = story.node;
    const nobody = new AdminClient(admin);
    const boss = await nobody.firstSignIn(admin, newPassword());
    const { id, firstPassword: password } = await made(boss, '/vaults', {
      name: 'guide',
      administrator: { username: 'ada', name: 'Ada Lovelace', email: 'ada@example.com' },
    });
    const ada = await nobody.firstSignIn({ username: 'ada', password, vaultId: id }, newPassword());
    vault = await story.vaultOf(ada, id);
    t.truthy(vault.group);
    t.is((await boss.get(`/vaults/${id}/csp-accounts`)).status, 403);
  },
);

test.serial(
  'a CSP account signs in as an IAM user that has no more than the policy that Holdfast prints',
  async (t) => {
    const { id } = await vault.make('/csp-accounts', {
      ...{ name: 'aws-guide', adminGroupId: vault.group, defaultRegion: region },
      awsAccountId: '111122223333',
    });
    const iam = story.iam(root);
    await iam.send(new CreateUserCommand({ UserName: 'holdfast' }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'holdfast' }));
    const access = {
      type: 'access-key',
      accessKeyId: AccessKey?.AccessKeyId,
      secretAccessKey: AccessKey?.SecretAccessKey,
    };
    const before = await vault.act('PATCH', `/csp-accounts/${id}`, access);
    t.false(before.check.ok);
    // Without leave to ask IAM only what reads is tried.
    t.is(before.check.method, 'tried');
    t.true(before.check.missing.includes('kms:DescribeCustomKeyStores'));
    t.true(before.check.notTried.includes('kms:CreateCustomKeyStore'));
    const { policy } = await vault.get(`/csp-accounts/${id}/policy`);
    await iam.send(
      new PutUserPolicyCommand({
        UserName: 'holdfast',
        PolicyName: 'Holdfast',
        PolicyDocument: JSON.stringify(policy),
      }),
    );
    const { check, awsAccountId } = await vault.do(`/csp-accounts/${id}`, 'check');
    t.like(check, { ok: true, missing: [], method: 'simulated', problem: null });
    t.is(check.arn, 'arn:aws:iam::111122223333:user/holdfast');
    t.is(awsAccountId, '111122223333');
    cspAccount = id;
  },
);

test.serial('a key set becomes an external key store that Holdfast makes and connects', async (t) => {
  keySet = (await vault.keySet('pictures', cspAccount)).id;
  const store = await vault.keyStore(keySet, region);
  t.like(store, {
    state: 'CONNECTED',
    origin: 'HOLDFAST',
    connectionError: null,
    problem: null,
    wanted: null,
  });
  const { CustomKeyStores } = await story
    .kms(root)
    .send(new DescribeCustomKeyStoresCommand({ CustomKeyStoreId: store.customKeyStoreId }));
  t.like(CustomKeyStores?.[0], { CustomKeyStoreName: 'pictures', ConnectionState: 'CONNECTED' });
  t.deepEqual(CustomKeyStores?.[0]?.XksProxyConfiguration, {
    Connectivity: 'PUBLIC_ENDPOINT',
    AccessKeyId: store.accessKeyId,
    UriEndpoint: endpoint,
    UriPath: '/pictures-prefix/kms/xks/v1',
  });
});

test.serial('a CloudKey is made, and its KMS key and alias appear by themselves', async (t) => {
  app = await story.user(root, 'app', { '*': ['s3:*'] });
  const { id, externalKeyId, kmsKeys } = await vault.cloudKey(keySet, 'picture-key', { users: [app.arn] });
  cloudKey = { id, externalKeyId };
  keyArn = kmsKeys[0].keyArn;
  kms = story.kms(app);
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: keyArn }));
  t.like(KeyMetadata, { Arn: keyArn, Origin: 'EXTERNAL_KEY_STORE', KeyState: 'Enabled' });
  t.is(KeyMetadata?.XksKeyConfiguration?.Id, externalKeyId);
  const byAlias = await story.kms(root).send(new DescribeKeyCommand({ KeyId: 'alias/picture-key' }));
  t.is(byAlias.KeyMetadata?.Arn, keyArn);
  t.is(kmsKeys[0].cloudStatus, 'AVAILABLE');
  t.is((await vault.get(`/cloud-keys/${id}/kms-keys/${kmsKeys[0].id}`)).drift.length, 0);
});

const invalidState = { name: 'KMS.KMSInvalidStateException', status: 400 };

for (const BucketKeyEnabled of [false, true])
  test.serial(
    `S3 encrypts with it ${BucketKeyEnabled ? 'through a bucket key' : 'each object'}; disabled, nothing opens; enabled, it does`,
    async (t) => {
      const Bucket = BucketKeyEnabled ? 'with-bucket-key' : 'without-bucket-key';
      const s3 = story.s3(app);
      await makeBucket(s3, Bucket, 'alias/picture-key', BucketKeyEnabled);
      story.simulator.trail.clear();
      story.simulator.kms.forgetXksCalls();
      for (const Key of ['one.png', 'two.png', 'three.png']) {
        const put = await s3.send(new PutObjectCommand({ Bucket, Key, Body: picture }));
        t.like(put, { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyArn });
        t.is(put.BucketKeyEnabled ?? false, BucketKeyEnabled);
        t.true((await open(s3, Bucket, Key)).equals(picture));
      }
      // With a bucket key KMS, and so the token, is asked once to make it and once to open it.
      const times = BucketKeyEnabled ? 1 : 3;
      for (const [action, operation] of [
        ['GenerateDataKey', 'encrypt'],
        ['Decrypt', 'decrypt'],
      ] as const) {
        t.true(story.simulator.trail.events(action).length <= times, action);
        t.is(story.simulator.kms.xksCalls({ operation }).length, story.simulator.trail.events(action).length);
      }
      t.is(story.simulator.trail.events('GenerateDataKey').length, times);

      const disabled = await vault.do(`/cloud-keys/${cloudKey.id}`, 'disable');
      t.is(disabled.state, 'DISABLED');
      if (BucketKeyEnabled) {
        // The developer guide's warning: what S3 has in memory outlives the disabling.
        t.true((await open(s3, Bucket, 'one.png')).equals(picture));
        ahead = beyondBucketKey;
      }
      const refused = await failure(open(s3, Bucket, 'one.png'));
      t.like(refused, invalidState);
      t.regex(refused.message, /not enabled in the external key manager/);
      t.like(await failure(s3.send(new PutObjectCommand({ Bucket, Key: 'four', Body: 'x' }))), invalidState);
      // What needs no key is there: the object is not gone.
      const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'one.png' }));
      t.is(head.ContentLength, picture.length);
      const own = story.kms(app);
      t.is(
        (await failure(own.send(new EncryptCommand({ KeyId: keyArn, Plaintext: picture.subarray(0, 9) }))))
          .name,
        'KMSInvalidStateException',
      );

      await vault.do(`/cloud-keys/${cloudKey.id}`, 'enable');
      t.true((await open(s3, Bucket, 'one.png')).equals(picture));
      ahead = 0;
    },
  );

test.serial(
  'AWS’s Encryption SDK encrypts a file with it and decrypts it; disabled, the file stays shut',
  async (t) => {
    const { encryptStream, decryptStream } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
    const keyring = new KmsKeyringNode({
      generatorKeyId: keyArn,
      // Its types do not know exactOptionalPropertyTypes.
      clientProvider: (where) => new KMS(story.settings(app, where)) as never,
    });
    const [plain, encrypted, decrypted] = ['plain', 'encrypted', 'decrypted'].map((name) =>
      path.join(story.node.directory, name),
    ) as [string, string, string];
    await writeFile(plain, picture);
    const context = { department: 'payments' };
    await pipeline(
      createReadStream(plain),
      encryptStream(keyring, { encryptionContext: context }),
      createWriteStream(encrypted),
    );
    t.false((await readFile(encrypted)).includes(picture.subarray(5_000, 5_032)));
    const decrypt = async () => {
      const through = decryptStream(keyring);
      const header = new Promise<{ encryptionContext: Record<string, string> }>((resolve) => {
        through.once('MessageHeader', resolve);
      });
      await pipeline(createReadStream(encrypted), through, createWriteStream(decrypted));
      return header;
    };
    t.like((await decrypt()).encryptionContext, context);
    t.true((await readFile(decrypted)).equals(picture));
    await vault.do(`/cloud-keys/${cloudKey.id}`, 'disable');
    await t.throwsAsync(decrypt(), { message: /not enabled in the external key manager/ });
    await vault.do(`/cloud-keys/${cloudKey.id}`, 'enable');
    await t.notThrowsAsync(decrypt());
  },
);

test.serial(
  'a data key that nobody has seen in clear is opened later, with its context and no other',
  async (t) => {
    const EncryptionContext = { department: 'payments' };
    const made = await kms.send(
      new GenerateDataKeyWithoutPlaintextCommand({ KeyId: keyArn, KeySpec: 'AES_256', EncryptionContext }),
    );
    t.false('Plaintext' in made && made.Plaintext !== undefined);
    const { CiphertextBlob } = made;
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }));
    t.is(opened.Plaintext?.length, 32);
    t.is(opened.KeyId, keyArn);
    const seen = await kms.send(
      new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256', EncryptionContext }),
    );
    const again = await kms.send(
      new DecryptCommand({ CiphertextBlob: seen.CiphertextBlob, EncryptionContext }),
    );
    t.deepEqual(again.Plaintext, seen.Plaintext);
    for (const wrong of [{ department: 'sales' }, {}]) {
      const refused = await failure(
        kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: wrong })),
      );
      // The proxy says InvalidCiphertextException, and KMS has one exception for it (XKS spec, Error codes).
      t.is(refused.name, 'KMSInvalidStateException');
      t.is(story.simulator.kms.lastFailure()?.errorName, 'InvalidCiphertextException');
    }
  },
);

test.serial('after the CloudKey is rotated in Holdfast, what was encrypted before it opens', async (t) => {
  const Plaintext = Buffer.from('of the first version');
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: keyArn, Plaintext }));
  const rotated = await vault.do(`/cloud-keys/${cloudKey.id}`, 'rotate');
  t.is(rotated.currentVersion, 2);
  const next = await kms.send(new EncryptCommand({ KeyId: keyArn, Plaintext }));
  for (const blob of [CiphertextBlob, next.CiphertextBlob]) {
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob: blob }));
    t.deepEqual(Buffer.from(opened.Plaintext ?? []), Plaintext);
  }
  t.true((await open(story.s3(app), 'without-bucket-key', 'two.png')).equals(picture));
});

test.serial('ReEncrypt moves a ciphertext to the CloudKey of another key store', async (t) => {
  const archive = (await vault.keySet('archive', cspAccount)).id;
  t.is((await vault.keyStore(archive, region)).state, 'CONNECTED');
  const other = await vault.cloudKey(archive, 'archive-key', { users: [app.arn] });
  const [{ keyArn: otherArn }] = other.kmsKeys;
  const Plaintext = Buffer.from('moves vaultContext');
  const { CiphertextBlob } = await kms.send(
    new EncryptCommand({ KeyId: keyArn, Plaintext, EncryptionContext: { shelf: '1' } }),
  );
  story.simulator.kms.forgetXksCalls();
  const moved = await kms.send(
    new ReEncryptCommand({
      ...{ CiphertextBlob, SourceEncryptionContext: { shelf: '1' } },
      ...{ DestinationKeyId: otherArn, DestinationEncryptionContext: { shelf: '2' } },
    }),
  );
  t.is(moved.SourceKeyId, keyArn);
  t.is(moved.KeyId, otherArn);
  t.deepEqual(
    story.simulator.kms.xksCalls().map(({ operation, uriPath }) => `${operation} ${uriPath}`),
    ['decrypt /pictures-prefix/kms/xks/v1', 'encrypt /archive-prefix/kms/xks/v1'],
  );
  // It hangs on the other CloudKey alone now.
  await vault.do(`/cloud-keys/${cloudKey.id}`, 'disable');
  const decrypt = new DecryptCommand({
    CiphertextBlob: moved.CiphertextBlob,
    EncryptionContext: { shelf: '2' },
  });
  t.deepEqual(Buffer.from((await kms.send(decrypt)).Plaintext ?? []), Plaintext);
  await vault.do(`/cloud-keys/${cloudKey.id}`, 'enable');
  await vault.do(`/cloud-keys/${other.id}`, 'disable');
  t.is((await failure(kms.send(decrypt))).name, 'KMSInvalidStateException');
});

test.serial(
  'one CloudKey has a KMS key in each of two Regions, and is disabled for both at once',
  async (t) => {
    const second = 'eu-west-1';
    const store = await vault.keyStore(keySet, second);
    t.is(store.state, 'CONNECTED');
    await vault.make(`/cloud-keys/${cloudKey.id}/kms-keys`, { region: second });
    const { kmsKeys } = await vault.withKmsKeys(`/cloud-keys/${cloudKey.id}`, 2);
    const arns = new Map<string, string>(
      (kmsKeys as { region: string; keyArn: string }[]).map((key) => [key.region, key.keyArn]),
    );
    t.is(arns.get(region), keyArn);
    t.regex(arns.get(second) ?? '', /^arn:aws:kms:eu-west-1:111122223333:key\//);
    const Plaintext = Buffer.from('here and there');
    const use = async (where: string) => {
      const client = story.kms(app, where);
      const KeyId = 'alias/picture-key';
      const { CiphertextBlob } = await client.send(new EncryptCommand({ KeyId: arns.get(where), Plaintext }));
      const opened = await client.send(new DecryptCommand({ CiphertextBlob }));
      t.is(opened.KeyId, arns.get(where));
      t.deepEqual(Buffer.from(opened.Plaintext ?? []), Plaintext);
      t.is(
        (await story.kms(root, where).send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.Arn,
        arns.get(where),
      );
    };
    await use(region);
    await use(second);
    await vault.do(`/cloud-keys/${cloudKey.id}`, 'disable');
    for (const where of [region, second])
      t.is((await failure(use(where))).name, 'KMSInvalidStateException', where);
    await vault.do(`/cloud-keys/${cloudKey.id}`, 'enable');
    await use(second);
  },
);

test.serial(
  'disabled on both sides, AWS says so itself; the answer tells the outcome in each Region',
  async (t) => {
    const disabled = await vault.do(`/cloud-keys/${cloudKey.id}`, 'disable', { cloud: 'both' });
    t.deepEqual(
      (disabled.aws as { outcome: string }[]).map(({ outcome }) => outcome),
      ['done', 'done'],
    );
    const refused = await failure(open(story.s3(app), 'without-bucket-key', 'one.png'));
    t.like(refused, { name: 'KMS.DisabledException', status: 400 });
    const enabled = await vault.do(`/cloud-keys/${cloudKey.id}`, 'enable', { cloud: 'both' });
    t.deepEqual(
      (enabled.aws as { outcome: string }[]).map(({ outcome }) => outcome),
      ['done', 'done'],
    );
    t.true((await open(story.s3(app), 'without-bucket-key', 'one.png')).equals(picture));
  },
);

test.serial(
  'two AWS accounts: a principal of the other is let in by the key policy, and not otherwise',
  async (t) => {
    const account = story.simulator.account('444455556666');
    const arnsOfThisAccount = 'arn:aws:kms:*:111122223333:key/*';
    const bob = await story.user(account, 'bob', { [arnsOfThisAccount]: ['kms:Encrypt', 'kms:Decrypt'] });
    // Their key set is at the same proxy, under another path and credential.
    const theirs = (await vault.keySet('theirs', (await vault.cspAccount('aws-theirs', account)).id)).id;
    t.is((await vault.keyStore(theirs, region)).state, 'CONNECTED');
    const their = await vault.cloudKey(theirs, 'picture-key', { users: [bob.arn] });
    const [{ keyArn: theirArn }] = their.kmsKeys;
    t.regex(theirArn, /:444455556666:key\//);
    const encrypt = async (who: Principal, KeyId: string) =>
      story.kms(who).send(new EncryptCommand({ KeyId, Plaintext: picture.subarray(0, 32) }));
    await t.notThrowsAsync(encrypt(bob, theirArn));
    for (const [who, arn] of [
      [bob, keyArn],
      [app, theirArn],
      [root, theirArn],
    ] as const)
      t.is((await failure(encrypt(who, arn))).name, 'AccessDeniedException');

    const [ours] = (await vault.get(`/cloud-keys/${cloudKey.id}`)).kmsKeys as {
      id: string;
      region: string;
    }[];
    t.truthy(ours);
    const told = await vault.act('PATCH', `/cloud-keys/${cloudKey.id}`, {
      users: [app.arn, bob.arn],
      applyToKms: true,
    });
    t.deepEqual(
      (told.aws as { outcome: string }[]).map(({ outcome }) => outcome),
      ['done', 'done'],
    );
    story.simulator.kms.forgetXksCalls();
    const { CiphertextBlob } = await encrypt(bob, keyArn);
    t.is(story.simulator.kms.xksCalls()[0]?.metadata.awsPrincipalArn, bob.arn);
    t.deepEqual(
      Buffer.from((await kms.send(new DecryptCommand({ CiphertextBlob }))).Plaintext ?? []),
      picture.subarray(0, 32),
    );
    await vault.act('PATCH', `/cloud-keys/${cloudKey.id}`, { users: [app.arn], applyToKms: true });
    t.is((await failure(encrypt(bob, keyArn))).name, 'AccessDeniedException');
  },
);

test.serial(
  'by hand: with no credential of AWS, everything that a person does is what `console` says',
  async (t) => {
    const account = story.simulator.account('777788889999');
    const person = story.kms(account);
    const byHand = await vault.make('/csp-accounts', {
      ...{ name: 'aws-by-hand', adminGroupId: vault.group, type: 'manual' },
      ...{ awsAccountId: account.id, defaultRegion: region },
    });
    const set = (await vault.keySet('by-hand', byHand.id)).id;
    const store = await vault.make(`/key-sets/${set}/external-key-stores`, { region, uriEndpoint: endpoint });
    t.like(store, { origin: 'MANUAL', customKeyStoreId: null });
    const storePath = `/key-sets/${set}/external-key-stores/${store.id}`;

    // 2.6 and 2.7: the key store.
    const sheet = await vault.do(storePath, 'console', {});
    t.is(sheet.consoleFile.XksProxyUriPath, '/by-hand-prefix/kms/xks/v1');
    const { CustomKeyStoreId = '' } = await person.send(
      new CreateCustomKeyStoreCommand(sheet.request as CreateCustomKeyStoreRequest),
    );
    await person.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId }));
    t.is(await story.simulator.kms.settled(CustomKeyStoreId), 'CONNECTED');
    await vault.act('PATCH', storePath, { customKeyStoreId: CustomKeyStoreId, state: 'CONNECTED' });

    // 2.8: CloudKey, KMS key and alias.
    const carol = await story.user(account, 'carol');
    const key = await vault.make('/cloud-keys', { keySetId: set, name: 'by-hand-key', users: [carol.arn] });
    t.deepEqual(key.kmsKeys, []);
    const kmsKeyRecord = await vault.make(`/cloud-keys/${key.id}/kms-keys`, {});
    const pointerPath = `/cloud-keys/${key.id}/kms-keys/${kmsKeyRecord.id}`;
    const form = await vault.get(`${pointerPath}/console`);
    t.is(form.customKeyStoreId, CustomKeyStoreId);
    const { KeyMetadata } = await person.send(
      new CreateKeyCommand({
        Origin: 'EXTERNAL_KEY_STORE',
        CustomKeyStoreId: form.customKeyStoreId as string,
        XksKeyId: form.externalKeyId as string,
        Description: form.description as string,
        Policy: JSON.stringify(form.policy),
        Tags: Object.entries(form.tags as Record<string, string>).map(([TagKey, TagValue]) => ({
          TagKey,
          TagValue,
        })),
      }),
    );
    await person.send(
      new CreateAliasCommand({ AliasName: form.alias as string, TargetKeyId: KeyMetadata?.KeyId }),
    );
    const linked = await vault.act('PATCH', pointerPath, { keyArn: KeyMetadata?.Arn });
    t.like(linked, { keyArn: KeyMetadata?.Arn, step: 'DONE', origin: 'MANUAL', problem: null });

    // 2.9, as one whom the printed key policy lets in.
    const s3 = story.s3(account);
    const Bucket = 'by-hand';
    await makeBucket(s3, Bucket, 'alias/by-hand-key', false);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'by hand' }));
    t.is((await open(s3, Bucket, 'a')).toString(), 'by hand');
    const { CiphertextBlob } = await story
      .kms(carol)
      .send(new EncryptCommand({ KeyId: KeyMetadata?.Arn, Plaintext: Buffer.from('carol') }));
    await vault.do(`/cloud-keys/${key.id}`, 'disable');
    t.like(await failure(open(s3, Bucket, 'a')), invalidState);
    await vault.do(`/cloud-keys/${key.id}`, 'enable');
    t.is((await open(s3, Bucket, 'a')).toString(), 'by hand');

    // The XKS credential is rotated by hand, too.
    const next = await vault.do(storePath, 'rotate-credential', {});
    await person.send(new UpdateCustomKeyStoreCommand(next.request as UpdateCustomKeyStoreRequest));
    const { externalKeyStore } = await vault.do(storePath, 'rotate-credential', { done: true });
    t.like(externalKeyStore, { accessKeyId: next.accessKeyId, pendingAccessKeyId: null });
    t.not(next.accessKeyId, sheet.accessKeyId);
    const opened = await story.kms(carol).send(new DecryptCommand({ CiphertextBlob }));
    t.is(Buffer.from(opened.Plaintext ?? []).toString(), 'carol');
    t.is(
      story.simulator.trail
        .events()
        .filter(
          ({ userAgent, recipientAccountId }) =>
            recipientAccountId === account.id && /holdfast/i.test(userAgent),
        ).length,
      0,
    );
  },
);

async function makeBucket(
  s3: S3Client,
  Bucket: string,
  KMSMasterKeyID: string,
  BucketKeyEnabled: boolean,
): Promise<void> {
  await s3.send(
    new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
  );
  await s3.send(
    new PutBucketEncryptionCommand({
      Bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [
          {
            ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID },
            BucketKeyEnabled,
          },
        ],
      },
    }),
  );
}

async function open(s3: S3Client, Bucket: string, Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}
