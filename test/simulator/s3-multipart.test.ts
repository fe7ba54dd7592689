import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateKeyCommand, DisableKeyCommand, EnableKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListPartsCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CompletedPart,
  type CreateMultipartUploadCommandInput,
} from '@aws-sdk/client-s3';
import test from 'ava';
import { Simulator } from '../../simulator/simulator.ts';
import { clientSettings, failure, send, sign } from './sdk-clients.ts';

const region = 'eu-west-1';
const directory = await mkdtemp(path.join(tmpdir(), 'simulator-s3-'));
const simulator = await Simulator.start();
const account = simulator.account('111122223333');
const s3 = new S3Client(clientSettings(simulator, account));
const kms = new KMSClient(clientSettings(simulator, account));
test.after.always(async () => {
  await simulator.close();
  await rm(directory, { recursive: true, force: true });
});

const MIB = 1024 * 1024;
/** Two parts: one of the least size that is not the last, and a last one of a byte. */
const first = randomBytes(5 * MIB);
const last = Buffer.from('z');
const whole = Buffer.concat([first, last]);

let count = 0;
async function bucket(client = s3): Promise<string> {
  const Bucket = `parts-${++count}`;
  await client.send(
    new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
  );
  return Bucket;
}

const put = async (Bucket: string, Key: string, Body: string | Buffer = 'text', more: object = {}) =>
  await s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));

async function bytes(Bucket: string, Key: string, more: object = {}, client = s3): Promise<Buffer> {
  const { Body: body } = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return Buffer.from((await body?.transformToByteArray()) ?? []);
}

interface Begun {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
}

async function begin(
  Bucket: string,
  Key: string,
  more: Partial<CreateMultipartUploadCommandInput> = {},
): Promise<Begun> {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }));
  return { Bucket, Key, UploadId };
}

/** Sends a part; gives what CompleteMultipartUpload wants of it. */
async function sendPart(upload: Begun, PartNumber: number, Body: Buffer): Promise<CompletedPart> {
  const { ETag, ChecksumCRC32, ChecksumSHA256, ChecksumCRC64NVME } = await s3.send(
    new UploadPartCommand({ ...upload, PartNumber, Body }),
  );
  return { PartNumber, ETag, ChecksumCRC32, ChecksumSHA256, ChecksumCRC64NVME };
}

const complete = async (upload: Begun, Parts: CompletedPart[], more: object = {}) =>
  await s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...more }));

test('an upload in parts is one object, with the ETag of its parts, its headers and its ranges', async (t) => {
  const Bucket = await bucket();
  const upload = await begin(Bucket, 'a & b/ü', { ContentType: 'image/png', Metadata: { colour: 'blue' } });
  const parts = [await sendPart(upload, 2, last), await sendPart(upload, 1, first)].toReversed();
  t.is((await failure(bytes(Bucket, upload.Key))).name, 'NoSuchKey', 'nothing is there before the end');
  const done = await complete(upload, parts);
  const md5 = (data: Buffer): Buffer => createHash('md5').update(data).digest();
  const etag = `"${md5(Buffer.concat([md5(first), md5(last)])).toString('hex')}-2"`;
  t.like(done, { Bucket, Key: upload.Key, ETag: etag });
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: upload.Key }));
  t.like(head, { ContentLength: whole.length, ContentType: 'image/png', ETag: etag });
  t.deepEqual(head.Metadata, { colour: 'blue' });
  t.true((await bytes(Bucket, upload.Key)).equals(whole));
  const over = await bytes(Bucket, upload.Key, { Range: `bytes=${first.length - 2}-${first.length}` });
  t.deepEqual(over, Buffer.concat([first.subarray(-2), last]));
  t.deepEqual(await bytes(Bucket, upload.Key, { Range: 'bytes=-1' }), last);
  t.like(await failure(complete(upload, parts)), { name: 'NoSuchUpload', status: 404 });
});

