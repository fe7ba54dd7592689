import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { HttpRequest } from './service.ts';

/** Of objects: more than a test or a demo puts into one; the real S3 takes 5 GiB. */
const MAX_OBJECT = 64 * 1024 * 1024;
/** Of the other services' calls. */
const MAX_CALL = 1024 * 1024;

/** The body is larger than the simulator takes. */
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
    body: await readBody(message, isObject(message) ? MAX_OBJECT : MAX_CALL),
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

function isObject({ headers }: IncomingMessage): boolean {
  const form = headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  return headers['x-amz-target'] === undefined && !form;
}

async function readBody(message: IncomingMessage, max: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > max) throw new BodyTooLarge('The body is larger than the simulator takes');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
