import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { CreateKeyCommand, DisableKeyCommand, EnableKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateBucketCommand, PutBucketEncryptionCommand, S3Client } from '@aws-sdk/client-s3';
import test, { type ExecutionContext } from 'ava';
import { Simulator } from '../../simulator/simulator.ts';
import { clientSettings } from './sdk-clients.ts';

/*
 * People's own tools, as Debian has them, against S3 of the simulator: none is told anything but where it is. Whoever runs the
 * tests may have another AWS CLI first on their PATH, and that one asks for other things.
 */

const run = promisify(execFile);
const directory = await mkdtemp(path.join(tmpdir(), 'simulator-s3-tools-'));
const file = (name: string): string => path.join(directory, name);
const simulator = await Simulator.start();
const { accessKeyId, secretAccessKey } = simulator.account('111122223333');
const kms = new KMSClient(clientSettings(simulator, { accessKeyId, secretAccessKey }));
await writeFile(file('ca.pem'), simulator.ca);
/** A byte more than the AWS CLI puts in one piece. */
const large = randomBytes(8 * 1024 * 1024 + 1);
await writeFile(file('large'), large);
test.after.always(async () => {
  await simulator.close();
  await rm(directory, { recursive: true, force: true });
});

const env = {
  ...{ PATH: '/usr/bin:/bin', HOME: directory, AWS_PAGER: '', AWS_EC2_METADATA_DISABLED: 'true' },
  ...{ AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-1', AWS_CA_BUNDLE: file('ca.pem') },
  ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
  AWS_MAX_ATTEMPTS: '1',
};

async function tool(program: string, words: readonly string[], more: object = {}): Promise<string> {
  const { stdout } = await run(program, words, { env: { ...env, ...more } });
  return stdout;
}

/** What it says when it fails; '' when it does not. */
async function refusal(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => '',
    (error: unknown) => (error as { stderr?: string }).stderr ?? '',
  );
}

async function key(): Promise<{ arn: string; disable: () => Promise<void>; enable: () => Promise<void> }> {
  const { KeyMetadata: made } = await kms.send(new CreateKeyCommand());
  const KeyId = made?.KeyId;
  return {
    arn: made?.Arn ?? '',
    disable: async () => void (await kms.send(new DisableKeyCommand({ KeyId }))),
    enable: async () => void (await kms.send(new EnableKeyCommand({ KeyId }))),
  };
}

async function assertSame(t: ExecutionContext, name: string): Promise<void> {
  t.true((await readFile(file(name))).equals(large));
}

const DISABLED = /KMS\.DisabledException/;

test('the AWS CLI puts 8 MiB and a byte in parts, gets, lists, copies and deletes them, but for while the key is disabled', async (t) => {
  const aws = async (...words: string[]): Promise<string> =>
    await tool('aws', ['--endpoint-url', simulator.url, ...words]);
  const one = await key();
  await aws('s3', 'mb', 's3://by-aws');
  const encrypted = ['--sse', 'aws:kms', '--sse-kms-key-id', one.arn];
  await aws('s3', 'cp', file('large'), 's3://by-aws/large', ...encrypted);
  t.true(simulator.trail.events('CompleteMultipartUpload').length > 0);
  t.regex(await aws('s3', 'ls', 's3://by-aws/'), new RegExp(`${large.length} large`));
  const tags = { TagSet: [{ Key: 'project', Value: 'nile + delta = 2' }] };
  const tagging = async (verb: string, key: string, ...words: string[]): Promise<string> =>
    await aws('s3api', `${verb}-object-tagging`, '--bucket', 'by-aws', '--key', key, ...words);
  await one.disable();
  await tagging('put', 'large', '--tagging', JSON.stringify(tags));
  t.regex(await refusal(aws('s3', 'cp', 's3://by-aws/large', file('refused'))), DISABLED);
  t.regex(await refusal(aws('s3', 'cp', 's3://by-aws/large', 's3://by-aws/copy')), DISABLED);
  await one.enable();
  await aws('s3', 'cp', 's3://by-aws/large', 's3://by-aws/copy');
  t.deepEqual(JSON.parse(await tagging('get', 'copy')), tags);
  await aws('s3', 'cp', 's3://by-aws/copy', file('from-aws'));
  await assertSame(t, 'from-aws');
  await aws('s3', 'rb', '--force', 's3://by-aws');
});

