import type { ChecksumAlgorithm } from './checksums.ts';
import type { BucketEncryption, StoredEncryption } from './encryption.ts';

export interface Bucket {
  readonly name: string;
  readonly ownerId: string;
  readonly partition: string;
  readonly region: string;
  readonly createdAt: string;
  encryption: BucketEncryption;
  /** Undefined where it was taken away. */
  publicAccessBlock: PublicAccessBlock | undefined;
  readonly objects: Map<string, StoredObject>;
  /** Uploads in parts that are under way, by their id. */
  readonly uploads: Map<string, Upload>;
}

export interface PublicAccessBlock {
  readonly BlockPublicAcls: boolean;
  readonly IgnorePublicAcls: boolean;
  readonly BlockPublicPolicy: boolean;
  readonly RestrictPublicBuckets: boolean;
}

/** A piece of an object: all of it, or a part of an upload. */
export interface Segment {
  readonly size: number;
  /** AES-256-GCM under the object's data key. */
  readonly sealed: Buffer;
  /** What it is sealed with beside the key. */
  readonly associated: string;
}

/** Header name and value, `x-amz-checksum-crc32: …`. */
export type Checksum = readonly [header: string, value: string];

export interface Part extends Segment {
  readonly etag: string;
  readonly modifiedAt: string;
  readonly checksum: Checksum;
}

/** Of an object: keys and values, no key twice. */
export type Tags = readonly (readonly [key: string, value: string])[];

export interface Upload {
  readonly id: string;
  readonly key: string;
  readonly initiatedAt: string;
  /** ARN. */
  readonly initiator: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tags: Tags;
  readonly encryption: StoredEncryption;
  readonly checksum: UploadChecksum;
  readonly parts: Map<number, Part>;
}

/** Of the whole object, or of the checksums of its parts. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** What an upload was begun with. Where that named no algorithm, S3 computes the object's CRC-64/NVME by itself. */
export interface UploadChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly named: boolean;
}

export interface StoredObject {
  readonly key: string;
  readonly size: number;
  /** With quotes. */
  readonly etag: string;
  readonly modifiedAt: string;
  /** Content-Type, Cache-Control and their like, and x-amz-meta-…, as they are sent back. */
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum: Checksum;
  readonly checksumType: ChecksumType;
  readonly encryption: StoredEncryption;
  readonly segments: readonly Segment[];
  /** Objects of an older state file have none. */
  readonly tags?: Tags;
}

/** A state file of before objects had segments has them in one piece. */
type SavedObject = Omit<StoredObject, 'segments' | 'checksumType'> & {
  checksumType?: ChecksumType;
  segments?: Saved<Segment>[];
  sealed?: string;
};
type Saved<T extends { sealed: Buffer }> = Omit<T, 'sealed'> & { sealed: string };
/** Uploads under way are not kept: after a restart a client begins again. */
type SavedBucket = Omit<Bucket, 'objects' | 'uploads'> & {
  objects: SavedObject[];
};

/** What all buckets together may hold: they are in memory. */
const MAX_BYTES = 512 * 1024 * 1024;

/** All buckets; their names are taken for everybody of a partition. */
export class S3State {
  #buckets = new Map<string, Bucket>();

  find(partition: string, name: string): Bucket | undefined {
    return this.#buckets.get(`${partition}/${name}`);
  }

  add(bucket: Bucket): void {
    this.#buckets.set(`${bucket.partition}/${bucket.name}`, bucket);
  }

  remove(bucket: Bucket): void {
    this.#buckets.delete(`${bucket.partition}/${bucket.name}`);
  }

  of(accountId: string): Bucket[] {
    return [...this.#buckets.values()].filter((bucket) => bucket.ownerId === accountId);
  }

  hasRoomFor(size: number): boolean {
    let held = size;
    for (const { objects, uploads } of this.#buckets.values()) {
      for (const object of objects.values()) held += object.size;
      for (const { parts } of uploads.values()) for (const part of parts.values()) held += part.size;
    }
    return held <= MAX_BYTES;
  }

  save(): unknown {
    return [...this.#buckets.values()].map((bucket): SavedBucket => {
      const objects = [...bucket.objects.values()].map(savedObject);
      return Object.assign({}, bucket, { objects, uploads: undefined });
    });
  }

  load(saved: unknown): void {
    for (const { objects, ...bucket } of saved as SavedBucket[])
      this.add({
        ...bucket,
        objects: new Map(objects.map((object) => [object.key, restored(object)])),
        uploads: new Map(),
      });
  }
}

function savedObject(object: StoredObject): SavedObject {
  const segments = object.segments.map((one) =>
    Object.assign({}, one, { sealed: one.sealed.toString('base64') }),
  );
  return { ...object, segments };
}

function restored({
  segments,
  sealed = '',
  checksumType = 'FULL_OBJECT',
  ...object
}: SavedObject): StoredObject {
  const pieces = segments ?? [{ size: object.size, sealed, associated: object.key }];
  return {
    ...object,
    checksumType,
    segments: pieces.map((one) => Object.assign({}, one, { sealed: Buffer.from(one.sealed, 'base64') })),
  };
}
