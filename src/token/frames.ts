import { aadForms } from '../config/profile.ts';
import { tokenFaults, TokenError } from './faults.ts';
import type { KeyAttributes, TokenRequest, TokenRequestKind, TokenResponses } from './messages.ts';

/*
 * The wire form of the messages, both ends in this file. Binary, because the hop's price is what the two processes
 * spend on it: no Base64, no JSON, one copy.
 *
 * frame    = length(u32, of what follows) ‖ id(u32) ‖ code(u8) ‖ fields
 * request  : code = index in `kinds`; first field is the deadline (f64, milliseconds of the machine's monotonic clock)
 * response : code = 0 for an answer, 1 for a fault; first field is the token time (u32, microseconds)
 */

const kinds = [
  'encrypt',
  'decrypt',
  'generateKey',
  'destroyKey',
  'inspectKey',
  'findKey',
  'protect',
  'reveal',
  'health',
] as const satisfies readonly TokenRequestKind[];

/** No message is larger: a plaintext and an AAD of 64 KiB each, and room for the rest. */
export const maxFrameBytes = 192 * 1024;

class Writer {
  #buffer: Buffer;
  #at = 4;

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  u8(value: number): void {
    this.#buffer[this.#at++] = value;
  }

  u32(value: number): void {
    this.#at = this.#buffer.writeUInt32BE(value, this.#at);
  }

  f64(value: number): void {
    this.#at = this.#buffer.writeDoubleBE(value, this.#at);
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  frame(): Buffer {
    this.#buffer.writeUInt32BE(this.#at - 4, 0);
    return this.#buffer.subarray(0, this.#at);
  }
}

class Reader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#at++);
  }

  u32(): number {
    this.#at += 4;
    return this.#buffer.readUInt32BE(this.#at - 4);
  }

  f64(): number {
    this.#at += 8;
    return this.#buffer.readDoubleBE(this.#at - 8);
  }

  /** A view into the frame: valid as long as the frame's buffer is. */
  bytes(): Buffer {
    const length = this.u32();
    const end = this.#at + length;
    if (end > this.#buffer.length) throw new RangeError('a field ends beyond its frame');
    const view = this.#buffer.subarray(this.#at, end);
    this.#at = end;
    return view;
  }

  text(): string {
    return this.bytes().toString('utf8');
  }
}

const empty = Buffer.alloc(0);

/** Cuts a byte stream into frames. Frames are views into the chunks where they arrive whole. */
export class FrameCutter {
  #rest: Buffer = empty;

  /** Every whole frame that `chunk` completes, without its length. Throws RangeError on an impossible length. */
  push(chunk: Buffer): Buffer[] {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Buffer[] = [];
    while (data.length >= 4) {
      const length = data.readUInt32BE(0);
      if (length > maxFrameBytes) throw new RangeError('a frame is larger than any message');
      if (data.length < 4 + length) break;
      frames.push(data.subarray(4, 4 + length));
      data = data.subarray(4 + length);
    }
    // A copy: the chunk's buffer may be read into again.
    this.#rest = data.length === 0 ? empty : Buffer.from(data);
    return frames;
  }
}

export interface RequestFrame {
  id: number;
  /** Milliseconds of the machine's monotonic clock (`monotonicNow`); the host skips what is due already. */
  deadline: number;
  request: TokenRequest;
}

