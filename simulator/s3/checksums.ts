import { createHash, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { HttpRequest } from '../service.ts';
import { s3Error } from './errors.ts';

/*
 * S3 User Guide, "Checking object integrity". The SDKs send a CRC by default, in a header or trailing; where none came S3 computes
 * CRC-64/NVME itself. Values are base 64, CRCs big-endian.
 */

export const CHECKSUM_ALGORITHMS = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** A checksum as it is computed over one piece after another. */
export interface Running {
  update(data: Buffer): void;
  digest(): Buffer;
}

export function running(algorithm: ChecksumAlgorithm): Running {
  if (algorithm === 'sha1' || algorithm === 'sha256') return createHash(algorithm);
  if (algorithm === 'crc64nvme') return new Crc64Nvme();
  const next = algorithm === 'crc32' ? crc32 : crc32c;
  let crc = 0;
  return {
    update: (data) => (crc = next(data, crc)),
    digest: () => bigEndian(crc),
  };
}

/** Of one piece. */
export function checksumOf(algorithm: ChecksumAlgorithm, data: Buffer): Buffer {
  const one = running(algorithm);
  one.update(data);
  return one.digest();
}

/** Checks what came with the body; gives the one checksum that is kept with the object. */
export function verifyChecksums(request: HttpRequest): readonly [header: string, value: string] {
  const md5 = request.headers.get('content-md5');
  if (md5 !== undefined) {
    if (Buffer.from(md5, 'base64').length !== 16)
      throw s3Error('InvalidDigest', 'The Content-MD5 you specified is not valid.');
    if (!same(md5, createHash('md5').update(request.body).digest()))
      throw s3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
  let kept: readonly [string, string] | undefined;
  for (const name of CHECKSUM_ALGORITHMS) {
    const header = `x-amz-checksum-${name}`;
    const given = request.headers.get(header) ?? request.trailers.get(header);
    if (given === undefined) continue;
    if (kept !== undefined)
      throw s3Error(
        'InvalidRequest',
        'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
      );
    if (!same(given, checksumOf(name, request.body)))
      throw s3Error(
        'BadDigest',
        `The ${name.toUpperCase()} you specified did not match the calculated checksum.`,
      );
    kept = [header, given];
  }
  const unknown = [...request.headers.keys(), ...request.trailers.keys()].find(
    (name) =>
      name.startsWith('x-amz-checksum-') &&
      !['x-amz-checksum-mode', 'x-amz-checksum-algorithm', 'x-amz-checksum-type'].includes(name) &&
      !(CHECKSUM_ALGORITHMS as readonly string[]).includes(name.slice('x-amz-checksum-'.length)),
  );
  if (unknown !== undefined)
    throw s3Error('InvalidRequest', 'The checksum is of an algorithm that the simulator does not know');
  return kept ?? ['x-amz-checksum-crc64nvme', checksumOf('crc64nvme', request.body).toString('base64')];
}

function same(base64: string, bytes: Buffer): boolean {
  const given = Buffer.from(base64, 'base64');
  return given.length === bytes.length && timingSafeEqual(given, bytes);
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

const CASTAGNOLI = table32(0x82_f6_3b_78);

function crc32c(data: Buffer, before: number): number {
  let crc = ~before;
  for (const byte of data) crc = (CASTAGNOLI[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return ~crc;
}

function table32(polynomial: number): Int32Array {
  const table = new Int32Array(256);
  for (let index = 0; index < 256; index += 1) {
    let value = index;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    table[index] = value;
  }
  return table;
}

/** CRC-64/NVME, reflected, in two halves: a BigInt for each byte would be slow. */
const [NVME_HIGH, NVME_LOW] = table64(0x9a_6c_93_29, 0xac_4b_c9_b5);

class Crc64Nvme implements Running {
  #high = ~0;
  #low = ~0;

  update(data: Buffer): void {
    let [high, low] = [this.#high, this.#low];
    for (const byte of data) {
      const index = (low ^ byte) & 0xff;
      low = (NVME_LOW[index] ?? 0) ^ ((low >>> 8) | (high << 24));
      high = (NVME_HIGH[index] ?? 0) ^ (high >>> 8);
    }
    [this.#high, this.#low] = [high, low];
  }

  digest(): Buffer {
    return Buffer.concat([bigEndian(~this.#high), bigEndian(~this.#low)]);
  }
}

function table64(polynomialHigh: number, polynomialLow: number): [Int32Array, Int32Array] {
  const [highs, lows] = [new Int32Array(256), new Int32Array(256)];
  for (let index = 0; index < 256; index += 1) {
    let [high, low] = [0, index];
    for (let bit = 0; bit < 8; bit += 1) {
      const carry = low & 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (carry) {
        low ^= polynomialLow;
        high ^= polynomialHigh;
      }
    }
    highs[index] = high;
    lows[index] = low;
  }
  return [highs, lows];
}
