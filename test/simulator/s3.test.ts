import { createHash, randomBytes } from 'node:crypto';
import { Agent } from 'node:https';
import { Readable } from 'node:stream';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import {
  CreateKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  KMSClient,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketEncryptionCommand,
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  GetBucketEncryptionCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  paginateListObjectsV2,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import test from 'ava';
import { Simulator } from '../../simulator/simulator.ts';
import { clientSettings, failure, send, sign, type TestCredentials } from './sdk-clients.ts';

const region = 'eu-west-1';
const simulator = await Simulator.start();
const account = simulator.account('111122223333');
const s3 = new S3Client(clientSettings(simulator, account));
const kms = new KMSClient(clientSettings(simulator, account));
test.after.always(async () => {
  await simulator.close();
});

let count = 0;
async function bucketWith(encryption?: { keyId?: string; bucketKey?: boolean }): Promise<string> {
  const Bucket = `bucket-${++count}`;
  await s3.send(
    new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
  );
  if (encryption !== undefined)
    await s3.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: {
          Rules: [
            {
              ApplyServerSideEncryptionByDefault: {
                SSEAlgorithm: 'aws:kms',
                KMSMasterKeyID: encryption.keyId,
              },
              ...(encryption.bucketKey === undefined ? {} : { BucketKeyEnabled: encryption.bucketKey }),
            },
          ],
        },
      }),
    );
  return Bucket;
}

async function key(): Promise<{ id: string; arn: string }> {
  const { KeyMetadata: made } = await kms.send(new CreateKeyCommand());
  return { id: made?.KeyId ?? '', arn: made?.Arn ?? '' };
}

const put = async (
  Bucket: string,
  Key: string,
  Body: PutObjectCommandInput['Body'] = 'text',
  more: object = {},
) => s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const get = async (Bucket: string, Key: string, client = s3, more: object = {}) =>
  (await client.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body?.transformToString() ?? '';

async function user(UserName: string, ...Statement: object[]): Promise<TestCredentials> {
  const iam = new IAMClient(clientSettings(simulator, account));
  await iam.send(new CreateUserCommand({ UserName }));
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'p', PolicyDocument }));
  const { AccessKey: made } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return { accessKeyId: made?.AccessKeyId ?? '', secretAccessKey: made?.SecretAccessKey ?? '' };
}