test('the parts of an upload are listed, replaced and chosen; an abort forgets them', async (t) => {
  const Bucket = await bucket();
  const [one, two] = [await begin(Bucket, 'one'), await begin(Bucket, 'two')];
  for (const number of [3, 1, 2]) await sendPart(one, number, Buffer.from(`part ${number}`));
  const kept = await sendPart(one, 2, Buffer.from('another'));
  const page = await s3.send(new ListPartsCommand({ ...one, MaxParts: 2 }));
  t.deepEqual(
    page.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size]),
    [
      [1, 6],
      [2, 7],
    ],
  );
  t.like(page, { IsTruncated: true, NextPartNumberMarker: '2' });
  const rest = await s3.send(new ListPartsCommand({ ...one, PartNumberMarker: '2' }));
  t.deepEqual([rest.Parts?.length, rest.Parts?.[0]?.PartNumber, rest.IsTruncated], [1, 3, false]);
  const listed = await s3.send(new ListMultipartUploadsCommand({ Bucket, MaxUploads: 1 }));
  t.like(listed, { IsTruncated: true, NextKeyMarker: 'one', NextUploadIdMarker: one.UploadId });
  const more = await s3.send(
    new ListMultipartUploadsCommand({ Bucket, KeyMarker: 'one', UploadIdMarker: one.UploadId }),
  );
  t.deepEqual(
    more.Uploads?.map(({ UploadId }) => UploadId),
    [two.UploadId],
  );
  await s3.send(new AbortMultipartUploadCommand({ ...two }));
  t.is((await failure(sendPart(two, 1, last))).name, 'NoSuchUpload');
  t.is((await failure(s3.send(new AbortMultipartUploadCommand({ ...two })))).name, 'NoSuchUpload');
  await complete(one, [kept]);
  t.is((await bytes(Bucket, 'one')).toString(), 'another');
  t.is((await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads, undefined);
});

test('a list of parts that cannot be one object is refused, and the upload goes on', async (t) => {
  const Bucket = await bucket();
  const upload = await begin(Bucket, 'a');
  const [one, two] = [await sendPart(upload, 1, last), await sendPart(upload, 2, last)];
  const refused = async (...parts: CompletedPart[]): Promise<string> =>
    (await failure(complete(upload, parts))).name;
  t.is(await refused(one, two), 'EntityTooSmall');
  t.is(await refused(two, one), 'InvalidPartOrder');
  t.is(await refused(one, one), 'InvalidPartOrder');
  t.is(await refused({ ...one, PartNumber: 7 }), 'InvalidPart');
  t.is(await refused({ ...one, ETag: '"00000000000000000000000000000000"' }), 'InvalidPart');
  t.is(await refused({ ...one, ChecksumCRC32: 'AAAAAA==' }), 'InvalidPart');
  t.is(await refused(), 'MalformedXML');
  t.is((await failure(sendPart(upload, 10_001, last))).name, 'InvalidArgument');
  t.is((await failure(complete(upload, [one], { MpuObjectSize: 2 }))).name, 'InvalidRequest');
  await put(Bucket, 'a');
  t.is((await failure(complete(upload, [one], { IfNoneMatch: '*' }))).name, 'PreconditionFailed');
  await complete(upload, [one]);
  t.deepEqual(await bytes(Bucket, 'a'), last);
});

for (const { algorithm, type } of [
  { algorithm: 'SHA256', type: 'COMPOSITE' },
  { algorithm: 'CRC32', type: 'COMPOSITE' },
  { algorithm: 'CRC32', type: 'FULL_OBJECT' },
  { algorithm: 'CRC64NVME', type: 'FULL_OBJECT' },
] as const)
  test(`a ${algorithm} of an upload in parts is kept as ${type}`, async (t) => {
    const Bucket = await bucket();
    const small = Buffer.from('123456789');
    const upload = await begin(Bucket, 'a', { ChecksumAlgorithm: algorithm, ChecksumType: type });
    const { ETag } = await s3.send(
      new UploadPartCommand({
        ...{ ...upload, PartNumber: 1, Body: small },
        ...(algorithm === 'CRC64NVME'
          ? { ChecksumCRC64NVME: 'rosUhgp5mIg=' }
          : { ChecksumAlgorithm: algorithm }),
      }),
    );
    const sha = (data: Buffer): Buffer => createHash('sha256').update(data).digest();
    // Check values of "123456789" from CRC RevEng's catalogue; the composite one is over the four bytes of the part's.
    const part = { SHA256: sha(small).toString('base64'), CRC32: 'y/Q5Jg==', CRC64NVME: 'rosUhgp5mIg=' }[
      algorithm
    ];
    const field = `Checksum${algorithm}`;
    if (type === 'COMPOSITE')
      t.regex((await failure(complete(upload, [{ PartNumber: 1, ETag }]))).message, /checksum for each part/);
    t.is(
      (await failure(complete(upload, [{ PartNumber: 1, ETag, [field]: part }], { [field]: 'AAAAAA==' })))
        .name,
      'BadDigest',
    );
    const done = await complete(upload, [{ PartNumber: 1, ETag, [field]: part }]);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a', ChecksumMode: 'ENABLED' }));
    const kept = (head as unknown as Record<string, string>)[field];
    t.like(done, { [field]: kept, ChecksumType: type });
    t.is(head.ChecksumType, type);
    if (type === 'FULL_OBJECT') t.is(kept, part);
    else if (algorithm === 'SHA256') t.is(kept, `${sha(sha(small)).toString('base64')}-1`);
    else t.regex(kept ?? '', /^[A-Za-z0-9+/]{6}==-1$/);
  });

