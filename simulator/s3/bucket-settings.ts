import { findBucket, type S3Action } from './action.ts';
import { malformed, member, readXml, text } from './read-xml.ts';
import { s3Error } from './errors.ts';
import type { PublicAccessBlock } from './s3-state.ts';

/** What every bucket has from its making on (S3 User Guide, "Blocking public access"). */
export const EVERYTHING_BLOCKED: PublicAccessBlock = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

const getPublicAccessBlock: S3Action = (s3) => {
  const { publicAccessBlock } = findBucket(s3, 's3:GetBucketPublicAccessBlock');
  if (publicAccessBlock === undefined)
    throw s3Error(
      'NoSuchPublicAccessBlockConfiguration',
      'The public access block configuration was not found',
      { BucketName: s3.address.bucket },
    );
  return { output: { PublicAccessBlockConfiguration: publicAccessBlock } };
};

/** It is kept and shown. There is nothing that it could block: the simulator has neither ACLs nor bucket policies. */
const putPublicAccessBlock: S3Action = (s3) => {
  const bucket = findBucket(s3, 's3:PutBucketPublicAccessBlock');
  const given = member(readXml(s3.call.http.body), 'PublicAccessBlockConfiguration');
  if (given === undefined) throw malformed();
  const isOn = (name: keyof PublicAccessBlock): boolean => {
    const value = (text(given, name) ?? 'false').toLowerCase();
    if (value !== 'true' && value !== 'false') throw malformed();
    return value === 'true';
  };
  bucket.publicAccessBlock = {
    BlockPublicAcls: isOn('BlockPublicAcls'),
    IgnorePublicAcls: isOn('IgnorePublicAcls'),
    BlockPublicPolicy: isOn('BlockPublicPolicy'),
    RestrictPublicBuckets: isOn('RestrictPublicBuckets'),
  };
  s3.house.changed();
  return {};
};

const deletePublicAccessBlock: S3Action = (s3) => {
  findBucket(s3, 's3:PutBucketPublicAccessBlock').publicAccessBlock = undefined;
  s3.house.changed();
  return { status: 204 };
};

/** Versioning was never on: an answer without a status. */
const getBucketVersioning: S3Action = (s3) => {
  findBucket(s3, 's3:GetBucketVersioning');
  return { output: { VersioningConfiguration: {} } };
};

export const bucketSettingActions = {
  GetPublicAccessBlock: getPublicAccessBlock,
  PutPublicAccessBlock: putPublicAccessBlock,
  DeletePublicAccessBlock: deletePublicAccessBlock,
  GetBucketVersioning: getBucketVersioning,
} satisfies Record<string, S3Action>;
