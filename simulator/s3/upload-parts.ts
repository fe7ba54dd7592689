import { findBucket, type S3Action, type S3Call } from './action.ts';
import { checksumOf, verifyChecksums } from './checksums.ts';
import { makeSegment } from './contents.ts';
import { checksumMember, copySourceOf } from './copy-objects.ts';
import { encryptionHeaders } from './encryption.ts';
import { s3Error } from './errors.ts';
import type { Bucket, Checksum, Part, Upload } from './s3-state.ts';
import * as writing from './writing.ts';

const MAX_PARTS = 10_000;

/** The upload of the request. */
export function findUpload({ address }: S3Call, bucket: Bucket): Upload {
  const upload = bucket.uploads.get(address.query.get('uploadId') ?? '');
  if (upload?.key === address.key) return upload;
  throw s3Error(
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    { UploadId: address.query.get('uploadId') ?? '' },
  );
}

const uploadPart: S3Action = async (s3) => {
  const bucket = findBucket(s3, 's3:PutObject', { object: true });
  const upload = findUpload(s3, bucket);
  const { body } = s3.call.http;
  const checksum = checksumOfPart(s3, upload, verifyChecksums(s3.call.http));
  const part = await keepPart(s3, bucket, { upload, body, checksum });
  s3.call.trail.additionalEventData = { bytesTransferredIn: body.length };
  return {
    headers: { ETag: part.etag, ...encryptionHeaders(upload.encryption), [checksum[0]]: checksum[1] },
  };
};

const uploadPartCopy: S3Action = async (s3) => {
  const bucket = findBucket(s3, 's3:PutObject', { object: true });
  const upload = findUpload(s3, bucket);
  const { object: source, read } = copySourceOf(s3);
  const body = await read(copyRange(s3, source.size));
  const part = await keepPart(s3, bucket, { upload, body, checksum: ownChecksum(upload, body) });
  return {
    headers: encryptionHeaders(upload.encryption),
    output: {
      CopyPartResult: {
        LastModified: part.modifiedAt,
        ETag: part.etag,
        ...(upload.checksum.named ? checksumMember(part.checksum) : {}),
      },
    },
  };
};

export const partActions = {
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
} satisfies Record<string, S3Action>;

/** KMS is asked for each part, as AWS asks (kms:Decrypt): with its key disabled an upload cannot go on. */
async function keepPart(
  s3: S3Call,
  bucket: Bucket,
  { upload, body, checksum }: { upload: Upload; body: Buffer; checksum: Checksum },
): Promise<Part> {
  const { call, address, keys } = s3;
  const text = address.query.get('partNumber') ?? '';
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > MAX_PARTS)
    throw s3Error('InvalidArgument', `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`, {
      ArgumentName: 'partNumber',
    });
  writing.assertRoom(s3, body.length);
  const key = await keys.open(call, bucket, upload.encryption);
  const part: Part = {
    ...makeSegment(key, body, `${upload.id}/${number}`),
    ...{ etag: writing.etagOf(body, upload.encryption.kind), checksum },
    modifiedAt: call.at.toISOString(),
  };
  key.fill(0);
  // While KMS was asked it may have been aborted.
  findUpload(s3, bucket).parts.set(number, part);
  return part;
}

/**
 * A part must have the checksum that the upload was begun with; for the whole object's S3 computes those of parts itself, where they
 * do not come. Where the upload named none any will do: that is what the SDKs send unasked.
 */
function checksumOfPart({ call }: S3Call, upload: Upload, given: Checksum): Checksum {
  const { algorithm, named, type } = upload.checksum;
  const { headers, trailers } = call.http;
  const sent = headers.has(given[0]) || trailers.has(given[0]);
  const actual = sent ? given[0].slice('x-amz-checksum-'.length) : undefined;
  if (actual === algorithm || !named) return given;
  if (actual === undefined && type === 'FULL_OBJECT') return ownChecksum(upload, call.http.body);
  throw s3Error(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${algorithm}, actual checksum Type: ${actual ?? 'null'}`,
  );
}

function ownChecksum({ checksum }: Upload, body: Buffer): Checksum {
  return [`x-amz-checksum-${checksum.algorithm}`, checksumOf(checksum.algorithm, body).toString('base64')];
}

/** `bytes=first-last`, both given and within the source. */
function copyRange({ call }: S3Call, size: number): { from: number; to: number } {
  const header = call.http.headers.get('x-amz-copy-source-range');
  if (header === undefined) return { from: 0, to: size - 1 };
  const match = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header);
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || from > to)
    throw s3Error(
      'InvalidArgument',
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
      { ArgumentName: 'x-amz-copy-source-range' },
    );
  if (to >= size)
    throw s3Error('InvalidArgument', `Range specified is not valid for source object of size: ${size}`, {
      ArgumentName: 'x-amz-copy-source-range',
    });
  return { from, to };
}
