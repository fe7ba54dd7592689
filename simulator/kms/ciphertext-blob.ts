import type { EncryptAnswer } from '../xks/answers.ts';

/**
 * A CiphertextBlob. It names its key, so that Decrypt needs no KeyId. `inner` is what KMS's own key made; of a key in an external
 * key store `outer` is what the proxy made of that (all fields of its answer but the integrity value, as the XKS spec says).
 */
export type Blob =
  | { readonly keyArn: string; readonly origin: 'AWS_KMS'; readonly inner: Buffer }
  | { readonly keyArn: string; readonly origin: 'EXTERNAL_KEY_STORE'; readonly outer: EncryptAnswer };

const version = 1;
const origins = { AWS_KMS: 1, EXTERNAL_KEY_STORE: 2 } as const;

/** The beginning: version, origin, key ARN. It is authenticated with the inner layer. */
export function blobHead(origin: Blob['origin'], keyArn: string): Buffer {
  const arn = Buffer.from(keyArn);
  const head = Buffer.alloc(4);
  head.writeUInt8(version, 0);
  head.writeUInt8(origins[origin], 1);
  head.writeUInt16BE(arn.length, 2);
  return Buffer.concat([head, arn]);
}

export function encodeBlob(blob: Blob): Buffer {
  const head = blobHead(blob.origin, blob.keyArn);
  if (blob.origin === 'AWS_KMS') return Buffer.concat([head, blob.inner]);
  const { metadata, iv, tag, ciphertext } = blob.outer;
  return Buffer.concat([
    head,
    Buffer.of(metadata.length),
    metadata,
    Buffer.of(iv.length),
    iv,
    tag,
    ciphertext,
  ]);
}

/** Undefined for what no version of the simulator has written. */
export function decodeBlob(bytes: Buffer): Blob | undefined {
  const reader = new Reader(bytes);
  const [given, origin] = reader.take(2) ?? [];
  const arnLength = reader.take(2)?.readUInt16BE();
  if (given !== version || arnLength === undefined) return undefined;
  const keyArn = reader.take(arnLength)?.toString();
  if (keyArn === undefined) return undefined;
  if (origin === origins.AWS_KMS) return { keyArn, origin: 'AWS_KMS', inner: reader.rest() };
  if (origin !== origins.EXTERNAL_KEY_STORE) return undefined;
  const metadata = reader.take(reader.take(1)?.[0]);
  const iv = reader.take(reader.take(1)?.[0]);
  const tag = reader.take(16);
  if (metadata === undefined || iv === undefined || tag === undefined) return undefined;
  return {
    keyArn,
    origin: 'EXTERNAL_KEY_STORE',
    outer: { metadata, iv, tag, ciphertext: reader.rest() },
  };
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(length: number | undefined): Buffer | undefined {
    if (length === undefined || this.#at + length > this.#bytes.length) return undefined;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }
}
