import { Agent, request as httpsRequest } from 'node:https';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { authorityOf, ConnectionFailure, openTls, timedOut, tlsOptions, type Target } from './connection.ts';

export interface Sent {
  method: string;
  path: string;
  /** Without content-length. */
  headers: Readonly<Record<string, string>>;
  body?: Buffer | undefined;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** Undefined where the body is not JSON. */
  json: unknown;
  /** From sending to the whole answer, milliseconds. */
  took: number;
  /** The connection that it came over. */
  socket: TLSSocket | undefined;
}

/** More than any answer of the API. */
const maxAnswerLength = 256 * 1024;

/** Sends requests over HTTPS with HTTP/1.1; no redirect is followed. */
export class Exchanger {
  readonly target: Target;
  readonly #agent: Agent;

  constructor(target: Target, { keepAlive = true, maxSockets = 4 } = {}) {
    this.target = target;
    this.#agent = new Agent({ keepAlive, maxSockets, ALPNProtocols: ['http/1.1'], ...tlsOptions(target) });
  }

  /** Throws ConnectionFailure. `timeout` in milliseconds, where it is not the target's. */
  async send({ method, path, headers, body }: Sent, timeout = this.target.timeout): Promise<Answer> {
    const began = performance.now();
    const { to } = this.target;
    const length = body === undefined ? {} : { 'content-length': String(body.length) };
    const outgoing = httpsRequest({
      host: to.address,
      port: to.port,
      agent: this.#agent,
      method,
      path,
      setHost: false,
      headers: { ...headers, ...length },
    });
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const timer = setTimeout(() => outgoing.destroy(timedOut), timeout);
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      read(incoming).then((text) => resolve(answerOf(outgoing, incoming, text, began)), reject);
    });
    outgoing.end(body);
    try {
      return await promise;
    } catch (error) {
      throw new ConnectionFailure('http', error);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

function answerOf(outgoing: ClientRequest, incoming: IncomingMessage, text: string, began: number): Answer {
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    text,
    json: toJson(text),
    took: performance.now() - began,
    socket: (outgoing.socket ?? undefined) as TLSSocket | undefined,
  };
}

/** One request over HTTP/2 on a connection of its own. Throws ConnectionFailure. */
export async function sendHttp2(target: Target, { method, path, headers, body }: Sent): Promise<Answer> {
  const { socket } = await openTls(target, { ALPNProtocols: ['h2'] });
  let session: ClientHttp2Session | undefined;
  const timer = setTimeout(() => socket.destroy(timedOut), target.timeout);
  try {
    if (socket.alpnProtocol !== 'h2') throw Object.assign(new Error('no HTTP/2'), { code: 'ERR_NO_HTTP2' });
    const began = performance.now();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    session = connectHttp2(`https://${authorityOf(target)}`, { createConnection: () => socket });
    session.on('error', reject);
    socket.once('close', () => reject(timedOut));
    const { host, ...rest } = headers;
    const stream = session.request({
      ':method': method,
      ':path': path,
      ':authority': host ?? authorityOf(target),
      ...rest,
    });
    stream.on('error', reject);
    stream.on('response', (received) => {
      read(stream).then(
        (text) =>
          resolve({
            status: Number(received[constants.HTTP2_HEADER_STATUS] ?? 0),
            headers: received,
            text,
            json: toJson(text),
            took: performance.now() - began,
            socket,
          }),
        reject,
      );
    });
    stream.end(body);
    return await promise;
  } catch (error) {
    throw error instanceof ConnectionFailure ? error : new ConnectionFailure('http', error);
  } finally {
    clearTimeout(timer);
    session?.destroy();
    socket.destroy();
  }
}

async function read(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Buffer);
    length += bytes.length;
    if (length > maxAnswerLength) throw Object.assign(new Error('too long'), { code: 'ERR_ANSWER_TOO_LONG' });
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
