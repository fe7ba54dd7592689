import type { IncomingMessage } from 'node:http';
import { XksError } from '../xks/errors.ts';

/**
 * The largest body: an Encrypt with a plaintext and an AAD of 64 KiB each would not fit, one with twice what the XKS
 * spec asks for does, with room for the longest ARNs.
 */
export const maxBodyBytes = 128 * 1024;
/** So much of a refused body is still read, so that the client comes to read its answer. */
const maxDiscardedBytes = 1024 * 1024;

/** Reads a body, chunked or not. Throws what `tooLarge` makes as soon as it is known to be longer than `most` bytes. */
export async function readBody(
  request: IncomingMessage,
  max = maxBodyBytes,
  tooLarge: () => Error = unsupportedLength,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await takeBody(request, max, tooLarge, (chunk) => chunks.push(chunk));
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

/**
 * Takes a body that nobody wants as {@link readBody} takes one, and keeps nothing of it: who sent it cannot tell from when,
 * or how, it is answered that nobody looked at it.
 */
export async function passOverBody(request: IncomingMessage): Promise<void> {
  await takeBody(request, maxBodyBytes, unsupportedLength, () => undefined);
}

async function takeBody(
  request: IncomingMessage,
  max: number,
  tooLarge: () => Error,
  take: (chunk: Buffer) => void,
): Promise<void> {
  if (declaredLength(request) > max) throw tooLarge();
  const there = bodyThere(request);
  if (there !== undefined) return take(there);
  let length = 0;
  const isWhole = await receive(request, (chunk) => {
    take(chunk);
    length += chunk.length;
    return length <= max;
  });
  if (!isWhole) throw tooLarge();
}

/** Most bodies come with their heads, in one piece: what is whole already needs nobody who listens for it. */
function bodyThere(request: IncomingMessage): Buffer | undefined {
  const { httpVersionMajor, readableFlowing, readableLength } = request;
  // Over HTTP/2, and chunked, only its end tells that it is whole.
  if (httpVersionMajor !== 1 || readableFlowing !== null || readableLength === 0) return undefined;
  return readableLength === declaredLength(request) ? (request.read() as Buffer) : undefined;
}

/**
 * Throws away what is left of a body that nobody wants. Closing with unread data would reset the connection and take
 * the answer with it; the next request must not begin in the middle of this one. False when there is too much of it:
 * then the connection has to end. Throws ClientGoneError.
 */
export async function discardBody(request: IncomingMessage): Promise<boolean> {
  const { headers, httpVersionMajor } = request;
  const declared = declaredLength(request);
  const none = httpVersionMajor === 1 && declared === 0 && headers['transfer-encoding'] === undefined;
  if (request.complete || none) return true;
  if (declared > maxDiscardedBytes) return false;
  let length = 0;
  return receive(request, (chunk) => {
    length += chunk.length;
    return length <= maxDiscardedBytes;
  });
}

/** Hands on the body until its end; false as soon as `take` wants no more of it. Throws ClientGoneError. */
async function receive(request: IncomingMessage, take: (chunk: Buffer) => boolean): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let ended = false;
    request.on('data', (chunk: Buffer) => {
      if (take(chunk)) return;
      request.removeAllListeners('data');
      request.pause();
      resolve(false);
    });
    request.on('end', () => {
      ended = true;
      resolve(true);
    });
    const gone = () => {
      // Every request is closed in the end; making an error each time is not free. Whole is not enough: what has come
      // whole may be closed before its end was read.
      if (!ended) reject(new ClientGoneError());
    };
    request.on('error', gone);
    request.on('aborted', gone);
    request.on('close', gone);
    // Where an earlier reader has paused it.
    request.resume();
  });
}

/** Whether a Content-Encoding says that the body is not what it looks like: nothing here is decoded. */
export function isEncoded(contentEncoding: string): boolean {
  return !/^(?:\s*identity\s*)?$/i.test(contentEncoding);
}

/** The client left before its request was whole: there is nobody to answer. */
export class ClientGoneError extends Error {
  constructor() {
    super('the client closed the connection before its request was whole');
    this.name = 'ClientGoneError';
  }
}

function declaredLength(request: IncomingMessage): number {
  return Number(request.headers['content-length'] ?? 0);
}

function unsupportedLength(): XksError {
  return new XksError(
    'UnsupportedOperationException',
    `The request body is longer than the ${maxBodyBytes} bytes supported.`,
  );
}
