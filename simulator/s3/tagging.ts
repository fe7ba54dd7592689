import { parseQuery } from '../canonical-request.ts';
import type { Reply } from '../service.ts';
import { ServiceError } from '../service-error.ts';
import { findBucket, type S3Action, type S3Call } from './action.ts';
import { s3Error } from './errors.ts';
import { objectArn } from './object-keys.ts';
import { malformed, member, readXml, repeated, text } from './read-xml.ts';
import type { Bucket, StoredObject, Tags } from './s3-state.ts';

/*
 * Tags of objects (S3 User Guide, "Categorizing your objects using tags"). They are no part of what SSE-KMS encrypts: KMS is not
 * asked for them, so they are read and changed while the key is disabled.
 */

/** S3 User Guide, "Categorizing your objects using tags"; lengths in UTF-16 units, as S3 counts. */
const MAX_TAGS = 10;
const MAX_KEY = 128;
const MAX_VALUE = 256;
const CHARACTERS = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

const getObjectTagging: S3Action = (s3) => {
  const { object } = findTagged(s3, 's3:GetObjectTagging');
  return { output: { Tagging: { TagSet: tagSet(object.tags ?? []) } } };
};

const putObjectTagging: S3Action = (s3) => {
  const tags = readTagging(s3.call.http.body);
  return replace(s3, tags, { action: 's3:PutObjectTagging', status: 200 });
};

const deleteObjectTagging: S3Action = (s3) =>
  replace(s3, [], { action: 's3:DeleteObjectTagging', status: 204 });

export const taggingActions = {
  GetObjectTagging: getObjectTagging,
  PutObjectTagging: putObjectTagging,
  DeleteObjectTagging: deleteObjectTagging,
} satisfies Record<string, S3Action>;

/** The tags that a request which writes an object gives it, by `x-amz-tagging`; they take a permission of their own. */
export function tagsOfRequest(s3: S3Call): Tags {
  const header = s3.call.http.headers.get('x-amz-tagging');
  if (header === undefined || header === '') return [];
  const pairs = parseQuery(header.replaceAll('+', '%20'));
  if (pairs === undefined || new Set(pairs.map(([key]) => key)).size < pairs.length)
    throw s3Error(
      'InvalidArgument',
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
      { ArgumentName: 'x-amz-tagging' },
    );
  return authorized(s3, valid(pairs));
}

/**
 * Of a copy: the request's own, or the source's, which takes s3:GetObjectTagging of it where it has any (API Reference,
 * CopyObject, x-amz-tagging-directive).
 */
export function tagsOfCopy(s3: S3Call, source: { bucket: Bucket; object: StoredObject }): Tags {
  const directive = s3.call.http.headers.get('x-amz-tagging-directive') ?? 'COPY';
  if (directive === 'REPLACE') return tagsOfRequest(s3);
  if (directive !== 'COPY')
    throw s3Error('InvalidArgument', 'Unknown tagging directive.', {
      ArgumentName: 'x-amz-tagging-directive',
    });
  const { bucket, object } = source;
  const tags = object.tags ?? [];
  if (tags.length === 0) return tags;
  s3.call.authorize('s3:GetObjectTagging', objectArn(bucket, object.key), {
    resourceAccountId: bucket.ownerId,
    context: existingTags(object),
  });
  return authorized(s3, tags);
}

/** How many there are, for whoever may read them. */
export function taggingCount(s3: S3Call, bucket: Bucket, object: StoredObject): Record<string, string> {
  const count = object.tags?.length ?? 0;
  if (count === 0) return {};
  try {
    s3.call.authorize('s3:GetObjectTagging', objectArn(bucket, object.key), {
      resourceAccountId: bucket.ownerId,
      context: existingTags(object),
    });
    return { 'x-amz-tagging-count': String(count) };
  } catch (error) {
    if (error instanceof ServiceError) return {};
    throw error;
  }
}

/** Condition keys of whoever reads an object or its tags. */
export function existingTags(object: StoredObject | undefined): Record<string, string> {
  return keyed('s3:ExistingObjectTag/', object?.tags ?? []);
}

function keyed(prefix: string, tags: Tags): Record<string, string> {
  return Object.fromEntries(tags.map(([key, value]) => [`${prefix}${key}`, value]));
}

function authorized(s3: S3Call, tags: Tags): Tags {
  if (tags.length > 0)
    findBucket(s3, 's3:PutObjectTagging', {
      object: true,
      context: keyed('s3:RequestObjectTag/', tags),
    });
  return tags;
}

function findTagged(
  s3: S3Call,
  action: string,
  context: Record<string, string> = {},
): { bucket: Bucket; object: StoredObject } {
  const { call, address, state } = s3;
  const there = state.find(call.partition, address.bucket)?.objects.get(address.key);
  const bucket = findBucket(s3, action, {
    object: true,
    context: { ...existingTags(there), ...context },
  });
  if (there === undefined)
    throw s3Error('NoSuchKey', 'The specified key does not exist.', { Key: address.key });
  return { bucket, object: there };
}

function replace(s3: S3Call, tags: Tags, { action, status }: { action: string; status: number }): Reply {
  const { bucket, object } = findTagged(s3, action, keyed('s3:RequestObjectTag/', tags));
  bucket.objects.set(object.key, { ...object, tags });
  s3.house.changed();
  return { status };
}

function readTagging(body: Buffer): Tags {
  const set = member(readXml(body), 'Tagging', 'TagSet');
  if (set === undefined) throw malformed();
  return valid(
    repeated(set, 'Tag').map((tag): [string, string] => {
      const [key, value] = [text(tag, 'Key'), text(tag, 'Value')];
      if (key === undefined || value === undefined) throw malformed();
      return [key, value];
    }),
  );
}

function valid(tags: readonly (readonly [string, string])[]): Tags {
  if (tags.length > MAX_TAGS) throw s3Error('BadRequest', `Object tags cannot be greater than ${MAX_TAGS}`);
  const keys = new Set<string>();
  for (const [TagKey, value] of tags) {
    if (TagKey === '' || TagKey.length > MAX_KEY || !CHARACTERS.test(TagKey))
      throw s3Error('InvalidTag', 'The TagKey you have provided is invalid', { TagKey });
    if (/^aws:/i.test(TagKey))
      throw s3Error('InvalidTag', 'User-defined tag keys cannot start with aws:', { TagKey });
    if (value.length > MAX_VALUE || !CHARACTERS.test(value))
      throw s3Error('InvalidTag', 'The TagValue you have provided is invalid', { TagKey });
    if (keys.has(TagKey))
      throw s3Error('InvalidTag', 'Cannot provide multiple Tags with the same key', { TagKey });
    keys.add(TagKey);
  }
  return tags;
}

function tagSet(tags: Tags): object {
  return { Tag: tags.map(([Key, Value]) => ({ Key, Value })) };
}
