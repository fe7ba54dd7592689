import { tokenFaults, TokenError } from './faults.ts';
import { FrameReader, FrameWriter } from './frame-bytes.ts';
import { frameKinds } from './frame-kinds.ts';
import type { FoundKey, KeyAttributes, ListedKey, TokenRequestKind, TokenResponses } from './messages.ts';

/** The id of what was not asked for: how a lender's hosts are. No request has it. */
export const unasked = 0;

/** So much of a fault's detail is told, characters. */
const maxDetailLength = 512;

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

// oxlint-disable-next-line complexity -- one case for each kind of answer
function writeAnswer({ id, microseconds, learning }: ResponseFrame, answer: TokenAnswer): Buffer {
  const w = new FrameWriter(512 + answerBytes(answer.value));
  w.u32(id);
  w.u8(learning ? isLearning : 0);
  w.u32(microseconds);
  w.u8(frameKinds.indexOf(answer.kind));
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
    case 'seal':
    case 'reseal':
      w.bytes(answer.value.sealed);
      break;
    case 'unseal':
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
  w.bytes(Buffer.from((error.detail ?? '').slice(0, maxDetailLength)));
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
  const answer = readAnswer(frameKinds[r.u8()], r);
  r.end();
  return { id, microseconds, learning, answer };
}

// oxlint-disable-next-line complexity -- one case for each kind of answer
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
    case 'seal':
    case 'reseal':
      return { kind, value: { sealed: r.bytes() } };
    case 'unseal':
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
  for (const flag of [value.encrypt, value.decrypt, value.compliant, value.generatedOnToken])
    w.u8(flag ? 1 : 0);
  writeTexts(w, value.violations);
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
  const [encrypt, decrypt, compliant, generatedOnToken] = [r.flag(), r.flag(), r.flag(), r.flag()];
  return { id, label, encrypt, decrypt, compliant, generatedOnToken, violations: readTexts(r) };
}
