import { uriEncode } from '../canonical-request.ts';
import { findBucket, type S3Action, type S3Call } from './action.ts';
import { checksumMember } from './copy-objects.ts';
import { notDone, s3Error } from './errors.ts';
import { byBytes } from './list-objects.ts';
import type { Upload } from './s3-state.ts';
import { findUpload } from './upload-parts.ts';

const MOST = 1000;

/** Uploads under way, by key and then by when they began. */
export const listMultipartUploads: S3Action = (s3) => {
  const { query } = s3.address;
  const bucket = findBucket(s3, 's3:ListBucketMultipartUploads');
  if ((query.get('delimiter') ?? '') !== '') throw notDone('ListMultipartUploads with a delimiter');
  const [prefix, keyMarker] = [query.get('prefix') ?? '', query.get('key-marker') ?? ''];
  const idMarker = query.get('upload-id-marker') ?? '';
  const max = numberOf(s3, 'max-uploads', MOST);
  const inOrder = [...bucket.uploads.values()]
    .filter((upload) => upload.key.startsWith(prefix))
    .toSorted((a, b) => byBytes(a.key, b.key) || byBytes(orderOf(a), orderOf(b)));
  const marked = inOrder.find((upload) => upload.key === keyMarker && upload.id === idMarker);
  const rest = inOrder.filter((upload) => {
    const byKey = byBytes(upload.key, keyMarker);
    return byKey > 0 || (byKey === 0 && marked !== undefined && orderOf(upload) > orderOf(marked));
  });
  const shown = rest.slice(0, max);
  const last = shown.length < rest.length ? shown.at(-1) : undefined;
  const coded = query.get('encoding-type') === 'url';
  const show = (key: string): string => (coded ? uriEncode(key, true) : key);
  return {
    output: {
      ListMultipartUploadsResult: {
        Bucket: bucket.name,
        KeyMarker: show(keyMarker),
        UploadIdMarker: idMarker,
        ...(last === undefined ? {} : { NextKeyMarker: show(last.key), NextUploadIdMarker: last.id }),
        Prefix: show(prefix),
        ...(coded ? { EncodingType: 'url' } : {}),
        MaxUploads: max,
        IsTruncated: last !== undefined,
        Upload: shown.map((upload) =>
          Object.assign(
            { Key: show(upload.key), UploadId: upload.id, Initiated: upload.initiatedAt },
            ownersOf(upload, bucket.ownerId),
          ),
        ),
      },
    },
  };
};

export const listParts: S3Action = (s3) => {
  const bucket = findBucket(s3, 's3:ListMultipartUploadParts', { object: true });
  const upload = findUpload(s3, bucket);
  const max = numberOf(s3, 'max-parts', MOST);
  const marker = numberOf(s3, 'part-number-marker', 0);
  const rest = [...upload.parts].filter(([number]) => number > marker).toSorted(([a], [b]) => a - b);
  const shown = rest.slice(0, max);
  const isTruncated = shown.length < rest.length;
  return {
    output: {
      ListPartsResult: {
        Bucket: bucket.name,
        Key: upload.key,
        UploadId: upload.id,
        PartNumberMarker: marker,
        NextPartNumberMarker: shown.at(-1)?.[0] ?? 0,
        MaxParts: max,
        IsTruncated: isTruncated,
        Part: shown.map(([number, part]) =>
          Object.assign(
            {
              ...{ PartNumber: number, LastModified: part.modifiedAt },
              ...{ ETag: part.etag, Size: part.size },
            },
            upload.checksum.named ? checksumMember(part.checksum) : {},
          ),
        ),
        ...ownersOf(upload, bucket.ownerId),
      },
    },
  };
};

function ownersOf(upload: Upload, ownerId: string): object {
  return {
    Initiator: { ID: upload.initiator },
    Owner: { ID: ownerId },
    StorageClass: 'STANDARD',
    ...(upload.checksum.named
      ? { ChecksumAlgorithm: upload.checksum.algorithm.toUpperCase(), ChecksumType: upload.checksum.type }
      : {}),
  };
}

function orderOf(upload: Upload): string {
  return `${upload.initiatedAt}/${upload.id}`;
}

/** At most a thousand, where it is how many to show. */
function numberOf({ address }: S3Call, name: string, otherwise: number): number {
  const given = address.query.get(name) ?? '';
  if (given === '') return otherwise;
  if (!/^\d{1,9}$/.test(given))
    throw s3Error('InvalidArgument', `Argument ${name} must be an integer between 0 and 2147483647`, {
      ArgumentName: name,
    });
  return name.startsWith('max-') ? Math.min(Number(given), MOST) : Number(given);
}
