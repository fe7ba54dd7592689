import type { BucketEncryption, StoredEncryption } from './encryption.ts';

export interface Bucket {
  readonly name: string;
  readonly ownerId: string;
  readonly partition: string;
  readonly region: string;
  readonly createdAt: string;
  encryption: BucketEncryption;
  readonly objects: Map<string, StoredObject>;
}

export interface StoredObject {
  readonly key: string;
  readonly size: number;
  /** With quotes. */
  readonly etag: string;
  readonly modifiedAt: string;
  /** Content-Type, Cache-Control and their like, and x-amz-meta-…, as they are sent back. */
  readonly headers: Readonly<Record<string, string>>;
  /** Header name and value, `x-amz-checksum-crc32: …`. */
  readonly checksum: readonly [header: string, value: string];
  readonly encryption: StoredEncryption;
  /** AES-256-GCM under the object's data key. */
  readonly sealed: Buffer;
}

type SavedBucket = Omit<Bucket, 'objects'> & {
  objects: (Omit<StoredObject, 'sealed'> & { sealed: string })[];
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
    for (const { objects } of this.#buckets.values())
      for (const object of objects.values()) held += object.size;
    return held <= MAX_BYTES;
  }

  save(): unknown {
    return [...this.#buckets.values()].map((bucket): SavedBucket => {
      const objects = [...bucket.objects.values()].map((object) =>
        Object.assign({}, object, { sealed: object.sealed.toString('base64') }),
      );
      return Object.assign({}, bucket, { objects });
    });
  }

  load(saved: unknown): void {
    for (const { objects, ...bucket } of saved as SavedBucket[]) {
      const restored = objects.map((object): [string, StoredObject] => [
        object.key,
        Object.assign({}, object, { sealed: Buffer.from(object.sealed, 'base64') }),
      ]);
      this.add({ ...bucket, objects: new Map(restored) });
    }
  }
}
