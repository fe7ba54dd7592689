import type { AadForm } from '../config/profile.ts';
import { FrameReader, FrameWriter } from './frame-bytes.ts';
import { frameKinds } from './frame-kinds.ts';
import type { TokenRequest, TokenRequestKind } from './messages.ts';

/** By number on the wire; a list of its own, so that a token host need not load the schema of profiles. */
const aadForms = ['full', 'sha256'] as const satisfies readonly AadForm[];

export interface RequestFrame {
  id: number;
  /** Milliseconds of the machine's monotonic clock (`monotonicNow`); the host skips what is due already. */
  deadline: number;
  request: TokenRequest;
}

// oxlint-disable-next-line complexity, max-lines-per-function -- one case for each kind of request
export function writeRequest({ id, deadline, request }: RequestFrame): Buffer {
  const w = new FrameWriter(64 + requestBytes(request));
  w.u32(id);
  w.u8(frameKinds.indexOf(request.kind));
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
    case 'seal':
      w.bytes(request.context);
      w.bytes(request.secret);
      break;
    case 'unseal':
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
  const kind = frameKinds[r.u8()];
  const deadline = r.f64();
  const request = readFields(kind, r);
  r.end();
  return { id, deadline, request };
}

// oxlint-disable-next-line complexity -- one case for each kind of request
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
    case 'seal':
      return { kind, context: r.bytes(), secret: r.bytes() };
    case 'unseal':
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
