import { uriDecode } from '../canonical-request.ts';
import { findBucket, type S3Action, type S3Call } from './action.ts';
import { CHECKSUM_ALGORITHMS, checksumOf, type ChecksumAlgorithm } from './checksums.ts';
import { makeSegment, readRange } from './contents.ts';
import { encryptionHeaders, wantedEncryption } from './encryption.ts';
import { notDone, s3Error } from './errors.ts';
import { findObject } from './objects.ts';
import type { Bucket, Checksum, StoredObject } from './s3-state.ts';
import { tagsOfCopy } from './tagging.ts';
import * as writing from './writing.ts';

export interface CopySource {
  readonly bucket: Bucket;
  readonly object: StoredObject;
  /** Asks KMS for the source's data key, as the caller. */
  readonly read: (range: { from: number; to: number }) => Promise<Buffer>;
}

/** What `x-amz-copy-source` names, if the caller may read it and the request's conditions hold. */
export function copySourceOf(s3: S3Call): CopySource {
  const header = s3.call.http.headers.get('x-amz-copy-source') ?? '';
  if (header.startsWith('arn:')) throw notDone('copies through access points');
  if (header.includes('?')) throw notDone('copies of a version');
  const match = /^\/?([^/]+)\/(.+)$/s.exec(uriDecode(header) ?? '');
  if (match === null)
    throw s3Error(
      'InvalidArgument',
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
      {
        ArgumentName: 'x-amz-copy-source',
      },
    );
  const address = { bucket: match[1] ?? '', key: match[2] ?? '', query: new Map<string, string>() };
  const { bucket, object } = findObject({ ...s3, address, source: true });
  assertConditions(s3, object);
  return {
    bucket,
    object,
    read: async (range) => {
      const key = await s3.keys.open(s3.call, bucket, object.encryption);
      const body = readRange(key, object.segments, range);
      key.fill(0);
      return body;
    },
  };
}

/** What goes with a copy is decrypted and encrypted anew, under the key that the request or the target's bucket wants. */
export const copyObject: S3Action = async (s3) => {
  const { call, address, keys, house } = s3;
  const bucket = findBucket(s3, 's3:PutObject', { object: true, context: writing.putContext(s3) });
  writing.assertKeyFits(address.key);
  const from = copySourceOf(s3);
  const { object: source, read } = from;
  const tags = tagsOfCopy(s3, from);
  const directive = call.http.headers.get('x-amz-metadata-directive') ?? 'COPY';
  if (directive !== 'COPY' && directive !== 'REPLACE')
    throw s3Error('InvalidArgument', 'Unknown metadata directive.', {
      ArgumentName: 'x-amz-metadata-directive',
    });
  const wanted = wantedEncryption(call, bucket.encryption);
  if (source === bucket.objects.get(address.key) && directive === 'COPY' && !wanted.byRequest)
    throw s3Error(
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  writing.assertMayReplace(s3, bucket);
  writing.assertRoom(s3, source.size);
  const body = await read({ from: 0, to: source.size - 1 });
  const checksum = checksumOfCopy(s3, source, body);
  const { key, encryption } = await keys.make(call, bucket, address.key, wanted);
  const object: StoredObject = {
    ...{ key: address.key, size: source.size, checksum, checksumType: 'FULL_OBJECT', encryption },
    etag: writing.etagOf(body, encryption.kind),
    modifiedAt: call.at.toISOString(),
    headers: directive === 'COPY' ? source.headers : writing.keptHeaders(s3),
    ...{ segments: [makeSegment(key, body, address.key)], tags },
  };
  key.fill(0);
  bucket.objects.set(address.key, object);
  house.changed();
  call.trail.additionalEventData = { SSEApplied: writing.sseApplied(wanted) };
  return {
    headers: { ...encryptionHeaders(encryption), ...writing.contextHeader(s3) },
    output: {
      CopyObjectResult: {
        LastModified: object.modifiedAt,
        ETag: object.etag,
        ChecksumType: 'FULL_OBJECT',
        ...checksumMember(checksum),
      },
    },
  };
};

/** As XML has it: `x-amz-checksum-crc32` is ChecksumCRC32. */
export function checksumMember([header, value]: Checksum): Record<string, string> {
  return { [`Checksum${header.slice('x-amz-checksum-'.length).toUpperCase()}`]: value };
}

/** The source's algorithm, unless the request names another. */
function checksumOfCopy({ call }: S3Call, source: StoredObject, body: Buffer): Checksum {
  const named = call.http.headers.get('x-amz-checksum-algorithm')?.toLowerCase();
  const algorithm = named ?? source.checksum[0].slice('x-amz-checksum-'.length);
  if (!isAlgorithm(algorithm))
    throw s3Error('InvalidRequest', 'The checksum is of an algorithm that the simulator does not know');
  return [`x-amz-checksum-${algorithm}`, checksumOf(algorithm, body).toString('base64')];
}

export function isAlgorithm(name: string): name is ChecksumAlgorithm {
  return (CHECKSUM_ALGORITHMS as readonly string[]).includes(name);
}

/** API Reference, CopyObject: a condition on the ETag that holds outweighs the one on the time. */
function assertConditions({ call }: S3Call, source: StoredObject): void {
  const header = (name: string) => call.http.headers.get(`x-amz-copy-source-if-${name}`);
  const failed = (Condition: string) =>
    s3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
      Condition: `x-amz-copy-source-If-${Condition}`,
    });
  const modified = Math.floor(Date.parse(source.modifiedAt) / 1000) * 1000;
  const [match, noneMatch] = [header('match'), header('none-match')];
  const [since, unmodifiedSince] = [header('modified-since'), header('unmodified-since')];
  if (match !== undefined && !writing.sameTag(match, source.etag)) throw failed('Match');
  if (match === undefined && unmodifiedSince !== undefined && modified > Date.parse(unmodifiedSince))
    throw failed('Unmodified-Since');
  if (noneMatch !== undefined && writing.sameTag(noneMatch, source.etag)) throw failed('None-Match');
  if (noneMatch === undefined && since !== undefined && modified <= Date.parse(since))
    throw failed('Modified-Since');
}
