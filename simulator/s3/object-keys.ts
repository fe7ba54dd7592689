import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KmsForServices } from '../kms-for-services.ts';
import { dnsSuffixOf } from '../principal.ts';
import type { SimulatedCall } from '../service.ts';
import { fromKms } from './errors.ts';
import type { StoredEncryption, WantedEncryption } from './encryption.ts';
import type { Bucket } from './s3-state.ts';

interface BucketKey {
  readonly key: Buffer;
  readonly keyArn: string;
  readonly blob: string;
  readonly until: number;
}

/**
 * AWS does not say how long S3 keeps a bucket key ("a time-limited period"); with one an object can be read for that long after its
 * KMS key was disabled. Five minutes is our choice; `time.bucketKeyMs` shortens it.
 */
const BUCKET_KEY_MS = 5 * 60_000;
const MAX_CACHED = 1000;

/** Data keys of objects: from KMS, from a bucket key, or S3's own. */
export class ObjectKeys {
  readonly #kms: KmsForServices;
  readonly #bucketKeyMs: number;
  #own: Buffer = randomBytes(32);
  /** Bucket keys in use, by bucket, requester and KMS key or blob. */
  readonly #cache = new Map<string, BucketKey>();

  constructor(kms: KmsForServices, bucketKeyMs = BUCKET_KEY_MS) {
    this.#kms = kms;
    this.#bucketKeyMs = bucketKeyMs;
  }

  /** A new data key for an object. Throws what S3 answers when KMS refuses. */
  async make(
    call: SimulatedCall,
    bucket: Bucket,
    objectKey: string,
    wanted: WantedEncryption,
  ): Promise<{ key: Buffer; encryption: StoredEncryption }> {
    if (wanted.algorithm === 'AES256') {
      const key = randomBytes(32);
      return { key, encryption: { kind: 'AES256', dataKey: wrap(this.#own, key, '') } };
    }
    const keyId = wanted.keyId ?? (await this.#managedKey(call));
    if (!wanted.bucketKey) {
      const context = { ...wanted.context, 'aws:s3:arn': objectArn(bucket, objectKey) };
      const made = await this.#generate(call, keyId, context);
      return {
        key: made.plaintext,
        encryption: {
          ...{ kind: 'aws:kms', keyArn: made.keyArn, context },
          blob: made.ciphertextBlob.toString('base64'),
        },
      };
    }
    const bucketKey = await this.#bucketKey(call, bucket, keyId);
    const key = randomBytes(32);
    const context = { ...wanted.context, 'aws:s3:arn': objectArn(bucket, objectKey) };
    return {
      key,
      encryption: {
        ...{ kind: 'aws:kms', keyArn: bucketKey.keyArn, context, blob: bucketKey.blob },
        dataKey: wrap(bucketKey.key, key, JSON.stringify(context)),
      },
    };
  }

  /** The data key of a stored object. */
  async open(call: SimulatedCall, bucket: Bucket, encryption: StoredEncryption): Promise<Buffer> {
    if (encryption.kind === 'AES256') return unwrap(this.#own, encryption.dataKey, '');
    const { blob, context } = encryption;
    if (!('dataKey' in encryption)) return (await this.#decrypt(call, blob, context)).plaintext;
    const place = `${bucket.partition}/${bucket.name}/${call.principal.policyArn}/${blob}`;
    const cached = this.#cached(place, call);
    const key =
      cached?.key ?? (await this.#decrypt(call, blob, { 'aws:s3:arn': bucketArn(bucket) })).plaintext;
    if (cached === undefined) this.#keep(place, { key, blob, keyArn: encryption.keyArn }, call);
    return unwrap(key, encryption.dataKey, JSON.stringify(context));
  }

  save(): unknown {
    return this.#own.toString('base64');
  }

  load(saved: unknown): void {
    this.#own = Buffer.from(String(saved), 'base64');
  }

  /** Each requester's first use asks KMS, so that CloudTrail and the key policy see them all. */
  async #bucketKey(call: SimulatedCall, bucket: Bucket, keyId: string): Promise<BucketKey> {
    const place = `${bucket.partition}/${bucket.name}/${call.principal.policyArn}/${keyId}`;
    const cached = this.#cached(place, call);
    if (cached !== undefined) return cached;
    const made = await this.#generate(call, keyId, { 'aws:s3:arn': bucketArn(bucket) });
    return this.#keep(
      place,
      { key: made.plaintext, keyArn: made.keyArn, blob: made.ciphertextBlob.toString('base64') },
      call,
    );
  }

  #cached(place: string, call: SimulatedCall): BucketKey | undefined {
    const found = this.#cache.get(place);
    return found !== undefined && found.until > call.at.getTime() ? found : undefined;
  }

  #keep(place: string, key: Omit<BucketKey, 'until'>, call: SimulatedCall): BucketKey {
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear();
    const kept = { ...key, until: call.at.getTime() + this.#bucketKeyMs };
    this.#cache.set(place, kept);
    return kept;
  }

  async #managedKey(call: SimulatedCall): Promise<string> {
    return await forS3(call, 'DescribeKey', async (kms) => await this.#kms.managedKey(kms, 'alias/aws/s3'));
  }

  async #generate(call: SimulatedCall, keyId: string, context: Readonly<Record<string, string>>) {
    return await forS3(
      call,
      'GenerateDataKey',
      async (kms) => await this.#kms.generateDataKey(kms, keyId, context),
    );
  }

  async #decrypt(call: SimulatedCall, blob: string, context: Readonly<Record<string, string>>) {
    return await forS3(
      call,
      'Decrypt',
      async (kms) => await this.#kms.decrypt(kms, Buffer.from(blob, 'base64'), context),
    );
  }
}

async function forS3<T>(
  call: SimulatedCall,
  action: string,
  run: (kms: SimulatedCall) => Promise<T>,
): Promise<T> {
  const viaService = `s3.${call.region}.${dnsSuffixOf(call.region)}`;
  try {
    return await call.forward({ service: 'kms', action, viaService }, run);
  } catch (error) {
    throw fromKms(error);
  }
}

export function bucketArn(bucket: Pick<Bucket, 'partition' | 'name'>): string {
  return `arn:${bucket.partition}:s3:::${bucket.name}`;
}

export function objectArn(bucket: Pick<Bucket, 'partition' | 'name'>, key: string): string {
  return `${bucketArn(bucket)}/${key}`;
}

/** AES-256-GCM: IV, ciphertext, tag. */
export function seal(key: Buffer, data: Buffer, associated: string): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(associated));
  return Buffer.concat([iv, cipher.update(data), cipher.final(), cipher.getAuthTag()]);
}

export function unseal(key: Buffer, sealed: Buffer, associated: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(Buffer.from(associated)).setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
}

function wrap(wrapping: Buffer, key: Buffer, associated: string): string {
  return seal(wrapping, key, associated).toString('base64');
}

function unwrap(wrapping: Buffer, wrapped: string, associated: string): Buffer {
  return unseal(wrapping, Buffer.from(wrapped, 'base64'), associated);
}