test('a bucket is made in its Region, listed, headed and deleted when it is empty', async (t) => {
  const Bucket = await bucketWith();
  t.is((await s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint, region);
  t.is((await s3.send(new HeadBucketCommand({ Bucket }))).BucketRegion, region);
  const { Buckets: listed } = await s3.send(new ListBucketsCommand());
  t.true(listed?.some(({ Name, CreationDate }) => Name === Bucket && CreationDate instanceof Date));
  await put(Bucket, 'a');
  t.like(await failure(s3.send(new DeleteBucketCommand({ Bucket }))), {
    name: 'BucketNotEmpty',
    status: 409,
  });
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
  await s3.send(new DeleteBucketCommand({ Bucket }));
  t.like(await failure(s3.send(new HeadBucketCommand({ Bucket }))), { name: 'NotFound', status: 404 });
  t.is((await failure(put(Bucket, 'a'))).name, 'NoSuchBucket');
});

test('names and places of buckets are what AWS takes', async (t) => {
  const Bucket = await bucketWith();
  const make = async (client: S3Client, name: string, LocationConstraint?: string) =>
    (
      await failure(
        client.send(
          new CreateBucketCommand({
            Bucket: name,
            ...(LocationConstraint === undefined
              ? {}
              : { CreateBucketConfiguration: { LocationConstraint: LocationConstraint as typeof region } }),
          }),
        ),
      )
    ).name;
  const other = new S3Client(clientSettings(simulator, simulator.account('444455556666')));
  const usEast1 = new S3Client(clientSettings(simulator, account, 'us-east-1'));
  t.is(await make(s3, Bucket, region), 'BucketAlreadyOwnedByYou');
  t.is(await make(other, Bucket, region), 'BucketAlreadyExists');
  // The SDK puts the Region in by itself, so this one is made by hand.
  const bare = await sign(simulator, account, 's3', { method: 'PUT', path: '/x-without-place' });
  t.regex((await send(simulator, bare)).body, /<Code>IllegalLocationConstraintException</);
  t.is(await make(s3, 'x-elsewhere', 'eu-north-1'), 'InvalidLocationConstraint');
  t.is(await make(usEast1, 'x-first'), 'none');
  t.is(await make(usEast1, 'x-first'), 'none');
  for (const name of ['Capital', '192.168.0.1', 'a..b', 'xn--a', 'a_b'])
    t.is(await make(s3, name, region), 'InvalidBucketName', name);
  t.like(await failure(usEast1.send(new GetObjectCommand({ Bucket, Key: 'a' }))), {
    ...{ name: 'PermanentRedirect', status: 301 },
  });
});

test('another account has nothing to do with a bucket', async (t) => {
  const Bucket = await bucketWith();
  await put(Bucket, 'a');
  const other = new S3Client(clientSettings(simulator, simulator.account('444455556666')));
  t.like(await failure(get(Bucket, 'a', other)), { name: 'AccessDenied', status: 403 });
  t.like(await failure(other.send(new ListObjectsV2Command({ Bucket }))), { name: 'AccessDenied' });
});

test('an object comes back as it was put: bytes, headers, metadata, MD5', async (t) => {
  const Bucket = await bucketWith();
  const body = randomBytes(300_000);
  const Key = 'a folder/ünï+cödé & <all>?#%.bin';
  const { ETag } = await put(Bucket, Key, body, {
    ...{ ContentType: 'image/png', CacheControl: 'no-store', Metadata: { colour: 'blue' } },
  });
  t.is(ETag, `"${createHash('md5').update(body).digest('hex')}"`);
  const answer = await s3.send(new GetObjectCommand({ Bucket, Key }));
  t.deepEqual(Buffer.from((await answer.Body?.transformToByteArray()) ?? []), body);
  t.like(answer, {
    ...{ ContentType: 'image/png', CacheControl: 'no-store', ETag, ContentLength: body.length },
    ...{ Metadata: { colour: 'blue' }, ServerSideEncryption: 'AES256' },
  });
  t.true(answer.LastModified instanceof Date);
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
  t.like(head, { ContentLength: body.length, ContentType: 'image/png', ETag });
  await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  t.like(await failure(get(Bucket, Key)), { name: 'NoSuchKey', status: 404 });
  t.like(await failure(s3.send(new HeadObjectCommand({ Bucket, Key }))), { name: 'NotFound', status: 404 });
});

test('a stream with a trailing checksum, as the SDK sends it, is taken apart', async (t) => {
  const Bucket = await bucketWith();
  const body = randomBytes(200_000);
  const parts = [body.subarray(0, 70_000), body.subarray(70_000)];
  await put(Bucket, 'stream', Readable.from(parts), { ContentLength: body.length });
  const answer = await s3.send(new GetObjectCommand({ Bucket, Key: 'stream' }));
  t.deepEqual(Buffer.from((await answer.Body?.transformToByteArray()) ?? []), body);
  t.is(answer.ContentEncoding, undefined);
});

for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)
  test(`a ${ChecksumAlgorithm} that fits is kept and given back, one that does not is a BadDigest`, async (t) => {
    const Bucket = await bucketWith();
    // Published check values of "123456789": CRC RevEng's catalogue; SHA by node:crypto.
    const values = {
      CRC32: 'y/Q5Jg==',
      CRC32C: '4waSgw==',
      CRC64NVME: 'rosUhgp5mIg=',
      SHA1: createHash('sha1').update('123456789').digest('base64'),
      SHA256: createHash('sha256').update('123456789').digest('base64'),
    };
    const field = `Checksum${ChecksumAlgorithm}`;
    const value = values[ChecksumAlgorithm];
    t.like(await put(Bucket, 'c', '123456789', { [field]: value }), { [field]: value });
    const answer = await s3.send(new GetObjectCommand({ Bucket, Key: 'c', ChecksumMode: 'ENABLED' }));
    t.like(answer, { [field]: value });
    t.like(await failure(put(Bucket, 'd', '12345678', { [field]: value })), {
      name: 'BadDigest',
      status: 400,
    });
    t.is((await failure(get(Bucket, 'd'))).name, 'NoSuchKey');
  });