test('a part with another checksum than the upload was begun with is refused', async (t) => {
  const Bucket = await bucket();
  const upload = await begin(Bucket, 'a', { ChecksumAlgorithm: 'SHA256' });
  const wrong = s3.send(
    new UploadPartCommand({ ...upload, PartNumber: 1, Body: last, ChecksumAlgorithm: 'SHA1' }),
  );
  const { name, message } = await failure(wrong);
  t.is(name, 'InvalidRequest');
  t.regex(message, /expected checksum Type: sha256, actual checksum Type: sha1/);
  for (const [ChecksumAlgorithm, ChecksumType] of [
    ['SHA256', 'FULL_OBJECT'],
    ['CRC64NVME', 'COMPOSITE'],
  ] as const)
    t.is((await failure(begin(Bucket, 'a', { ChecksumAlgorithm, ChecksumType }))).name, 'InvalidRequest');
});

test('SSE-KMS: an upload in parts stops while its key is disabled, and so do reads and copies of the object', async (t) => {
  const Bucket = await bucket();
  const { KeyMetadata: made } = await kms.send(new CreateKeyCommand());
  const id = { KeyId: made?.KeyId };
  const upload = await begin(Bucket, 'a', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: made?.Arn });
  const one = await sendPart(upload, 1, first);
  await kms.send(new DisableKeyCommand(id));
  const stopped = { name: 'KMS.DisabledException', status: 400 };
  t.like(await failure(sendPart(upload, 2, last)), stopped);
  t.like(await failure(complete(upload, [one])), stopped);
  await kms.send(new EnableKeyCommand(id));
  const done = await complete(upload, [one, await sendPart(upload, 2, last)]);
  t.like(done, { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: made?.Arn });
  t.regex(done.ETag ?? '', /^"[0-9a-f]{32}-2"$/);
  t.true((await bytes(Bucket, 'a')).equals(whole));
  await kms.send(new DisableKeyCommand(id));
  const CopySource = `${Bucket}/a`;
  t.like(await failure(bytes(Bucket, 'a', { Range: 'bytes=-1' })), stopped);
  t.like(await failure(s3.send(new CopyObjectCommand({ Bucket, Key: 'b', CopySource }))), stopped);
  const other = await begin(Bucket, 'c');
  t.like(await failure(s3.send(new UploadPartCopyCommand({ ...other, PartNumber: 1, CopySource }))), stopped);
  t.is((await failure(bytes(Bucket, 'b'))).name, 'NoSuchKey');
  await kms.send(new EnableKeyCommand(id));
  const copied = await s3.send(new UploadPartCopyCommand({ ...other, PartNumber: 1, CopySource }));
  const range = await s3.send(
    new UploadPartCopyCommand({ ...other, PartNumber: 2, CopySource, CopySourceRange: 'bytes=0-2' }),
  );
  const beyond = new UploadPartCopyCommand({
    ...{ ...other, PartNumber: 3, CopySource },
    CopySourceRange: `bytes=0-${whole.length}`,
  });
  t.is((await failure(s3.send(beyond))).name, 'InvalidArgument');
  await complete(other, [
    { PartNumber: 1, ...copied.CopyPartResult, LastModified: undefined } as CompletedPart,
    { PartNumber: 2, ...range.CopyPartResult, LastModified: undefined } as CompletedPart,
  ]);
  t.true((await bytes(Bucket, 'c')).equals(Buffer.concat([whole, first.subarray(0, 3)])));
  await kms.send(new DisableKeyCommand(id));
  t.is((await bytes(Bucket, 'c', { Range: 'bytes=0-0' })).length, 1, 'a copy is under its own key');
});

