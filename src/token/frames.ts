import type { AadForm } from '../config/profile.ts';
import { tokenFaults, TokenError } from './faults.ts';
import { FrameReader, FrameWriter } from './frame-bytes.ts';
import type {
  FoundKey,
  KeyAttributes,
  ListedKey,
  TokenRequest,
  TokenRequestKind,
  TokenResponses,
} from './messages.ts';

/*
 * The wire form of the messages, both ends in this file. Binary, because the hop's price is what the two processes
 * spend on it: no Base64, no JSON, one copy. `frame-bytes.ts` has the fields.
 *
 * frame    = length(u32, of what follows) ‖ id(u32) ‖ code(u8) ‖ fields
 * request  : code = index in `kinds`; first field is the deadline (f64, milliseconds of the machine's monotonic clock)
 * response : code = 0 for an answer, 1 for a fault, and 2 more while the host is still to learn where the token's keys
 *            are; first field is the token time (u32, microseconds)
 */

/** The id of what was not asked for: how a lender's hosts are. No request has it. */
export const unasked = 0;

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
  'listKeys',
  'reseal',
  'learn',
  'proveKey',
  'makeProof',
  'restrictKey',
] as const satisfies readonly TokenRequestKind[];

/** By number on the wire; a list of its own, so that a token host need not load the schema of profiles. */
const aadForms = ['full', 'sha256'] as const satisfies readonly AadForm[];

/** So much of a fault's detail is told, characters. */
const longestDetail = 512;

export interface RequestFrame {
  id: number;
  /** Milliseconds of the machine's monotonic clock (`monotonicNow`); the host skips what is due already. */
  deadline: number;
  request: TokenRequest;
}

export function writeRequest({ id, deadline, request }: RequestFrame): Buffer {
  const w = new FrameWriter(64 + requestBytes(request));
  w.u32(id);
  w.u8(kinds.indexOf(request.kind));
  w.f64(deadline);
  switch (request.kind) {
    case 'encrypt':
      w.bytes(request.key);
      w.bytes(request.identity);
      w.u8(aadForms.indexOf(request.aadForm));
      w.bytes(request.aad);
      w.bytes(request.metadata);
      w.bytes(request.plaintext);
      w.u8(request.verify ? 1 : 0);
      break;
    case 'decrypt':
      w.bytes(request.key);
      w.bytes(request.identity);
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
      w.bytes(request.binding);
      w.u8(request.encrypt ? 1 : 0);
      w.u8(request.decrypt ? 1 : 0);
      break;
    case 'destroyKey':
    case 'proveKey':
    case 'makeProof':
      w.bytes(request.key);
      w.bytes(request.identity);
      break;
    case 'inspectKey':
      w.bytes(request.key);
      break;
    case 'findKey':
      w.bytes(Buffer.from(request.label));
      break;
    case 'restrictKey':
      w.bytes(request.key);
      w.bytes(Buffer.from(request.label));
      break;
    case 'listKeys':
      w.bytes(request.after);
      w.u32(request.limit);
      break;
    case 'protect':
      w.bytes(request.context);
      w.bytes(request.secret);
      break;
    case 'reveal':
    case 'reseal':
      w.bytes(request.context);
      w.bytes(Buffer.from(request.former));
      w.bytes(request.sealed);
      break;
    case 'learn':
      w.u32(request.milliseconds);
      break;
    case 'health':
      break;
  }
  return w.frame();
}

/** About how long a request's fields are. */
function requestBytes(request: TokenRequest): number {
  let bytes = 0;
  for (const value of Object.values(request) as unknown[]) {
    if (value instanceof Uint8Array) bytes += value.length + 8;
    else if (typeof value === 'string') bytes += value.length * 3 + 8;
  }
  return bytes;
}

/** Reads what `writeRequest` wrote. Throws RangeError, and nothing else, on any other bytes. */
export function readRequest(frame: Buffer): RequestFrame {
  const r = new FrameReader(frame);
  const id = r.u32();
  const kind = kinds[r.u8()];
  const deadline = r.f64();
  const request = readFields(kind, r);
  r.end();
  return { id, deadline, request };
}

