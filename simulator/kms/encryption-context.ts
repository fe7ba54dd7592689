import type { EncryptionContext } from '../kms-for-services.ts';
import { validation } from './errors.ts';
import type { Input } from './input.ts';

/** KMS's limit, and what every XKS proxy must take as additional data (XKS spec, Encrypt). */
const largest = 8192;

export function readEncryptionContext(input: Input, name = 'EncryptionContext'): EncryptionContext {
  const context = input.map(name);
  checkEncryptionContext(context);
  return context;
}

export function checkEncryptionContext(context: EncryptionContext): void {
  if (Object.keys(context).some((key) => key === ''))
    throw validation('An encryption context has no empty keys');
  if (Buffer.byteLength(JSON.stringify(context)) > largest)
    throw validation(`An encryption context has at most ${largest} bytes as JSON`);
}

/**
 * One form for all contexts with the same pairs, in whatever order they came: pairs ordered by the bytes of their keys, each key and
 * value after its length in two bytes. Nothing for the empty context. Never longer than the context's JSON, so within the limit.
 */
export function encodeContext(context: EncryptionContext): Buffer {
  const pairs = Object.entries(context)
    .map(([key, value]) => ({ key: Buffer.from(key), value: Buffer.from(value) }))
    .toSorted((one, other) => Buffer.compare(one.key, other.key));
  return Buffer.concat(pairs.flatMap(({ key, value }) => [length(key), key, length(value), value]));
}

function length(bytes: Buffer): Buffer {
  const two = Buffer.alloc(2);
  two.writeUInt16BE(bytes.length);
  return two;
}