test('a copy keeps or replaces headers, and is encrypted as its target wants', async (t) => {
  const [Bucket, target] = [await bucket(), await bucket()];
  const { ETag } = await put(Bucket, 'a/ü +%', 'text', {
    ContentType: 'image/png',
    Metadata: { colour: 'blue' },
  });
  const CopySource = `${Bucket}/${encodeURIComponent('a/ü +%')}`;
  const copy = async (Key: string, more: object = {}) =>
    await s3.send(new CopyObjectCommand({ Bucket: target, Key, CopySource, ...more }));
  t.is((await copy('same')).CopyObjectResult?.ETag, ETag);
  t.like(await s3.send(new HeadObjectCommand({ Bucket: target, Key: 'same' })), {
    ...{ ContentType: 'image/png', ServerSideEncryption: 'AES256' },
    Metadata: { colour: 'blue' },
  });
  const replaced = { MetadataDirective: 'REPLACE', ContentType: 'text/css', Metadata: { shape: 'round' } };
  const encrypted = await copy('other', { ...replaced, ServerSideEncryption: 'aws:kms' });
  t.is(encrypted.ServerSideEncryption, 'aws:kms');
  const head = await s3.send(new HeadObjectCommand({ Bucket: target, Key: 'other' }));
  t.is(head.ContentType, 'text/css');
  t.deepEqual(head.Metadata, { shape: 'round' });
  t.is((await bytes(target, 'other')).toString(), 'text');
  const name = async (more: object) => (await failure(copy('x', more))).name;
  t.is(await name({ CopySourceIfMatch: '"other"' }), 'PreconditionFailed');
  t.is(await name({ CopySourceIfNoneMatch: ETag }), 'PreconditionFailed');
  t.is(await name({ CopySourceIfUnmodifiedSince: new Date(0) }), 'PreconditionFailed');
  t.is(await name({ CopySourceIfModifiedSince: new Date(Date.now() + 60_000) }), 'PreconditionFailed');
  t.is(await name({ CopySource: `${Bucket}/absent` }), 'NoSuchKey');
  t.is(await name({ CopySource: 'absent-bucket/a' }), 'NoSuchBucket');
  t.is(await name({ CopySource: 'nothing' }), 'InvalidArgument');
  t.is(await name({ CopySource: `${CopySource}?versionId=1` }), 'NotImplemented');
  t.is(await name({ Bucket, Key: 'a/ü +%' }), 'InvalidRequest', 'onto itself, with nothing changed');
  const other = new S3Client(clientSettings(simulator, simulator.account('444455556666')));
  const theirs = await bucket(other);
  t.is(
    (await failure(other.send(new CopyObjectCommand({ Bucket: theirs, Key: 'x', CopySource })))).name,
    'AccessDenied',
  );
});

test('many objects are deleted at once, each with an answer of its own', async (t) => {
  const Bucket = await bucket();
  for (const key of ['a', 'b', 'c & <d>']) await put(Bucket, key);
  const remove = async (Keys: string[], more: object = {}, client = s3) =>
    await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: Keys.map((Key) => ({ Key })), ...more } }),
    );
  const { Deleted: deleted, Errors: none } = await remove(['a', 'absent', 'c & <d>']);
  t.deepEqual(
    deleted?.map(({ Key }) => Key),
    ['a', 'absent', 'c & <d>'],
  );
  t.is(none, undefined);
  const other = new S3Client(clientSettings(simulator, simulator.account('444455556666')));
  const { Errors: refused } = await remove(['b'], {}, other);
  t.like(refused?.[0], { Key: 'b', Code: 'AccessDenied' });
  t.is((await bytes(Bucket, 'b')).toString(), 'text');
  t.is((await remove(['b'], { Quiet: true })).Deleted, undefined);
  t.is((await failure(bytes(Bucket, 'b'))).name, 'NoSuchKey');
  t.is((await failure(remove(Array.from({ length: 1001 }, (_, index) => `${index}`)))).name, 'MalformedXML');
  const body = '<Delete><Object><Key>x</Key></Object></Delete>';
  const bare = await sign(simulator, account, 's3', { path: `/${Bucket}`, query: { delete: '' }, body });
  t.regex((await send(simulator, bare)).body, /<Code>InvalidRequest<.*Content-MD5/s);
});