function readFields(kind: TokenRequestKind | undefined, r: FrameReader): TokenRequest {
  switch (kind) {
    case 'encrypt':
      return {
        kind,
        key: r.bytes(),
        identity: r.bytes(),
        aadForm: readAadForm(r),
        aad: r.bytes(),
        metadata: r.bytes(),
        plaintext: r.bytes(),
        verify: r.flag(),
      };
    case 'decrypt':
      return {
        kind,
        key: r.bytes(),
        identity: r.bytes(),
        aadForm: readAadForm(r),
        aad: r.bytes(),
        metadata: r.bytes(),
        iv: r.bytes(),
        ciphertext: r.bytes(),
        tag: r.bytes(),
      };
    case 'generateKey':
      return {
        kind,
        key: r.bytes(),
        label: r.text(),
        binding: r.bytes(),
        encrypt: r.flag(),
        decrypt: r.flag(),
      };
    case 'destroyKey':
    case 'proveKey':
    case 'makeProof':
      return { kind, key: r.bytes(), identity: r.bytes() };
    case 'inspectKey':
      return { kind, key: r.bytes() };
    case 'findKey':
      return { kind, label: r.text() };
    case 'restrictKey':
      return { kind, key: r.bytes(), label: r.text() };
    case 'listKeys':
      return { kind, after: r.bytes(), limit: r.u32() };
    case 'protect':
      return { kind, context: r.bytes(), secret: r.bytes() };
    case 'reveal':
    case 'reseal':
      return { kind, context: r.bytes(), former: r.text(), sealed: r.bytes() };
    case 'learn':
      return { kind, milliseconds: r.u32() };
    case 'health':
      return { kind };
    case undefined:
      throw new RangeError('a request of an unknown kind');
  }
}

function readAadForm(r: FrameReader) {
  const form = aadForms[r.u8()];
  if (form === undefined) throw new RangeError('an AAD form that does not exist');
  return form;
}

export type TokenAnswer = {
  [K in TokenRequestKind]: { kind: K; value: TokenResponses[K] };
}[TokenRequestKind];

export interface ResponseFrame {
  id: number;
  /** Time the token host spent on it, microseconds. */
  microseconds: number;
  /** Whether the host is still to learn where keys are: what it does not know yet takes long to find. */
  learning: boolean;
  answer: TokenAnswer | TokenError;
}

/** Bits of a response's code. */
const isFault = 1;
const isLearning = 2;

export function writeResponse(response: ResponseFrame): Buffer {
  const { answer } = response;
  return answer instanceof TokenError ? writeFault(response, answer) : writeAnswer(response, answer);
}

function writeAnswer({ id, microseconds, learning }: ResponseFrame, answer: TokenAnswer): Buffer {
  const w = new FrameWriter(512 + answerBytes(answer.value));
  w.u32(id);
  w.u8(learning ? isLearning : 0);
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
      writeKeyAttributes(w, answer.value);
      w.bytes(answer.value.proof);
      break;
    case 'makeProof':
      w.bytes(answer.value.proof);
      break;
    case 'inspectKey':
      writeKeyAttributes(w, answer.value);
      break;
    case 'findKey':
      writeFoundKey(w, answer.value);
      break;
    case 'destroyKey':
      w.u32(answer.value.destroyed);
      break;
    case 'listKeys':
      w.u8(answer.value.more ? 1 : 0);
      w.u32(answer.value.keys.length);
      for (const key of answer.value.keys) {
        w.u32(key.objects);
        writeKeyAttributes(w, key);
      }
      break;
    case 'protect':
    case 'reseal':
      w.bytes(answer.value.sealed);
      break;
    case 'reveal':
      w.bytes(answer.value.secret);
      break;
    case 'learn':
      w.u32(answer.value.known);
      w.f64(answer.value.searchTime);
      break;
    case 'proveKey':
    case 'restrictKey':
    case 'health':
      break;
  }
  return w.frame();
}

/** About how long an answer's fields are. */
function answerBytes(value: object): number {
  let bytes = 0;
  for (const field of Object.values(value) as unknown[])
    if (field instanceof Uint8Array) bytes += field.length + 8;
  return bytes;
}

function writeFault({ id, microseconds, learning }: ResponseFrame, error: TokenError): Buffer {
  const w = new FrameWriter(256);
  w.u32(id);
  w.u8(isFault | (learning ? isLearning : 0));
  w.u32(microseconds);
  w.u8(tokenFaults.indexOf(error.fault));
  w.bytes(Buffer.from(error.call.slice(0, 64)));
  w.u8(error.rv === undefined ? 0 : 1);
  w.u32((error.rv ?? 0) >>> 0);
  w.u8(error.detail === undefined ? 0 : 1);
  w.bytes(Buffer.from((error.detail ?? '').slice(0, longestDetail)));
  return w.frame();
}