test('a Content-MD5 that does not fit is refused', async (t) => {
  const Bucket = await bucketWith();
  const ContentMD5 = createHash('md5').update('other').digest('base64');
  t.is((await failure(put(Bucket, 'a', 'text', { ContentMD5 }))).name, 'BadDigest');
  t.is((await failure(put(Bucket, 'a', 'text', { ContentMD5: 'AAAA' }))).name, 'InvalidDigest');
});

test('ranges, conditions and overrides of a GET', async (t) => {
  const Bucket = await bucketWith();
  const { ETag } = await put(Bucket, 'a', '0123456789');
  const part = await s3.send(new GetObjectCommand({ Bucket, Key: 'a', Range: 'bytes=2-4' }));
  t.is(part.$metadata.httpStatusCode, 206);
  t.is(part.ContentRange, 'bytes 2-4/10');
  t.is(await part.Body?.transformToString(), '234');
  t.is(await get(Bucket, 'a', s3, { Range: 'bytes=-3' }), '789');
  t.is(await get(Bucket, 'a', s3, { Range: 'bytes=8-99' }), '89');
  t.like(await failure(get(Bucket, 'a', s3, { Range: 'bytes=10-' })), { name: 'InvalidRange', status: 416 });
  t.is((await failure(get(Bucket, 'a', s3, { IfMatch: '"other"' }))).name, 'PreconditionFailed');
  t.is((await failure(get(Bucket, 'a', s3, { IfNoneMatch: ETag }))).status, 304);
  const other = await s3.send(new GetObjectCommand({ Bucket, Key: 'a', ResponseContentType: 'text/csv' }));
  t.is(other.ContentType, 'text/csv');
  t.is((await failure(put(Bucket, 'a', 'x', { IfNoneMatch: '*' }))).name, 'PreconditionFailed');
});

test('lists come in the order of bytes, in pages, with common prefixes', async (t) => {
  const Bucket = await bucketWith();
  const keys = ['a/1', 'a/2', 'b', 'c/x/1', 'd', 'e&f', 'ü'];
  for (const one of keys.toReversed()) await put(Bucket, one);
  const seen: string[] = [];
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 2 }, { Bucket }))
    seen.push(...(page.Contents ?? []).map((object) => object.Key ?? ''));
  t.deepEqual(seen, keys);
  const folders: string[] = [];
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 2 }, { Bucket, Delimiter: '/' }))
    folders.push(
      ...(page.CommonPrefixes ?? []).map((one) => one.Prefix ?? ''),
      ...(page.Contents ?? []).map((object) => object.Key ?? ''),
    );
  t.deepEqual(new Set(folders), new Set(['a/', 'b', 'c/', 'd', 'e&f', 'ü']));
  t.is(folders.length, 6);
  const some = await s3.send(
    new ListObjectsV2Command({ Bucket, Prefix: 'a/', StartAfter: 'a/1', EncodingType: 'url' }),
  );
  t.deepEqual(
    some.Contents?.map((object) => object.Key),
    ['a/2'],
  );
  t.like(some.Contents?.[0], { Size: 4, StorageClass: 'STANDARD' });
});

