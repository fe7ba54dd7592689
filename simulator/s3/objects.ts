import type { Reply } from '../service.ts';
import { findBucket, type S3Action, type S3Call } from './action.ts';
import { verifyChecksums } from './checksums.ts';
import { makeSegment, readRange } from './contents.ts';
import { encryptionHeaders, wantedEncryption } from './encryption.ts';
import { s3Error } from './errors.ts';
import { bucketArn, objectArn } from './object-keys.ts';
import type { Bucket, StoredObject } from './s3-state.ts';
import { existingTags, taggingCount, tagsOfRequest } from './tagging.ts';
import * as writing from './writing.ts';

const putObject: S3Action = async (s3) => {
  const { call, address, keys, house } = s3;
  const { http } = call;
  const bucket = findBucket(s3, 's3:PutObject', { object: true, context: writing.putContext(s3) });
  writing.assertKeyFits(address.key);
  writing.assertMayReplace(s3, bucket);
  const tags = tagsOfRequest(s3);
  const wanted = wantedEncryption(call, bucket.encryption);
  const checksum = verifyChecksums(http);
  writing.assertRoom(s3, http.body.length);
  const { key, encryption } = await keys.make(call, bucket, address.key, wanted);
  const object: StoredObject = {
    ...{ key: address.key, size: http.body.length, checksum, checksumType: 'FULL_OBJECT', encryption },
    etag: writing.etagOf(http.body, encryption.kind),
    modifiedAt: call.at.toISOString(),
    ...{ headers: writing.keptHeaders(s3), tags },
    segments: [makeSegment(key, http.body, address.key)],
  };
  key.fill(0);
  bucket.objects.set(address.key, object);
  house.changed();
  call.trail.additionalEventData = {
    SSEApplied: writing.sseApplied(wanted),
    bytesTransferredIn: object.size,
  };
  return {
    headers: {
      ETag: object.etag,
      ...encryptionHeaders(encryption),
      ...writing.contextHeader(s3),
      [checksum[0]]: checksum[1],
      'x-amz-checksum-type': 'FULL_OBJECT',
    },
  };
};

const getObject: S3Action = async (s3) => {
  const { bucket, object } = findObject(s3);
  const early = preconditions(s3, object);
  if (early !== undefined) return early;
  const key = await s3.keys.open(s3.call, bucket, object.encryption);
  const range = rangeOf(s3, object.size);
  const part = readRange(key, object.segments, range ?? { from: 0, to: object.size - 1 });
  key.fill(0);
  s3.call.trail.additionalEventData = { bytesTransferredOut: part.length };
  return {
    ...(range === undefined ? {} : { status: 206 }),
    headers: {
      ...headersOf(
        object,
        s3.call.http.headers.get('x-amz-checksum-mode') === 'ENABLED' && range === undefined,
      ),
      ...taggingCount(s3, bucket, object),
      ...overrides(s3),
      ...(range === undefined ? {} : { 'Content-Range': `bytes ${range.from}-${range.to}/${object.size}` }),
    },
    body: part,
  };
};

/** KMS is asked only for the checksum: it is kept encrypted (API Reference, HeadObject, x-amz-checksum-mode). */
const headObject: S3Action = async (s3) => {
  const { bucket, object } = findObject(s3);
  const early = preconditions(s3, object);
  if (early !== undefined) return early;
  const withChecksum = s3.call.http.headers.get('x-amz-checksum-mode') === 'ENABLED';
  if (withChecksum) (await s3.keys.open(s3.call, bucket, object.encryption)).fill(0);
  const range = rangeOf(s3, object.size);
  return {
    ...(range === undefined ? {} : { status: 206 }),
    headers: {
      ...headersOf(object, withChecksum && range === undefined),
      ...taggingCount(s3, bucket, object),
      ...overrides(s3),
      ...(range === undefined ? {} : { 'Content-Range': `bytes ${range.from}-${range.to}/${object.size}` }),
      'Content-Length': String(range === undefined ? object.size : range.to - range.from + 1),
    },
  };
};

const deleteObject: S3Action = (s3) => {
  const bucket = findBucket(s3, 's3:DeleteObject', { object: true });
  bucket.objects.delete(s3.address.key);
  s3.house.changed();
  return { status: 204 };
};

export const objectActions = {
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: headObject,
  DeleteObject: deleteObject,
} satisfies Record<string, S3Action>;

/** Who may not list the bucket does not learn that an object is not there. */
export function findObject(s3: S3Call): { bucket: Bucket; object: StoredObject } {
  const { call, address, state } = s3;
  const context = existingTags(state.find(call.partition, address.bucket)?.objects.get(address.key));
  const bucket = findBucket(s3, 's3:GetObject', { object: true, context });
  call.trail.resources = [
    { accountId: bucket.ownerId, type: 'AWS::S3::Object', ARN: objectArn(bucket, address.key) },
  ];
  const object = bucket.objects.get(address.key);
  if (object !== undefined) return { bucket, object };
  call.authorize('s3:ListBucket', bucketArn(bucket), { resourceAccountId: bucket.ownerId });
  throw s3Error('NoSuchKey', 'The specified key does not exist.', { Key: address.key });
}

function headersOf(object: StoredObject, withChecksum: boolean): Record<string, string> {
  return {
    ...object.headers,
    ETag: object.etag,
    'Last-Modified': new Date(object.modifiedAt).toUTCString(),
    'Accept-Ranges': 'bytes',
    ...encryptionHeaders(object.encryption),
    ...(withChecksum
      ? { [object.checksum[0]]: object.checksum[1], 'x-amz-checksum-type': object.checksumType }
      : {}),
  };
}

/** `response-content-type=…` in the query of a signed GET. */
function overrides({ address }: S3Call): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of address.query)
    if (name.startsWith('response-') && /^[\u0020-\u007e]*$/.test(value)) headers[name.slice(9)] = value;
  return headers;
}

function preconditions({ call }: S3Call, object: StoredObject): Reply | undefined {
  const { headers } = call.http;
  const match = headers.get('if-match');
  if (match !== undefined && match !== '*' && !writing.sameTag(match, object.etag))
    throw s3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
      Condition: 'If-Match',
    });
  const noneMatch = headers.get('if-none-match');
  if (noneMatch !== undefined && writing.sameTag(noneMatch, object.etag))
    return { status: 304, headers: { ETag: object.etag } };
  return undefined;
}

/** One range of bytes; others are ignored, as RFC 9110 allows and S3 does. */
function rangeOf({ call }: S3Call, size: number): { from: number; to: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(call.http.headers.get('range') ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const [first, last] = [match[1] ?? '', match[2] ?? ''];
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (from > to)
    throw s3Error('InvalidRange', 'The requested range is not satisfiable', {
      ActualObjectSize: String(size),
    });
  return { from, to };
}
