import { ServiceError } from '../service-error.ts';
import { bucketOf, type S3Action } from './action.ts';
import { CHECKSUM_ALGORITHMS, verifyChecksums } from './checksums.ts';
import { notDone, s3Error } from './errors.ts';
import { objectArn } from './object-keys.ts';
import { malformed, member, readXml, repeated, text } from './read-xml.ts';

const MAX_KEYS = 1000;

/** DeleteObjects: what is refused of one object stands in the answer and keeps no other from being deleted. */
export const deleteObjects: S3Action = (s3) => {
  const { call, house } = s3;
  const bucket = bucketOf(s3);
  const { headers, trailers } = call.http;
  const sums = ['content-md5', ...CHECKSUM_ALGORITHMS.map((name) => `x-amz-checksum-${name}`)];
  if (!sums.some((name) => headers.has(name) || trailers.has(name)))
    throw s3Error(
      'InvalidRequest',
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    );
  verifyChecksums(call.http);
  const { keys, quiet } = readDelete(call.http.body);
  const [deleted, refused]: [object[], object[]] = [[], []];
  for (const key of keys)
    try {
      call.authorize('s3:DeleteObject', objectArn(bucket, key), { resourceAccountId: bucket.ownerId });
      bucket.objects.delete(key);
      if (!quiet) deleted.push({ Key: key });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      refused.push({ Key: key, Code: error.code, Message: error.message });
    }
  house.changed();
  return { output: { DeleteResult: { Deleted: deleted, Error: refused } } };
};

function readDelete(body: Buffer): { keys: string[]; quiet: boolean } {
  const root = member(readXml(body), 'Delete');
  const objects = repeated(root, 'Object');
  if (objects.length === 0 || objects.length > MAX_KEYS) throw malformed();
  const keys = objects.map((object) => {
    for (const name of ['VersionId', 'ETag', 'LastModifiedTime', 'Size'])
      if (member(object, name) !== undefined) throw notDone(`${name} in DeleteObjects`);
    const key = text(object, 'Key') ?? '';
    if (key === '') throw malformed();
    return key;
  });
  return { keys, quiet: text(root, 'Quiet')?.toLowerCase() === 'true' };
}
