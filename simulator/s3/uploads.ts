import { createHash, randomBytes } from 'node:crypto';
import { findBucket, type S3Action, type S3Call } from './action.ts';
import { CHECKSUM_ALGORITHMS, checksumOf, running } from './checksums.ts';
import { segmentsOf } from './contents.ts';
import { checksumMember, isAlgorithm } from './copy-objects.ts';
import { encryptionHeaders, wantedEncryption } from './encryption.ts';
import { s3Error } from './errors.ts';
import { malformed, member, readXml, repeated, text } from './read-xml.ts';
import type { Checksum, Part, StoredObject, Upload, UploadChecksum } from './s3-state.ts';
import { tagsOfRequest } from './tagging.ts';
import { findUpload } from './upload-parts.ts';
import * as writing from './writing.ts';

/** Of every part but the last. */
const MIN_PART = 5 * 1024 * 1024;
/** The simulator's own; AWS has none. */
const MAX_UPLOADS = 1000;

const createMultipartUpload: S3Action = async (s3) => {
  const { call, address, keys } = s3;
  const bucket = findBucket(s3, 's3:PutObject', { object: true, context: writing.putContext(s3) });
  writing.assertKeyFits(address.key);
  const checksum = wantedChecksum(s3);
  const tags = tagsOfRequest(s3);
  const wanted = wantedEncryption(call, bucket.encryption);
  if (bucket.uploads.size >= MAX_UPLOADS)
    throw s3Error('InvalidRequest', 'As many uploads are under way as the simulator takes; abort some');
  const { key, encryption } = await keys.make(call, bucket, address.key, wanted);
  key.fill(0);
  const upload: Upload = {
    ...{ id: randomBytes(48).toString('base64url'), key: address.key, encryption, checksum },
    initiatedAt: call.at.toISOString(),
    initiator: call.principal.arn,
    ...{ headers: writing.keptHeaders(s3), tags },
    parts: new Map(),
  };
  bucket.uploads.set(upload.id, upload);
  call.trail.additionalEventData = { SSEApplied: writing.sseApplied(wanted) };
  return {
    headers: {
      ...encryptionHeaders(encryption),
      ...writing.contextHeader(s3),
      ...(checksum.named
        ? {
            'x-amz-checksum-algorithm': checksum.algorithm.toUpperCase(),
            'x-amz-checksum-type': checksum.type,
          }
        : {}),
    },
    output: {
      InitiateMultipartUploadResult: { Bucket: bucket.name, Key: address.key, UploadId: upload.id },
    },
  };
};

const abortMultipartUpload: S3Action = (s3) => {
  const bucket = findBucket(s3, 's3:AbortMultipartUpload', { object: true });
  bucket.uploads.delete(findUpload(s3, bucket).id);
  return { status: 204 };
};

const completeMultipartUpload: S3Action = async (s3) => {
  const { call, address, keys, house } = s3;
  const bucket = findBucket(s3, 's3:PutObject', { object: true });
  const upload = findUpload(s3, bucket);
  const parts = chosenParts(upload, call.http.body);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const announced = call.http.headers.get('x-amz-mp-object-size');
  if (announced !== undefined && announced !== String(size))
    throw s3Error('InvalidRequest', 'x-amz-mp-object-size is not the size of all parts together');
  writing.assertMayReplace(s3, bucket);
  const key = await keys.open(call, bucket, upload.encryption);
  const checksum = checksumOfAll(upload, parts, key);
  key.fill(0);
  assertChecksum(s3, upload, checksum);
  const object: StoredObject = {
    ...{ key: address.key, size, checksum, checksumType: upload.checksum.type },
    ...{ encryption: upload.encryption, headers: upload.headers, segments: parts, tags: upload.tags },
    etag: etagOfAll(upload, parts),
    modifiedAt: call.at.toISOString(),
  };
  // While KMS was asked it may have been aborted, or completed by another.
  bucket.uploads.delete(findUpload(s3, bucket).id);
  bucket.objects.set(address.key, object);
  house.changed();
  return {
    headers: encryptionHeaders(upload.encryption),
    output: {
      CompleteMultipartUploadResult: {
        Location: `https://${call.http.headers.get('host') ?? ''}/${bucket.name}/${address.key}`,
        Bucket: bucket.name,
        Key: address.key,
        ETag: object.etag,
        ChecksumType: upload.checksum.type,
        ...checksumMember(checksum),
      },
    },
  };
};

export const uploadActions = {
  CreateMultipartUpload: createMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  CompleteMultipartUpload: completeMultipartUpload,
} satisfies Record<string, S3Action>;