test('the first version of the list goes on after a key, or with a delimiter after NextMarker', async (t) => {
  const Bucket = await bucket();
  for (const key of ['a/1', 'a/2', 'b', 'c/1', 'ü']) await put(Bucket, key);
  const list = async (more: object) => await s3.send(new ListObjectsCommand({ Bucket, MaxKeys: 2, ...more }));
  const keys = (page: Awaited<ReturnType<typeof list>>) => page.Contents?.map(({ Key }) => Key);
  const start = await list({});
  t.deepEqual(keys(start), ['a/1', 'a/2']);
  t.like(start, { IsTruncated: true, NextMarker: undefined });
  t.is(start.Contents?.[0]?.Owner?.ID, account.id);
  t.deepEqual(keys(await list({ Marker: 'a/2' })), ['b', 'c/1']);
  const folders = await list({ Delimiter: '/' });
  t.deepEqual(folders.CommonPrefixes, [{ Prefix: 'a/' }]);
  t.deepEqual(keys(folders), ['b']);
  t.is(folders.NextMarker, 'b');
  const end = await list({ Delimiter: '/', Marker: 'b' });
  t.deepEqual([end.CommonPrefixes?.[0]?.Prefix, keys(end)?.[0], end.IsTruncated], ['c/', 'ü', false]);
});

test('versioning was never on, and public access is blocked until somebody changes that', async (t) => {
  const Bucket = await bucket();
  t.is((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status, undefined);
  const shown = async () =>
    (await s3.send(new GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration;
  const all = { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true };
  t.deepEqual(await shown(), { ...all, RestrictPublicBuckets: true });
  await s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: all }));
  t.deepEqual(await shown(), { ...all, RestrictPublicBuckets: false });
  await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
  t.like(await failure(shown()), { name: 'NoSuchPublicAccessBlockConfiguration', status: 404 });
});

test('a version, and a part of a finished object, are not done and so not skipped', async (t) => {
  const Bucket = await bucket();
  await put(Bucket, 'a');
  for (const more of [{ VersionId: 'x' }, { PartNumber: 1 }])
    t.is((await failure(bytes(Bucket, 'a', more))).name, 'NotImplemented');
});

test('an object of parts is there again after a restart', async (t) => {
  const stateFile = path.join(directory, 'state.json');
  const before = await Simulator.start({ stateFile });
  const credentials = before.account('111122223333');
  const client = new S3Client(clientSettings(before, credentials));
  const Bucket = await bucket(client);
  const upload = { Bucket, Key: 'a' };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(upload));
  const Parts: CompletedPart[] = [];
  for (const [index, Body] of [first, last].entries()) {
    const PartNumber = index + 1;
    const part = await client.send(new UploadPartCommand({ ...upload, UploadId, PartNumber, Body }));
    Parts.push({ PartNumber, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 });
  }
  await client.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload: { Parts } }));
  await before.close();
  const after = await Simulator.start({ stateFile });
  const again = new S3Client(clientSettings(after, credentials));
  t.true((await bytes(Bucket, 'a', {}, again)).equals(whole));
  t.is((await again.send(new GetPublicAccessBlockCommand({ Bucket }))).$metadata.httpStatusCode, 200);
  await after.close();
});

test('a state file of before objects were kept in pieces is still read', async (t) => {
  const stateFile = path.join(directory, 'old-state.json');
  const before = await Simulator.start({ stateFile });
  const credentials = before.account('111122223333');
  const client = new S3Client(clientSettings(before, credentials));
  const Bucket = await bucket(client);
  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'text' }));
  await before.close();
  const { services, ...rest } = JSON.parse(await readFile(stateFile, 'utf8')) as {
    services: { s3: { buckets: { publicAccessBlock?: object; objects: Record<string, unknown>[] }[] } };
  };
  const [saved] = services.s3.buckets;
  const { segments, checksumType: _type, ...object } = saved?.objects[0] ?? {};
  const [{ sealed }] = segments as [{ sealed: string }];
  const { publicAccessBlock: _block, ...old } = saved ?? { objects: [] };
  services.s3.buckets = [{ ...old, objects: [{ ...object, sealed }] }];
  await writeFile(stateFile, JSON.stringify({ ...rest, services }));
  const after = await Simulator.start({ stateFile });
  const again = new S3Client(clientSettings(after, credentials));
  t.is((await bytes(Bucket, 'a', {}, again)).toString(), 'text');
  await after.close();
});
