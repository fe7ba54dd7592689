import { uriEncode } from '../canonical-request.ts';
import { findBucket, type S3Action, type S3Call } from './action.ts';
import { s3Error } from './errors.ts';
import type { StoredObject } from './s3-state.ts';

interface Listed {
  readonly contents: StoredObject[];
  readonly prefixes: string[];
  /** The last key or common prefix given, where there is more. */
  readonly next?: string;
}

/** What both lists have: in the order of the keys' UTF-8 bytes. */
function answer(s3: S3Call, after: string) {
  const { query } = s3.address;
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const bucket = findBucket(s3, 's3:ListBucket', { context: { 's3:prefix': prefix } });
  const text = query.get('max-keys') ?? '1000';
  if (!/^\d{1,9}$/.test(text))
    throw s3Error('InvalidArgument', 'Argument maxKeys must be an integer between 0 and 2147483647', {
      ArgumentName: 'maxKeys',
    });
  const maxKeys = Math.min(Number(text), 1000);
  const listed = list([...bucket.objects.values()], { prefix, delimiter, after, maxKeys });
  const coded = query.get('encoding-type') === 'url';
  const show = (key: string): string => (coded ? uriEncode(key, true) : key);
  const withOwner = query.get('list-type') !== '2' || query.get('fetch-owner') === 'true';
  return {
    listed,
    show,
    head: {
      Name: bucket.name,
      Prefix: show(prefix),
      ...(delimiter === '' ? {} : { Delimiter: show(delimiter) }),
      ...(coded ? { EncodingType: 'url' } : {}),
      MaxKeys: maxKeys,
      IsTruncated: listed.next !== undefined,
    },
    tail: {
      Contents: listed.contents.map((object) => ({
        Key: show(object.key),
        LastModified: object.modifiedAt,
        ETag: object.etag,
        ChecksumAlgorithm: object.checksum[0].replace('x-amz-checksum-', '').toUpperCase(),
        ChecksumType: object.checksumType,
        Size: object.size,
        StorageClass: 'STANDARD',
        ...(withOwner ? { Owner: { ID: bucket.ownerId } } : {}),
      })),
      CommonPrefixes: listed.prefixes.map((one) => ({ Prefix: show(one) })),
    },
  };
}

export const listObjectsV2: S3Action = (s3) => {
  const { query } = s3.address;
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after');
  const { listed, show, head, tail } = answer(
    s3,
    token === undefined ? (startAfter ?? '') : readToken(token),
  );
  return {
    output: {
      ListBucketResult: {
        ...head,
        ...(token === undefined ? {} : { ContinuationToken: token }),
        ...(startAfter === undefined ? {} : { StartAfter: show(startAfter) }),
        ...(listed.next === undefined ? {} : { NextContinuationToken: makeToken(listed.next) }),
        KeyCount: listed.contents.length + listed.prefixes.length,
        ...tail,
      },
    },
  };
};

/** The first version, of older clients: they go on after the last key, or with a delimiter after NextMarker. */
export const listObjects: S3Action = (s3) => {
  const { query } = s3.address;
  const marker = query.get('marker') ?? '';
  const { listed, show, head, tail } = answer(s3, marker);
  const withNext = listed.next !== undefined && (query.get('delimiter') ?? '') !== '';
  return {
    output: {
      ListBucketResult: {
        ...head,
        Marker: show(marker),
        ...(withNext ? { NextMarker: show(listed.next) } : {}),
        ...tail,
      },
    },
  };
};

function list(
  objects: readonly StoredObject[],
  {
    prefix,
    delimiter,
    after,
    maxKeys,
  }: { prefix: string; delimiter: string; after: string; maxKeys: number },
): Listed {
  const contents: StoredObject[] = [];
  const prefixes: string[] = [];
  let last = '';
  const inOrder = objects.toSorted((a, b) => byBytes(a.key, b.key));
  for (const object of inOrder) {
    if (!object.key.startsWith(prefix)) continue;
    const end = delimiter === '' ? -1 : object.key.indexOf(delimiter, prefix.length);
    const common = end === -1 ? undefined : object.key.slice(0, end + delimiter.length);
    const place = common ?? object.key;
    if (common !== undefined && common === prefixes.at(-1)) continue;
    if (after !== '' && (byBytes(place, after) <= 0 || byBytes(object.key, after) <= 0)) continue;
    if (contents.length + prefixes.length >= maxKeys)
      return maxKeys === 0 ? { contents, prefixes } : { contents, prefixes, next: last };
    if (common === undefined) contents.push(object);
    else prefixes.push(common);
    last = place;
  }
  return { contents, prefixes };
}

export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function makeToken(last: string): string {
  return Buffer.from(`1:${last}`).toString('base64url');
}

function readToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (!text.startsWith('1:'))
    throw s3Error('InvalidArgument', 'The continuation token provided is incorrect', {
      ArgumentName: 'continuation-token',
    });
  return text.slice(2);
}
