import { AuthFault } from './auth-fault.ts';
import { sha256Hex } from './canonical-request.ts';
import type { HttpRequest } from './service.ts';

/*
 * S3 API, "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks", with and without signed
 * chunks, with and without trailing headers. It is what S3's SDKs send where they add a checksum to a stream.
 */

export const STREAMING = [
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
] as const;

export type StreamingKind = (typeof STREAMING)[number];

export function isStreaming(payloadHash: string): payloadHash is StreamingKind {
  return (STREAMING as readonly string[]).includes(payloadHash);
}

export interface ChunkSigning {
  readonly kind: StreamingKind;
  /** HMAC with the signing key, in hexadecimal digits. */
  sign(text: string): string;
  readonly timestamp: string;
  readonly scope: string;
  /** The request's own signature: each chunk's is made with the one before. */
  readonly seed: string;
}

const HEADER = /^([0-9a-fA-F]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?$/;
const EMPTY = sha256Hex('');

/** The body without its framing; throws an `AuthFault` for wrong framing, sizes or signatures. */
export function decodeChunks(
  request: HttpRequest,
  signing: ChunkSigning,
): { body: Buffer; trailers: Map<string, string> } {
  const signed = signing.kind !== 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
  const reader = new Lines(request.body);
  const parts: Buffer[] = [];
  let previous = signing.seed;
  for (;;) {
    const header = HEADER.exec(reader.line());
    if (header === null) throw malformed();
    const data = reader.bytes(Number.parseInt(header[1] ?? '', 16));
    if (signed) {
      const toSign = ['AWS4-HMAC-SHA256-PAYLOAD', signing.timestamp, signing.scope, previous, EMPTY];
      const expected = signing.sign([...toSign, sha256Hex(data)].join('\n'));
      if (header[2] !== expected) throw new AuthFault('signature', 'The signature of a chunk is not right');
      previous = expected;
    }
    if (data.length === 0) break;
    reader.end();
    parts.push(data);
  }
  const body = Buffer.concat(parts);
  const length = Number(request.headers.get('x-amz-decoded-content-length') ?? Number.NaN);
  if (length !== body.length)
    throw new AuthFault(
      'bad-chunks',
      'x-amz-decoded-content-length is missing or not the length of the body',
    );
  return { body, trailers: readTrailers(reader, request, signing, previous) };
}

function readTrailers(
  reader: Lines,
  request: HttpRequest,
  signing: ChunkSigning,
  previous: string,
): Map<string, string> {
  const trailers = new Map<string, string>();
  if (signing.kind === 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD') return trailers;
  let signature: string | undefined;
  for (let line = reader.line(); line !== ''; line = reader.line()) {
    const mark = line.indexOf(':');
    if (mark < 1) throw malformed();
    const name = line.slice(0, mark).toLowerCase();
    if (name === 'x-amz-trailer-signature') signature = line.slice(mark + 1).trim();
    else trailers.set(name, line.slice(mark + 1).trim());
  }
  const announced = (request.headers.get('x-amz-trailer') ?? '').split(',').map((name) => name.trim());
  if (announced.some((name) => name !== '' && !trailers.has(name.toLowerCase())))
    throw new AuthFault('bad-chunks', 'A header that x-amz-trailer announces did not come');
  if (signing.kind === 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER') {
    const lines = [...trailers].map(([name, value]) => `${name}:${value}\n`).join('');
    const toSign = ['AWS4-HMAC-SHA256-TRAILER', signing.timestamp, signing.scope, previous, sha256Hex(lines)];
    if (signature !== signing.sign(toSign.join('\n')))
      throw new AuthFault('signature', 'The signature of the trailing headers is not right');
  }
  return trailers;
}

function malformed(): AuthFault {
  return new AuthFault('bad-chunks', 'The body does not have the form of aws-chunked');
}

class Lines {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Up to CR LF, or what is left. */
  line(): string {
    const end = this.#bytes.indexOf('\r\n', this.#at);
    const text = this.#bytes.toString('latin1', this.#at, end === -1 ? this.#bytes.length : end);
    this.#at = end === -1 ? this.#bytes.length : end + 2;
    return text;
  }

  bytes(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw malformed();
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }

  /** The CR LF after a chunk's data. */
  end(): void {
    if (this.line() !== '') throw malformed();
  }
}