test('rclone copies to a bucket and from it, in parts too, but for while the key is disabled', async (t) => {
  const one = await key();
  const setting = (name: string, value: string): [string, string] => [`RCLONE_CONFIG_SIM_${name}`, value];
  const settings = Object.fromEntries([
    ...[setting('TYPE', 's3'), setting('PROVIDER', 'Other'), setting('ENV_AUTH', 'true')],
    ...[setting('REGION', 'eu-west-1'), setting('LOCATION_CONSTRAINT', 'eu-west-1')],
    ...[setting('ENDPOINT', simulator.url), setting('FORCE_PATH_STYLE', 'true')],
    ...[setting('SERVER_SIDE_ENCRYPTION', 'aws:kms'), setting('SSE_KMS_KEY_ID', one.arn)],
  ]);
  const rclone = async (...words: string[]): Promise<string> => {
    const quick = ['--ca-cert', file('ca.pem'), '--config', '', '--retries', '1', '--low-level-retries', '1'];
    // Its SDK takes no AWS_CA_BUNDLE.
    return await tool('rclone', [...words, ...quick], { ...settings, AWS_CA_BUNDLE: undefined });
  };
  await rclone('mkdir', 'sim:by-rclone');
  await rclone('copyto', file('ca.pem'), 'sim:by-rclone/folder/small');
  await rclone('copyto', file('large'), 'sim:by-rclone/large', '--s3-upload-cutoff', '6Mi');
  t.regex(await rclone('lsf', '--recursive', 'sim:by-rclone'), /^folder\/small$/m);
  await one.disable();
  t.regex(await refusal(rclone('cat', 'sim:by-rclone/folder/small')), DISABLED);
  await one.enable();
  t.is(await rclone('cat', 'sim:by-rclone/folder/small'), simulator.ca);
  await rclone('copyto', 'sim:by-rclone/large', 'sim:by-rclone/copy', '--s3-copy-cutoff', '6Mi');
  await rclone('copyto', 'sim:by-rclone/copy', file('from-rclone'));
  await assertSame(t, 'from-rclone');
  await rclone('purge', 'sim:by-rclone');
  t.notRegex(await rclone('lsd', 'sim:'), /by-rclone/);
});

test('s3cmd puts, gets, lists, copies and deletes, in parts too, but for while the key is disabled', async (t) => {
  const one = await key();
  const { host } = new URL(simulator.url);
  await writeFile(
    file('s3cfg'),
    [
      ...['[default]', `access_key = ${accessKeyId}`, `secret_key = ${secretAccessKey}`],
      ...[`host_base = ${host}`, `host_bucket = ${host}`, `ca_certs_file = ${file('ca.pem')}`],
      ...['bucket_location = eu-west-1', 'check_ssl_hostname = False', 'max_retries = 1'],
      '',
    ].join('\n'),
  );
  const s3cmd = async (...words: string[]): Promise<string> =>
    await tool('s3cmd', ['--config', file('s3cfg'), '--no-progress', ...words]);
  const encrypted = ['--server-side-encryption', `--server-side-encryption-kms-id=${one.arn}`];
  await s3cmd('mb', 's3://by-s3cmd');
  await s3cmd('put', file('ca.pem'), 's3://by-s3cmd/folder/small', ...encrypted);
  await s3cmd('put', file('large'), 's3://by-s3cmd/large', '--multipart-chunk-size-mb=6', ...encrypted);
  t.regex(
    await s3cmd('ls', 's3://by-s3cmd'),
    /DIR +s3:\/\/by-s3cmd\/folder\/\n.* 8388609 +s3:\/\/by-s3cmd\/large/,
  );
  await one.disable();
  t.regex(await refusal(s3cmd('get', 's3://by-s3cmd/folder/small', file('refused'))), /disabled/i);
  await one.enable();
  await s3cmd('cp', 's3://by-s3cmd/large', 's3://by-s3cmd/copy');
  await s3cmd('get', 's3://by-s3cmd/copy', file('from-s3cmd'));
  await assertSame(t, 'from-s3cmd');
  await s3cmd('del', '--recursive', '--force', 's3://by-s3cmd');
  await s3cmd('rb', 's3://by-s3cmd');
  t.notRegex(await s3cmd('ls'), /by-s3cmd/);
});

test('restic backs up to a bucket whose objects are under a KMS key, and restores', async (t) => {
  const one = await key();
  const Bucket = 'by-restic';
  const s3 = new S3Client(clientSettings(simulator, { accessKeyId, secretAccessKey }));
  await s3.send(
    new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }),
  );
  const ApplyServerSideEncryptionByDefault = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: one.arn } as const;
  await s3.send(
    new PutBucketEncryptionCommand({
      Bucket,
      ServerSideEncryptionConfiguration: { Rules: [{ ApplyServerSideEncryptionByDefault }] },
    }),
  );
  const settings = {
    RESTIC_REPOSITORY: `s3:${simulator.url}/${Bucket}`,
    RESTIC_PASSWORD: 'a password of a test',
  };
  const restic = async (...words: string[]): Promise<string> =>
    await tool(
      'restic',
      ['--no-cache', '--cacert', file('ca.pem'), '-o', 's3.region=eu-west-1', ...words],
      settings,
    );
  await restic('init');
  await restic('backup', file('large'));
  await restic('restore', 'latest', '--target', file('from-restic'));
  await assertSame(t, path.join('from-restic', file('large')));
  t.true(
    simulator.trail
      .events('Decrypt')
      .some((event) => JSON.stringify(event.requestParameters).includes(`:::${Bucket}/`)),
  );
});
