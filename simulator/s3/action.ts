import type { House } from '../house.ts';
import type { AuthorizeOptions, Reply, SimulatedCall } from '../service.ts';
import type { Address } from './address.ts';
import { notDone, s3Error } from './errors.ts';
import { bucketArn, objectArn, type ObjectKeys } from './object-keys.ts';
import type { Bucket, S3State } from './s3-state.ts';

/** What each action of S3 works with. */
export interface S3Call {
  readonly call: SimulatedCall;
  readonly address: Address;
  readonly state: S3State;
  readonly keys: ObjectKeys;
  readonly house: House;
  /** The address is what is copied, not where the request goes. */
  readonly source?: boolean;
}

export type S3Action = (s3: S3Call) => Promise<Reply> | Reply;

/** The bucket, if the caller may do this to it (or to the object of the request). */
export function findBucket(
  s3: S3Call,
  action: string,
  options: { object?: boolean; context?: AuthorizeOptions['context'] } = {},
): Bucket {
  const bucket = bucketOf(s3);
  const { call, address } = s3;
  call.authorize(action, options.object === true ? objectArn(bucket, address.key) : bucketArn(bucket), {
    resourceAccountId: bucket.ownerId,
    ...(options.context === undefined ? {} : { context: options.context }),
  });
  return bucket;
}

/** The bucket, whoever asks: the caller is authorized for each of its objects by itself. */
export function bucketOf({ call, address, state, source }: S3Call): Bucket {
  const bucket = state.find(call.partition, address.bucket);
  if (bucket === undefined)
    throw s3Error('NoSuchBucket', 'The specified bucket does not exist', { BucketName: address.bucket });
  if (bucket.region !== call.region) {
    if (source === true) throw notDone('copies from another Region');
    throw s3Error(
      'PermanentRedirect',
      `The bucket is in ${bucket.region}; sign the request for that Region and send it to its endpoint.`,
      { Bucket: bucket.name, Endpoint: `${bucket.name}.s3.${bucket.region}.amazonaws.com` },
    );
  }
  const header = `x-amz-${source === true ? 'source-' : ''}expected-bucket-owner`;
  const expectedOwner = call.http.headers.get(header);
  if (expectedOwner !== undefined && expectedOwner !== bucket.ownerId)
    throw s3Error('AccessDenied', `The bucket is not of the account that ${header} names`);
  return bucket;
}
