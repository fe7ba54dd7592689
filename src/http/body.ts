import type { IncomingMessage } from 'node:http';
import { XksError } from '../xks/errors.ts';

/**
 * The largest body: an Encrypt with a plaintext and an AAD of 64 KiB each would not fit, one with twice what the XKS
 * spec asks for does, with room for the longest ARNs.
 */
export const maxBodyBytes = 128 * 1024;

/** Reads a body, chunked or not. Throws UnsupportedOperationException as soon as it is known to be too large. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > maxBodyBytes) throw tooLarge();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBodyBytes) {
        request.removeAllListeners('data');
        request.resume();
        reject(tooLarge());
        return;
      }
      chunks.push(chunk);
    });
    request.on('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length)),
    );
    const gone = () => reject(new ClientGoneError());
    request.on('error', gone);
    request.on('aborted', gone);
    request.on('close', gone);
  });
}

/** The client left before its request was whole: there is nobody to answer. */
export class ClientGoneError extends Error {
  constructor() {
    super('the client closed the connection before its request was whole');
    this.name = 'ClientGoneError';
  }
}

function tooLarge(): XksError {
  return new XksError(
    'UnsupportedOperationException',
    `The request body is longer than the ${maxBodyBytes} bytes supported.`,
  );
}
