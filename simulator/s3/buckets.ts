import type { S3Action } from './action.ts';
import { findBucket } from './action.ts';
import type { BucketEncryption } from './encryption.ts';
import { EVERYTHING_BLOCKED } from './bucket-settings.ts';
import { notDone, s3Error } from './errors.ts';
import { bucketArn } from './object-keys.ts';
import { member, readXml, text } from './read-xml.ts';

/** S3 User Guide, "General purpose bucket naming rules". */
const NAME =
  /^(?!xn--|sthree-|amzn-s3-demo-)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]$/;
const MAX_BUCKETS = 10_000;

const createBucket: S3Action = ({ call, address, state, house }) => {
  const name = address.bucket;
  call.authorize('s3:CreateBucket', bucketArn({ partition: call.partition, name }));
  if (!NAME.test(name))
    throw s3Error('InvalidBucketName', 'The specified bucket is not valid.', { BucketName: name });
  const wanted = readLocation(call.http.body);
  if (wanted === undefined && call.region !== 'us-east-1')
    throw s3Error(
      'IllegalLocationConstraintException',
      'The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.',
    );
  if (wanted !== undefined && (wanted !== call.region || wanted === 'us-east-1'))
    throw s3Error('InvalidLocationConstraint', 'The specified location constraint is not valid', {
      LocationConstraint: wanted,
    });
  const known = state.find(call.partition, name);
  if (known !== undefined && known.ownerId !== call.accountId)
    throw s3Error('BucketAlreadyExists', 'The requested bucket name is not available.', { BucketName: name });
  // us-east-1 answers 200 for one's own bucket, for the sake of old clients.
  if (known !== undefined && call.region !== 'us-east-1')
    throw s3Error('BucketAlreadyOwnedByYou', 'The bucket is there already and yours.', { BucketName: name });
  if (state.of(call.accountId).length >= MAX_BUCKETS)
    throw s3Error('InvalidRequest', 'The account has as many buckets as the quota allows');
  if (known === undefined)
    state.add({
      ...{ name, ownerId: call.accountId, partition: call.partition, region: call.region },
      createdAt: call.at.toISOString(),
      encryption: { algorithm: 'AES256', bucketKey: false },
      objects: new Map(),
      uploads: new Map(),
      publicAccessBlock: EVERYTHING_BLOCKED,
    });
  house.changed();
  return { headers: { Location: `/${name}` } };
};

const deleteBucket: S3Action = (s3) => {
  const bucket = findBucket(s3, 's3:DeleteBucket');
  if (bucket.objects.size > 0)
    throw s3Error('BucketNotEmpty', 'The bucket you tried to delete is not empty', {
      BucketName: bucket.name,
    });
  s3.state.remove(bucket);
  s3.house.changed();
  return { status: 204 };
};

const headBucket: S3Action = (s3) => {
  const bucket = findBucket(s3, 's3:ListBucket');
  return { headers: { 'x-amz-bucket-region': bucket.region, 'x-amz-access-point-alias': 'false' } };
};

const getBucketLocation: S3Action = (s3) => {
  const bucket = findBucket(s3, 's3:GetBucketLocation');
  return { output: { LocationConstraint: bucket.region === 'us-east-1' ? '' : bucket.region } };
};

const listBuckets: S3Action = ({ call, state, address }) => {
  call.authorize('s3:ListAllMyBuckets', `arn:${call.partition}:s3:::*`);
  if (address.query.has('continuation-token')) throw notDone('ListBuckets in pages');
  const prefix = address.query.get('prefix') ?? '';
  const region = address.query.get('bucket-region');
  const buckets = state
    .of(call.accountId)
    .filter(({ name }) => name.startsWith(prefix))
    .filter((bucket) => region === undefined || bucket.region === region)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    output: {
      ListAllMyBucketsResult: {
        Owner: { ID: call.accountId },
        Buckets: {
          Bucket: buckets.map((bucket) => ({
            Name: bucket.name,
            CreationDate: bucket.createdAt,
            BucketRegion: bucket.region,
          })),
        },
      },
    },
  };
};

const getBucketEncryption: S3Action = (s3) => {
  const { encryption } = findBucket(s3, 's3:GetEncryptionConfiguration');
  return {
    output: {
      ServerSideEncryptionConfiguration: {
        Rule: {
          ApplyServerSideEncryptionByDefault: {
            SSEAlgorithm: encryption.algorithm,
            KMSMasterKeyID: encryption.keyId,
          },
          BucketKeyEnabled: encryption.bucketKey,
        },
      },
    },
  };
};

/** The KMS key is not looked at: as in AWS a wrong one shows at the first PutObject. */
const putBucketEncryption: S3Action = (s3) => {
  const bucket = findBucket(s3, 's3:PutEncryptionConfiguration');
  bucket.encryption = readEncryption(s3.call.http.body);
  s3.call.trail.requestParameters = { bucketName: bucket.name, ...bucket.encryption };
  s3.house.changed();
  return {};
};

/** Back to SSE-S3, which every bucket has. */
const deleteBucketEncryption: S3Action = (s3) => {
  const bucket = findBucket(s3, 's3:PutEncryptionConfiguration');
  bucket.encryption = { algorithm: 'AES256', bucketKey: false };
  s3.house.changed();
  return { status: 204 };
};

export const bucketActions = {
  CreateBucket: createBucket,
  DeleteBucket: deleteBucket,
  HeadBucket: headBucket,
  GetBucketLocation: getBucketLocation,
  ListBuckets: listBuckets,
  GetBucketEncryption: getBucketEncryption,
  PutBucketEncryption: putBucketEncryption,
  DeleteBucketEncryption: deleteBucketEncryption,
} satisfies Record<string, S3Action>;

function readLocation(body: Buffer): string | undefined {
  if (body.length === 0) return undefined;
  const configuration = member(readXml(body), 'CreateBucketConfiguration');
  if (member(configuration, 'Location') !== undefined || member(configuration, 'Bucket') !== undefined)
    throw notDone('directory buckets');
  const location = text(configuration, 'LocationConstraint') ?? '';
  return location === '' ? undefined : location;
}

function readEncryption(body: Buffer): BucketEncryption {
  const rule = member(readXml(body), 'ServerSideEncryptionConfiguration', 'Rule');
  const algorithm = text(rule, 'ApplyServerSideEncryptionByDefault', 'SSEAlgorithm');
  const keyId = text(rule, 'ApplyServerSideEncryptionByDefault', 'KMSMasterKeyID');
  const bucketKey = text(rule, 'BucketKeyEnabled');
  if (Array.isArray(rule)) throw s3Error('MalformedXML', 'A bucket has one encryption rule');
  if (algorithm === 'aws:kms:dsse') throw notDone('dual-layer encryption (aws:kms:dsse)');
  if (algorithm !== 'AES256' && algorithm !== 'aws:kms')
    throw s3Error('MalformedXML', 'SSEAlgorithm must be AES256 or aws:kms');
  if (keyId !== undefined && algorithm !== 'aws:kms')
    throw s3Error(
      'InvalidArgument',
      'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms',
    );
  return {
    algorithm,
    ...(keyId === undefined || keyId === '' ? {} : { keyId: keyId }),
    bucketKey: algorithm === 'aws:kms' && bucketKey === 'true',
  };
}