/** Milliseconds of CLOCK_MONOTONIC: the same clock in every process of the machine, unlike `performance.now()`. */
export function monotonicNow(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

export function writeRequest({ id, deadline, request }: RequestFrame): Buffer {
  const w = new Writer(64 + requestBytes(request));
  w.u32(id);
  w.u8(kinds.indexOf(request.kind));
  w.f64(deadline);
  switch (request.kind) {
    case 'encrypt':
      w.bytes(request.key);
      w.u8(aadForms.indexOf(request.aadForm));
      w.bytes(request.aad);
      w.bytes(request.metadata);
      w.bytes(request.plaintext);
      w.u8(request.verify ? 1 : 0);
      break;
    case 'decrypt':
      w.bytes(request.key);
      w.u8(aadForms.indexOf(request.aadForm));
      w.bytes(request.aad);
      w.bytes(request.metadata);
      w.bytes(request.iv);
      w.bytes(request.ciphertext);
      w.bytes(request.tag);
      break;
    case 'generateKey':
      w.bytes(request.key);
      w.bytes(Buffer.from(request.label));
      w.u8(request.encrypt ? 1 : 0);
      w.u8(request.decrypt ? 1 : 0);
      break;
    case 'destroyKey':
    case 'inspectKey':
      w.bytes(request.key);
      break;
    case 'findKey':
      w.bytes(Buffer.from(request.label));
      break;
    case 'protect':
      w.bytes(Buffer.from(request.context));
      w.bytes(request.secret);
      break;
    case 'reveal':
      w.bytes(Buffer.from(request.context));
      w.bytes(request.sealed);
      break;
    case 'health':
      break;
  }
  return w.frame();
}

/** Upper bound of a request's fields: every byte field, doubled for text, and its length. */
function requestBytes(request: TokenRequest): number {
  let bytes = 0;
  for (const value of Object.values(request) as unknown[]) {
    if (value instanceof Uint8Array) bytes += value.length + 8;
    else if (typeof value === 'string') bytes += value.length * 3 + 8;
  }
  return bytes;
}

export function readRequest(frame: Buffer): RequestFrame {
  const r = new Reader(frame);
  const id = r.u32();
  const kind = kinds[r.u8()];
  const deadline = r.f64();
  return { id, deadline, request: readFields(kind, r) };
}

function readFields(kind: TokenRequestKind | undefined, r: Reader): TokenRequest {
  switch (kind) {
    case 'encrypt':
      return {
        kind,
        key: r.bytes(),
        aadForm: readAadForm(r),
        aad: r.bytes(),
        metadata: r.bytes(),
        plaintext: r.bytes(),
        verify: r.u8() === 1,
      };
    case 'decrypt':
      return {
        kind,
        key: r.bytes(),
        aadForm: readAadForm(r),
        aad: r.bytes(),
        metadata: r.bytes(),
        iv: r.bytes(),
        ciphertext: r.bytes(),
        tag: r.bytes(),
      };
    case 'generateKey':
      return { kind, key: r.bytes(), label: r.text(), encrypt: r.u8() === 1, decrypt: r.u8() === 1 };
    case 'destroyKey':
    case 'inspectKey':
      return { kind, key: r.bytes() };
    case 'findKey':
      return { kind, label: r.text() };
    case 'protect':
      return { kind, context: r.text(), secret: r.bytes() };
    case 'reveal':
      return { kind, context: r.text(), sealed: r.bytes() };
    case 'health':
      return { kind };
    case undefined:
      throw new RangeError('a request of an unknown kind');
  }
}

function readAadForm(r: Reader) {
  const form = aadForms[r.u8()];
  if (form === undefined) throw new RangeError('an AAD form that does not exist');
  return form;
}

export type TokenAnswer = {
  [K in TokenRequestKind]: { kind: K; value: TokenResponses[K] };
}[TokenRequestKind];

export function writeAnswer(id: number, microseconds: number, answer: TokenAnswer): Buffer {
  const w = new Writer(512 + answerBytes(answer.value));
  w.u32(id);
  w.u8(0);
  w.u32(microseconds);
  w.u8(kinds.indexOf(answer.kind));
  switch (answer.kind) {
    case 'encrypt':
      w.bytes(answer.value.iv);
      w.bytes(answer.value.ciphertext);
      w.bytes(answer.value.tag);
      w.bytes(answer.value.cdiv);
      w.u8(answer.value.encryptions);
      break;
    case 'decrypt':
      w.bytes(answer.value.plaintext);
      break;
    case 'generateKey':
    case 'inspectKey':
    case 'findKey':
      w.bytes(
        Buffer.from(JSON.stringify({ ...answer.value, id: Buffer.from(answer.value.id).toString('hex') })),
      );
      break;
    case 'destroyKey':
      w.u32(answer.value.destroyed);
      break;
    case 'protect':
      w.bytes(answer.value.sealed);
      break;
    case 'reveal':
      w.bytes(answer.value.secret);
      break;
    case 'health':
      break;
  }
  return w.frame();
}

function answerBytes(value: object): number {
  let bytes = 0;
  for (const field of Object.values(value) as unknown[]) {
    if (field instanceof Uint8Array) bytes += field.length + 8;
    else if (typeof field === 'string') bytes += field.length * 3 + 64;
    else if (Array.isArray(field)) bytes += field.join().length * 3 + 64;
  }
  return bytes;
}

export function writeFault(id: number, microseconds: number, error: TokenError): Buffer {
  const w = new Writer(256);
  w.u32(id);
  w.u8(1);
  w.u32(microseconds);
  w.u8(tokenFaults.indexOf(error.fault));
  w.bytes(Buffer.from(error.call.slice(0, 64)));
  w.u8(error.rv === undefined ? 0 : 1);
  w.u32((error.rv ?? 0) >>> 0);
  return w.frame();
}

export interface ResponseFrame {
  id: number;
  /** Time the token host spent on it, microseconds. */
  microseconds: number;
  answer: TokenAnswer | TokenError;
}

export function readResponse(frame: Buffer): ResponseFrame {
  const r = new Reader(frame);
  const id = r.u32();
  const code = r.u8();
  const microseconds = r.u32();
  if (code === 1) {
    const fault = tokenFaults[r.u8()] ?? 'internal';
    const call = r.text();
    const hasRv = r.u8() === 1;
    const rv = r.u32();
    return { id, microseconds, answer: new TokenError(fault, call, hasRv ? rv : undefined) };
  }
  const kind = kinds[r.u8()];
  return { id, microseconds, answer: readAnswer(kind, r) };
}

function readAnswer(kind: TokenRequestKind | undefined, r: Reader): TokenAnswer {
  switch (kind) {
    case 'encrypt':
      return {
        kind,
        value: { iv: r.bytes(), ciphertext: r.bytes(), tag: r.bytes(), cdiv: r.bytes(), encryptions: r.u8() },
      };
    case 'decrypt':
      return { kind, value: { plaintext: r.bytes() } };
    case 'generateKey':
    case 'inspectKey':
    case 'findKey':
      return { kind, value: readKeyAttributes(r.text()) };
    case 'destroyKey':
      return { kind, value: { destroyed: r.u32() } };
    case 'protect':
      return { kind, value: { sealed: r.bytes() } };
    case 'reveal':
      return { kind, value: { secret: r.bytes() } };
    case 'health':
      return { kind, value: {} };
    case undefined:
      throw new RangeError('an answer of an unknown kind');
  }
}

function readKeyAttributes(text: string): KeyAttributes {
  const fields = JSON.parse(text) as Omit<KeyAttributes, 'id'> & { id: string };
  return { ...fields, id: Buffer.from(fields.id, 'hex') };
}
