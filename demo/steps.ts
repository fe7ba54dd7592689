import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { writeSafely } from '../src/cli/node/quickstart-parts.ts';
import type { AwsOfDemo } from './aws.ts';
import { proxyName, type DemoNode } from './node.ts';
import { drawPicture, showPicture } from './picture.ts';

/** One step of the guide: what is done, and lines that prove it. */
export interface Step {
  title: string;
  run: () => Promise<string[]>;
}

interface CloudKey {
  id: string;
  name: string;
  state: string;
  externalKeyId: string;
  kmsKeys: { keyArn: string | null; alias: string; step: string; cloudStatus: string }[];
}

interface Check {
  arn: string;
  missing: string[];
}

const region = 'eu-central-1';
const bucket = 'holdfast-demo-pictures';
const object = 'key.png';

/** The guide, from the first vault to a key that is pulled away and given back. */
// oxlint-disable-next-line max-lines-per-function -- a list of steps
export function stepsOf(node: DemoNode, aws: AwsOfDemo): Step[] {
  const picture = drawPicture();
  const file = (name: string) => path.join(node.directory, 'files', name);
  const ada = ['--profile', 'ada'];
  const put = new PutObjectCommand({
    Bucket: bucket,
    Key: object,
    Body: picture,
    ContentType: 'image/png',
  });
  const get = async () => {
    const { Body, SSEKMSKeyId } = await aws.s3.send(new GetObjectCommand({ Bucket: bucket, Key: object }));
    return { bytes: Buffer.from((await Body?.transformToByteArray()) ?? []), key: SSEKMSKeyId ?? '' };
  };
  const opened = async () => {
    const { bytes } = await get();
    if (!bytes.equals(picture)) throw new Error('the picture is not the one that was uploaded');
    return `SHA-256 ${sha256(bytes)}, the same as before the upload`;
  };

  return [
    {
      title: 'Create a vault, with an administrator of its own',
      run: async () => {
        await node.command('login', '--username', 'admin', '--password-file', file('admin.password'));
        const { id, name, signInUrl } = await node.json<{ id: string; name: string; signInUrl: string }>(
          ...['vault', 'create', 'demo', '--description', 'What make demo shows', '--token', 'softhsm'],
          ...['--admin-username', 'ada', '--admin-name', 'Ada Lovelace', '--admin-email', 'ada@example.com'],
          ...['--first-password-file', file('ada.first')],
        );
        node.signInUrl = signInUrl;
        writeSafely(file('ada.password'), randomBytes(24).toString('base64url'));
        await node.command(
          ...[...ada, 'login', '--vault', id, '--username', 'ada'],
          ...['--password-file', file('ada.first'), '--new-password-file', file('ada.password')],
        );
        return [`vault ${name}: ${signInUrl}`];
      },
    },
    {
      title: 'Create a CSP account: how Holdfast signs in to AWS, with the least it needs',
      run: async () => {
        await aws.iam.send(new CreateUserCommand({ UserName: 'holdfast' }));
        const { AccessKey } = await aws.iam.send(new CreateAccessKeyCommand({ UserName: 'holdfast' }));
        writeSafely(file('aws.secret'), AccessKey?.SecretAccessKey ?? '');
        const { check } = await node.json<{ check: Check }>(
          ...[...ada, 'csp-account', 'create', 'aws-demo', '--group', 'Cloud Admin Group'],
          ...['--type', 'access-key', '--access-key-id', AccessKey?.AccessKeyId ?? ''],
          ...['--secret-access-key-file', file('aws.secret'), '--region', region],
        );
        const policy = await node.command(
          ...ada,
          'csp-account',
          'policy',
          'aws-demo',
          '--document',
          'policy',
        );
        await aws.iam.send(
          new PutUserPolicyCommand({ UserName: 'holdfast', PolicyName: 'Holdfast', PolicyDocument: policy }),
        );
        const after = await node.json<Check>(...ada, 'csp-account', 'check', 'aws-demo');
        return [
          `signs in as ${check.arn}; ${check.missing.length} permissions are missing`,
          `once it has the policy that Holdfast prints: ${after.missing.length} are missing`,
        ];
      },
    },
    {
      title: 'Create a key set, as an external key store',
      run: async () => {
        const { name, xksProxyUriPath } = await node.json<{ name: string; xksProxyUriPath: string }>(
          ...[...ada, 'key-set', 'create', 'pictures', '--token', 'softhsm'],
          ...['--path-prefix', `pictures-${randomBytes(6).toString('hex')}`],
          ...['--group', 'Cloud Admin Group', '--csp-account', 'aws-demo', '--rotation', '365d'],
        );
        return [`key set ${name} at https://${proxyName}${xksProxyUriPath}`];
      },
    },
    {
      title: 'Create the external key store in AWS KMS',
      run: async () => {
        const store = await node.json<{ customKeyStoreId: string; state: string; accessKeyId: string }>(
          ...[...ada, 'external-key-store', 'create', 'pictures', '--region', region],
          ...['--uri-endpoint', `https://${proxyName}`],
        );
        return [`${store.customKeyStoreId} is ${store.state}, with XKS credential ${store.accessKeyId}`];
      },
    },
    {
      title: 'Connect it: AWS KMS calls the proxy',
      run: async () => {
        const store = await node.json<{ customKeyStoreId: string; state: string }>(
          ...[...ada, 'external-key-store', 'connect', 'pictures', '--region', region, '--wait'],
        );
        return [`${store.customKeyStoreId} is ${store.state}`];
      },
    },
    {
      title: 'Create a CloudKey: the KMS key and its alias appear by themselves',
      run: async () => {
        const key = await node.json<CloudKey>(
          ...[...ada, 'cloud-key', 'create', 'picture-key', '--key-set', 'pictures', '--region', region],
          '--wait',
        );
        const alias = `alias/${key.name}`;
        const { KeyMetadata } = await aws.kms.send(new DescribeKeyCommand({ KeyId: alias }));
        if (KeyMetadata?.XksKeyConfiguration?.Id !== key.externalKeyId)
          throw new Error('the KMS key is not of this CloudKey');
        return [
          `CloudKey ${key.externalKeyId}, an AES-256 key made in the token`,
          `${alias} is ${KeyMetadata.Arn} (${KeyMetadata.Origin}, ${KeyMetadata.KeyState})`,
        ];
      },
    },
    {
      title: 'Make an S3 bucket that encrypts with it',
      run: async () => {
        await aws.s3.send(
          new CreateBucketCommand({
            Bucket: bucket,
            CreateBucketConfiguration: { LocationConstraint: region },
          }),
        );
        await aws.s3.send(
          new PutBucketEncryptionCommand({
            Bucket: bucket,
            ServerSideEncryptionConfiguration: {
              Rules: [
                {
                  ApplyServerSideEncryptionByDefault: {
                    SSEAlgorithm: 'aws:kms',
                    KMSMasterKeyID: 'alias/picture-key',
                  },
                },
              ],
            },
          }),
        );
        return [`${bucket}: SSE-KMS with alias/picture-key`];
      },
    },
    {
      title: 'Upload a picture',
      run: async () => {
        const { SSEKMSKeyId } = await aws.s3.send(put);
        return [
          `${object}, ${picture.length} bytes, SHA-256 ${sha256(picture)}`,
          `encrypted under ${SSEKMSKeyId}`,
        ];
      },
    },
    {
      title: 'Open it',
      run: async () => [await opened(), ...showPicture()],
    },
    {
      title: 'Disable the CloudKey: the picture cannot be opened',
      run: async () => {
        const { state } = await node.json<CloudKey>(...ada, 'cloud-key', 'disable', 'picture-key');
        try {
          await get();
        } catch (error) {
          if (!(error instanceof S3ServiceException) || !error.name.includes('KMS')) throw error;
          return [`the CloudKey is ${state}`, `S3 answers ${error.name}: ${error.message}`];
        }
        throw new Error('the picture could be opened all the same');
      },
    },
    {
      title: 'Enable it again: the picture opens',
      run: async () => {
        const { state } = await node.json<CloudKey>(...ada, 'cloud-key', 'enable', 'picture-key');
        return [`the CloudKey is ${state}`, await opened()];
      },
    },
  ];
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