/** S3 User Guide, "Checking object integrity": which algorithm can be of the whole object, and which of its parts. */
function wantedChecksum({ call }: S3Call): UploadChecksum {
  const { headers } = call.http;
  const name = headers.get('x-amz-checksum-algorithm')?.toLowerCase();
  const type = headers.get('x-amz-checksum-type');
  if (name === undefined) {
    if (type !== undefined)
      throw s3Error('InvalidRequest', 'The x-amz-checksum-type header needs x-amz-checksum-algorithm');
    return { algorithm: 'crc64nvme', type: 'FULL_OBJECT', named: false };
  }
  if (!isAlgorithm(name))
    throw s3Error('InvalidRequest', 'The checksum is of an algorithm that the simulator does not know');
  const chosen = type ?? (name === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE');
  const impossible = name === 'crc64nvme' ? 'COMPOSITE' : name.startsWith('sha') ? 'FULL_OBJECT' : '';
  if ((chosen !== 'FULL_OBJECT' && chosen !== 'COMPOSITE') || chosen === impossible)
    throw s3Error(
      'InvalidRequest',
      `The checksum type given cannot be used with the ${name} checksum algorithm.`,
    );
  return { algorithm: name, type: chosen, named: true };
}

/** The parts that the body names, in its order. */
function chosenParts(upload: Upload, body: Buffer): Part[] {
  const named = readParts(body);
  return named.map(({ number, etag, element }, index) => {
    const part = upload.parts.get(number);
    if (
      part === undefined ||
      !writing.sameTag(part.etag, etag) ||
      !hasChecksum(upload, part, element, number)
    )
      throw s3Error(
        'InvalidPart',
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        { PartNumber: String(number) },
      );
    if (part.size < MIN_PART && index < named.length - 1)
      throw s3Error(
        'EntityTooSmall',
        'Your proposed upload is smaller than the minimum allowed object size.',
        {
          ...{ ProposedSize: String(part.size), MinSizeAllowed: String(MIN_PART) },
          ...{ PartNumber: String(number), ETag: part.etag.replaceAll('"', '') },
        },
      );
    return part;
  });
}

function readParts(body: Buffer): { number: number; etag: string; element: unknown }[] {
  const elements = repeated(member(readXml(body), 'CompleteMultipartUpload'), 'Part');
  if (elements.length === 0) throw malformed();
  let last = 0;
  return elements.map((element) => {
    const number = Number(text(element, 'PartNumber') ?? Number.NaN);
    const etag = text(element, 'ETag');
    if (!Number.isInteger(number) || etag === undefined) throw malformed();
    if (number <= last)
      throw s3Error(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. Parts must be ordered by part number.',
      );
    last = number;
    return { number, etag, element };
  });
}

/** Of an upload with checksums of parts the body has each of them; of another it may. */
function hasChecksum({ checksum }: Upload, part: Part, given: unknown, number: number): boolean {
  const values = CHECKSUM_ALGORITHMS.map((name): [string, string | undefined] => [
    name,
    text(given, `Checksum${name.toUpperCase()}`),
  ]).filter(([, value]) => value !== undefined);
  if (values.length === 0 && checksum.type === 'COMPOSITE')
    throw s3Error(
      'InvalidRequest',
      `The upload was created using a ${checksum.algorithm} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
    );
  return values.every(
    ([name, value]) => part.checksum[0] === `x-amz-checksum-${name}` && value === part.checksum[1],
  );
}

function checksumOfAll({ checksum }: Upload, parts: readonly Part[], key: Buffer): Checksum {
  const header = `x-amz-checksum-${checksum.algorithm}`;
  if (checksum.type === 'COMPOSITE') {
    const sums = Buffer.concat(parts.map((part) => Buffer.from(part.checksum[1], 'base64')));
    return [header, `${checksumOf(checksum.algorithm, sums).toString('base64')}-${parts.length}`];
  }
  const whole = running(checksum.algorithm);
  for (const bytes of segmentsOf(key, parts)) whole.update(bytes);
  return [header, whole.digest().toString('base64')];
}

/** The object's checksum, where the request that completes it has it. */
function assertChecksum({ call }: S3Call, { checksum }: Upload, [header, value]: Checksum): void {
  const { headers } = call.http;
  const type = headers.get('x-amz-checksum-type');
  if (type !== undefined && type !== checksum.type)
    throw s3Error(
      'InvalidRequest',
      `The upload was created using the ${checksum.type} checksum mode. The complete request must use the same checksum mode.`,
    );
  for (const name of CHECKSUM_ALGORITHMS) {
    const given = headers.get(`x-amz-checksum-${name}`);
    if (given === undefined) continue;
    if (`x-amz-checksum-${name}` !== header || given.replace(/-\d+$/, '') !== value.replace(/-\d+$/, ''))
      throw s3Error('BadDigest', `The ${name} you specified did not match the calculated checksum.`);
  }
}

/** The MD5 of the parts' MD5s where S3 has the keys, and how many parts there were. */
function etagOfAll({ encryption }: Upload, parts: readonly Part[]): string {
  const sums = Buffer.concat(parts.map((part) => Buffer.from(part.etag.replaceAll('"', ''), 'hex')));
  const own = encryption.kind === 'AES256' ? createHash('md5').update(sums).digest() : randomBytes(16);
  return `"${own.toString('hex')}-${parts.length}"`;
}