test("a bucket's default encryption is SSE-S3, and can be SSE-KMS and SSE-S3 again", async (t) => {
  const Bucket = await bucketWith();
  const rule = async () =>
    (await s3.send(new GetBucketEncryptionCommand({ Bucket }))).ServerSideEncryptionConfiguration?.Rules?.[0];
  t.like(await rule(), { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } });
  const kmsBucket = await bucketWith({ keyId: 'alias/some', bucketKey: true });
  const answer = await s3.send(new GetBucketEncryptionCommand({ Bucket: kmsBucket }));
  t.like(answer.ServerSideEncryptionConfiguration?.Rules?.[0], {
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'alias/some' },
    BucketKeyEnabled: true,
  });
  await s3.send(new DeleteBucketEncryptionCommand({ Bucket: kmsBucket }));
  const back = await s3.send(new GetBucketEncryptionCommand({ Bucket: kmsBucket }));
  t.like(back.ServerSideEncryptionConfiguration?.Rules?.[0], { BucketKeyEnabled: false });
});

test('SSE-KMS: KMS is asked as S3 asks it, bound to the object, and an object is unreadable while its key is disabled', async (t) => {
  const { id, arn } = await key();
  const Bucket = await bucketWith({ keyId: id });
  const made = await put(Bucket, 'picture', 'a picture');
  t.like(made, { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn });
  t.not(made.ETag, `"${createHash('md5').update('a picture').digest('hex')}"`);
  const mine = simulator.trail
    .events('GenerateDataKey')
    .findLast((event) => JSON.stringify(event.requestParameters).includes(Bucket));
  t.like(mine, {
    eventSource: 'kms.amazonaws.com',
    sourceIPAddress: 's3.amazonaws.com',
    userIdentity: { invokedBy: 's3.amazonaws.com', type: 'Root' },
    requestParameters: { encryptionContext: { 'aws:s3:arn': `arn:aws:s3:::${Bucket}/picture` } },
  });
  t.is(await get(Bucket, 'picture'), 'a picture');
  await kms.send(new DisableKeyCommand({ KeyId: id }));
  const refused = await failure(get(Bucket, 'picture'));
  t.like(refused, { name: 'KMS.DisabledException', status: 400 });
  t.like(await failure(put(Bucket, 'other')), { name: 'KMS.DisabledException', status: 400 });
  t.is((await failure(s3.send(new HeadObjectCommand({ Bucket, Key: 'picture' })))).name, 'none');
  t.is(
    (await failure(s3.send(new HeadObjectCommand({ Bucket, Key: 'picture', ChecksumMode: 'ENABLED' }))))
      .status,
    400,
  );
  await kms.send(new EnableKeyCommand({ KeyId: id }));
  t.is(await get(Bucket, 'picture'), 'a picture');
  await kms.send(new ScheduleKeyDeletionCommand({ KeyId: id, PendingWindowInDays: 7 }));
  t.like(await failure(get(Bucket, 'picture')), { name: 'KMS.KMSInvalidStateException', status: 400 });
});

test('SSE-KMS with a bucket key: one KMS call for many objects, bound to the bucket', async (t) => {
  const { id } = await key();
  const Bucket = await bucketWith({ keyId: id, bucketKey: true });
  const calls = (action: string) =>
    simulator.trail.events(action).filter((event) => {
      const context = (event.requestParameters?.['encryptionContext'] ?? {}) as Record<string, string>;
      return context['aws:s3:arn']?.startsWith(`arn:aws:s3:::${Bucket}`) === true;
    });
  for (const name of ['a', 'b', 'c']) {
    t.like(await put(Bucket, name, name), { BucketKeyEnabled: true });
    t.is(await get(Bucket, name), name);
  }
  t.is(calls('GenerateDataKey').length, 1);
  t.is(calls('Decrypt').length, 1);
  t.like(calls('Decrypt')[0]?.requestParameters, {
    encryptionContext: { 'aws:s3:arn': `arn:aws:s3:::${Bucket}` },
  });
  await kms.send(new DisableKeyCommand({ KeyId: id }));
  t.is(await get(Bucket, 'a'), 'a', 'a bucket key outlives the kill switch for a while');
});

