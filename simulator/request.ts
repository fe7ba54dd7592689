import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { HttpRequest } from './service.ts';

/** More than a test or a demo puts into an object; the real S3 takes 5 GiB. */
export const MAX_BODY = 64 * 1024 * 1024;

/** Thrown where a body is larger than `MAX_BODY`. */
export class BodyTooLarge extends Error {}

/** Reads the request to its end. */
export async function readRequest(message: IncomingMessage): Promise<HttpRequest> {
  const target = message.url ?? '/';
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? '' : target.slice(mark + 1);
  return {
    method: message.method ?? 'GET',
    path,
    query,
    headers: joinHeaders(message.rawHeaders),
    body: await readBody(message),
    trailers: new Map(),
    secure: (message.socket as TLSSocket).encrypted,
    presigned: /(?:^|&)X-Amz-Signature=/.test(query),
  };
}

function joinHeaders(raw: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase();
    const value = raw[index + 1] ?? '';
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return headers;
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new BodyTooLarge('The body is larger than the simulator takes');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
