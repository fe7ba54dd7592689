import { seal, unseal } from './object-keys.ts';
import type { Segment } from './s3-state.ts';

/** A piece of an object, encrypted under its data key and bound to its place. */
export function makeSegment(key: Buffer, data: Buffer, associated: string): Segment {
  return { size: data.length, sealed: seal(key, data, associated), associated };
}

export function* segmentsOf(key: Buffer, segments: readonly Segment[]): Generator<Buffer> {
  for (const { sealed, associated } of segments) yield unseal(key, sealed, associated);
}

/** The bytes of a range, its last one included; only what is in it is decrypted. */
export function readRange(
  key: Buffer,
  segments: readonly Segment[],
  { from, to }: { from: number; to: number },
): Buffer {
  const found: Buffer[] = [];
  let start = 0;
  for (const { size, sealed, associated } of segments) {
    if (start <= to && start + size > from)
      found.push(unseal(key, sealed, associated).subarray(Math.max(0, from - start), to + 1 - start));
    start += size;
  }
  return Buffer.concat(found);
}