test('a bucket key is used for its time, and a new requester asks KMS itself', async (t) => {
  const quick = await Simulator.start({ time: { bucketKeyMs: 0 } });
  const settings = clientSettings(quick, quick.account());
  const [client, keys] = [new S3Client(settings), new KMSClient(settings)];
  const { KeyMetadata: made } = await keys.send(new CreateKeyCommand());
  const Bucket = 'some-bucket';
  await client.send(
    new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
  );
  await client.send(
    new PutObjectCommand({
      ...{ Bucket, Key: 'a', Body: 'text', BucketKeyEnabled: true },
      ...{ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: made?.Arn },
    }),
  );
  t.is(await get(Bucket, 'a', client), 'text');
  await keys.send(new DisableKeyCommand({ KeyId: made?.KeyId }));
  t.is((await failure(get(Bucket, 'a', client))).name, 'KMS.DisabledException');
  await quick.close();
});

test('encryption asked for with the object: key, context, the managed key aws/s3, and what does not fit', async (t) => {
  const Bucket = await bucketWith();
  const { arn } = await key();
  const context = Buffer.from(JSON.stringify({ project: 'nile' })).toString('base64');
  const made = await put(Bucket, 'a', 'text', {
    ...{ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn, SSEKMSEncryptionContext: context },
  });
  t.is(made.SSEKMSEncryptionContext, context);
  t.is(await get(Bucket, 'a'), 'text');
  t.true(
    simulator.trail
      .events('Decrypt')
      .some((event) => JSON.stringify(event.requestParameters).includes('"project":"nile"')),
  );
  const managed = await put(Bucket, 'b', 'text', { ServerSideEncryption: 'aws:kms' });
  t.regex(managed.SSEKMSKeyId ?? '', /^arn:aws:kms:eu-west-1:111122223333:key\//);
  t.is(await get(Bucket, 'b'), 'text');
  const refused = async (more: object) => (await failure(put(Bucket, 'c', 'text', more))).name;
  t.is(await refused({ SSEKMSKeyId: arn }), 'InvalidArgument');
  t.is(
    await refused({ ServerSideEncryption: 'aws:kms', SSEKMSEncryptionContext: 'planted' }),
    'InvalidArgument',
  );
  t.is(await refused({ ServerSideEncryption: 'aws:kms:dsse' }), 'NotImplemented');
  t.is(
    await refused({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: arn.replace(/key\/.*/, 'key/absent') }),
    'KMS.NotFoundException',
  );
});

test("who may use S3 but not the key is refused by S3's own AccessDenied; kms:ViaService lets in through S3 only", async (t) => {
  const { id, arn } = await key();
  const Bucket = await bucketWith({ keyId: id });
  await put(Bucket, 'a');
  const all = { Effect: 'Allow', Action: 's3:*', Resource: `arn:aws:s3:::${Bucket}*` };
  const without = new S3Client(clientSettings(simulator, await user('without', all)));
  const { name, status, message } = await failure(get(Bucket, 'a', without));
  t.is(name, 'AccessDenied');
  t.is(status, 403);
  t.regex(message, /kms:Decrypt/);
  const via = await user('via', all, {
    ...{ Effect: 'Allow', Action: 'kms:*', Resource: arn },
    Condition: { StringEquals: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' } },
  });
  t.is(await get(Bucket, 'a', new S3Client(clientSettings(simulator, via))), 'text');
  const direct = new KMSClient(clientSettings(simulator, via));
  t.is((await failure(direct.send(new DisableKeyCommand({ KeyId: id })))).name, 'AccessDeniedException');
});

test('tags of objects: put, counted, copied, replaced and deleted, whatever the state of the KMS key', async (t) => {
  const { id } = await key();
  const Bucket = await bucketWith({ keyId: id });
  const tagsOf = async (Key: string, client = s3) =>
    (await client.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet;
  const copy = async (Key: string, more: object = {}, client = s3) =>
    client.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/a`, ...more }));
  await put(Bucket, 'a', 'text', { Tagging: 'project=nile+delta&team=' });
  const team = { Key: 'team', Value: '' };
  const both = [{ Key: 'project', Value: 'nile delta' }, team];
  t.deepEqual(await tagsOf('a'), both);
  t.is((await s3.send(new HeadObjectCommand({ Bucket, Key: 'a' }))).TagCount, 2);
  await copy('b');
  t.deepEqual(await tagsOf('b'), both);
  await copy('c', { TaggingDirective: 'REPLACE', Tagging: 'x=y' });
  t.deepEqual(await tagsOf('c'), [{ Key: 'x', Value: 'y' }]);

  // Tags are not encrypted: KMS is not asked for them.
  await kms.send(new DisableKeyCommand({ KeyId: id }));
  const asked = () =>
    simulator.trail
      .events('Decrypt')
      .filter((event) => JSON.stringify(event.requestParameters).includes(`:::${Bucket}/`)).length;
  const before = asked();
  await s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'a', Tagging: { TagSet: [team] } }));
  t.deepEqual(await tagsOf('a'), [team]);
  await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'b' }));
  t.deepEqual(await tagsOf('b'), []);
  t.is(asked(), before);
  await kms.send(new EnableKeyCommand({ KeyId: id }));

  // They take permissions of their own, and are conditions of others.
  const of = (Action: string | string[], more: object = {}) => ({
    ...{ Effect: 'Allow', Action, Resource: `arn:aws:s3:::${Bucket}/*`, ...more },
  });
  const Condition = { StringEquals: { 's3:ExistingObjectTag/team': '' } };
  const some = new S3Client(
    clientSettings(
      simulator,
      await user(
        ...(['tagger', of('s3:PutObject'), of('s3:GetObject', { Condition })] as const),
        ...[{ Effect: 'Allow', Action: 'kms:*', Resource: '*' }],
      ),
    ),
  );
  t.is(await get(Bucket, 'a', some), 'text');
  t.is((await some.send(new HeadObjectCommand({ Bucket, Key: 'a' }))).TagCount, undefined);
  t.is((await failure(get(Bucket, 'b', some))).name, 'AccessDenied');
  t.is((await failure(tagsOf('a', some))).name, 'AccessDenied');
  t.regex((await failure(copy('d', {}, some))).message, /s3:GetObjectTagging/);
  const tagged = some.send(new PutObjectCommand({ Bucket, Key: 'd', Tagging: 'x=y' }));
  t.regex((await failure(tagged)).message, /s3:PutObjectTagging/);

  const refused = async (...TagSet: { Key: string; Value: string }[]) =>
    (await failure(s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'a', Tagging: { TagSet } })))).name;
  const many = Array.from({ length: 11 }, (_, n) => ({ Key: `k${n}`, Value: '' }));
  t.is(await refused(...many), 'BadRequest');
  t.is(await refused(...many.slice(1)), 'none');
  for (const [Key = '', Value = ''] of [[''], ['k'.repeat(129)], ['a&b'], ['aws:a'], ['a', 'v'.repeat(257)]])
    t.is(await refused({ Key, Value }), 'InvalidTag', Key);
  t.is(await refused({ Key: 'a', Value: '1' }, { Key: 'a', Value: '2' }), 'InvalidTag');
  t.is((await failure(put(Bucket, 'a', 'text', { Tagging: 'a=1&a=2' }))).name, 'InvalidArgument');
  t.is((await failure(tagsOf('absent'))).name, 'NoSuchKey');
  const version = s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'a', VersionId: 'null' }));
  t.is((await failure(version)).name, 'NotImplemented');
});

test('who may not list a bucket does not learn that an object is not there', async (t) => {
  const Bucket = await bucketWith();
  const reader = await user('reader', {
    Effect: 'Allow',
    Action: 's3:GetObject',
    Resource: `arn:aws:s3:::${Bucket}/*`,
  });
  const client = new S3Client(clientSettings(simulator, reader));
  t.is((await failure(get(Bucket, 'absent', client))).name, 'AccessDenied');
  t.is((await failure(get(Bucket, 'absent'))).name, 'NoSuchKey');
});

test.serial('trouble of KMS shows in S3, and is over when KMS is well', async (t) => {
  const { id } = await key();
  const Bucket = await bucketWith({ keyId: id });
  await put(Bucket, 'a');
  const names: string[] = [];
  for (const kind of ['throttle', '500', 'reset'] as const) {
    const undo = simulator.fault({
      service: 'kms',
      action: 'Decrypt',
      kind,
      accessKeyId: account.accessKeyId,
    });
    names.push((await failure(get(Bucket, 'a'))).name);
    undo();
  }
  t.deepEqual(names, ['ThrottlingException', 'KMS.KMSInternalException', 'KMS.KMSInternalException']);
  t.is(await get(Bucket, 'a'), 'text');
});

test('virtual-host style: the bucket is in the host name', async (t) => {
  const Bucket = await bucketWith();
  await put(Bucket, 'folder/a', 'by host');
  const lookup = (_host: string, _options: object, done: (error: null, found: object[]) => void) =>
    done(null, [{ address: '127.0.0.1', family: 4 }]);
  const client = new S3Client({
    ...clientSettings(simulator, account),
    endpoint: `https://s3.localhost:${simulator.port}`,
    requestHandler: { httpsAgent: new Agent({ ca: simulator.ca, lookup: lookup as never }) },
  });
  t.is(await get(Bucket, 'folder/a', client), 'by host');
  const { Contents: listed } = await client.send(new ListObjectsV2Command({ Bucket }));
  t.deepEqual(
    listed?.map((object) => object.Key),
    ['folder/a'],
  );
});

test('a header request of S3 is refused when anything of it is changed', async (t) => {
  const Bucket = await bucketWith();
  const input = {
    method: 'PUT',
    path: `/${Bucket}/signed`,
    body: 'text',
    headers: { 'x-amz-meta-colour': 'blue' },
  };
  const signed = await sign(simulator, account, 's3', input);
  t.is((await send(simulator, signed)).status, 200);
  const body = await send(simulator, { ...signed, body: 'tex7' });
  t.regex(body.body, /<Code>XAmzContentSHA256Mismatch</);
  for (const name of Object.keys(signed.headers)) {
    if (name === 'authorization') continue;
    const headers = { ...signed.headers, [name]: `${signed.headers[name]}0` };
    const { status } = await send(simulator, { ...signed, headers });
    t.true(status === 400 || status === 403, `${name}: ${status}`);
  }
  const moved = await send(simulator, { ...signed, path: `/${Bucket}/elsewhere` });
  t.is(moved.status, 403);
  t.regex(moved.body, /<Code>SignatureDoesNotMatch</);
  const late = await sign(simulator, account, 's3', input, { at: new Date(Date.now() - 16 * 60_000) });
  t.regex((await send(simulator, late)).body, /<Code>RequestTimeTooSkewed</);
  const stranger = await sign(simulator, { ...account, accessKeyId: 'AKIAABSENT' }, 's3', input);
  t.regex((await send(simulator, stranger)).body, /<Code>InvalidAccessKeyId</);
});

test('a header that asks for what the simulator does not do is refused, not skipped', async (t) => {
  const Bucket = await bucketWith();
  for (const more of [
    { ACL: 'public-read' },
    { WebsiteRedirectLocation: '/b' },
    { StorageClass: 'GLACIER' },
  ]) {
    const { name, message } = await failure(put(Bucket, 'a', 'text', more));
    t.is(name, 'NotImplemented');
    t.regex(message, /x-amz-/);
  }
  t.is((await failure(put(Bucket, 'a', 'text', { ACL: 'private', StorageClass: 'STANDARD' }))).name, 'none');
  const expected = async (ExpectedBucketOwner: string) =>
    (await failure(get(Bucket, 'a', s3, { ExpectedBucketOwner }))).name;
  t.is(await expected(account.id), 'none');
  t.is(await expected('444455556666'), 'AccessDenied');
});

test('what the simulator does not do of S3 it answers as NotImplemented', async (t) => {
  const Bucket = await bucketWith();
  const versioning = s3.send(
    new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }),
  );
  const { name, status, message } = await failure(versioning);
  t.is(name, 'NotImplemented');
  t.is(status, 501);
  t.regex(message, /simulator does not do PUT \?versioning/);
});