/** Reads what `writeResponse` wrote. Throws RangeError, and nothing else, on any other bytes. */
export function readResponse(frame: Buffer): ResponseFrame {
  const r = new FrameReader(frame);
  const id = r.u32();
  const code = r.u8();
  const microseconds = r.u32();
  if (code > (isFault | isLearning)) throw new RangeError('neither an answer nor a fault');
  const learning = (code & isLearning) !== 0;
  if ((code & isFault) !== 0) {
    const fault = tokenFaults[r.u8()];
    const call = r.text();
    const hasRv = r.flag();
    const rv = r.u32();
    const hasDetail = r.flag();
    const detail = r.text();
    r.end();
    if (fault === undefined) throw new RangeError('a fault that does not exist');
    const answer = new TokenError(fault, call, hasRv ? rv : undefined, hasDetail ? detail : undefined);
    return { id, microseconds, learning, answer };
  }
  const answer = readAnswer(kinds[r.u8()], r);
  r.end();
  return { id, microseconds, learning, answer };
}

function readAnswer(kind: TokenRequestKind | undefined, r: FrameReader): TokenAnswer {
  switch (kind) {
    case 'encrypt':
      return {
        kind,
        value: { iv: r.bytes(), ciphertext: r.bytes(), tag: r.bytes(), cdiv: r.bytes(), encryptions: r.u8() },
      };
    case 'decrypt':
      return { kind, value: { plaintext: r.bytes() } };
    case 'generateKey':
      return { kind, value: { ...readKeyAttributes(r), proof: r.bytes() } };
    case 'makeProof':
      return { kind, value: { proof: r.bytes() } };
    case 'inspectKey':
      return { kind, value: readKeyAttributes(r) };
    case 'findKey':
      return { kind, value: readFoundKey(r) };
    case 'destroyKey':
      return { kind, value: { destroyed: r.u32() } };
    case 'listKeys':
      return { kind, value: readKeyList(r) };
    case 'protect':
    case 'reseal':
      return { kind, value: { sealed: r.bytes() } };
    case 'reveal':
      return { kind, value: { secret: r.bytes() } };
    case 'learn':
      return { kind, value: { known: r.u32(), searchTime: r.f64() } };
    case 'proveKey':
    case 'restrictKey':
    case 'health':
      return { kind, value: {} };
    case undefined:
      throw new RangeError('an answer of an unknown kind');
  }
}

function readKeyList(r: FrameReader): TokenResponses['listKeys'] {
  const more = r.flag();
  const keys: ListedKey[] = [];
  for (let left = r.u32(); left > 0; left--) {
    const objects = r.u32();
    keys.push({ ...readKeyAttributes(r), objects });
  }
  return { keys, more };
}

function writeKeyAttributes(w: FrameWriter, value: KeyAttributes): void {
  w.bytes(value.id);
  w.bytes(Buffer.from(value.label));
  for (const flag of [value.encrypt, value.decrypt, value.fit, value.bornInToken]) w.u8(flag ? 1 : 0);
  writeTexts(w, value.complaints);
}

function writeFoundKey(w: FrameWriter, value: FoundKey): void {
  writeKeyAttributes(w, value);
  writeTexts(w, value.excess);
  writeTexts(w, value.lasting);
  w.u8(value.modifiable ? 1 : 0);
}

function readFoundKey(r: FrameReader): FoundKey {
  return { ...readKeyAttributes(r), excess: readTexts(r), lasting: readTexts(r), modifiable: r.flag() };
}

function writeTexts(w: FrameWriter, texts: readonly string[]): void {
  w.u32(texts.length);
  for (const text of texts) w.bytes(Buffer.from(text));
}

function readTexts(r: FrameReader): string[] {
  const texts: string[] = [];
  for (let left = r.u32(); left > 0; left--) texts.push(r.text());
  return texts;
}

function readKeyAttributes(r: FrameReader): KeyAttributes {
  const id = r.bytes();
  const label = r.text();
  const [encrypt, decrypt, fit, bornInToken] = [r.flag(), r.flag(), r.flag(), r.flag()];
  return { id, label, encrypt, decrypt, fit, bornInToken, complaints: readTexts(r) };
}
