import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { codeOf } from './connection.ts';
import { XksFailure } from './xks-failure.ts';

export interface Post {
  readonly host: string;
  /** From which AWS calls: each Region has connections of its own. */
  readonly region: string;
  readonly path: string;
  /** Of the signature, and the content type. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface RawAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

/** One connection of the pool. `post` throws {@link XksFailure}; when `signal` aborts it is a `timeout`. */
export interface Exchange {
  readonly protocol: 'h2' | 'http/1.1';
  readonly tls: { readonly version: string; readonly cipher: string };
  /** Can take a request now. */
  readonly free: boolean;
  readonly closed: boolean;
  post(post: Post, signal: AbortSignal): Promise<RawAnswer>;
  close(): void;
}

/** More than any answer of the spec needs. */
const largestAnswer = 64 * 1024;

/** Speaks what ALPN agreed on; HTTP/1.1 where the proxy has no ALPN. */
export function exchangeOver(socket: TLSSocket): Exchange {
  return socket.alpnProtocol === 'h2' ? new Http2Exchange(socket) : new Http1Exchange(socket);
}

class Http1Exchange implements Exchange {
  readonly protocol = 'http/1.1';
  readonly tls;
  readonly #socket: TLSSocket;
  readonly #agent: Agent;
  #busy = false;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.tls = tlsOf(socket);
    this.#agent = new OneSocketAgent(socket);
  }

  get closed(): boolean {
    return this.#socket.destroyed;
  }

  get free(): boolean {
    return !this.#busy && !this.closed;
  }

  async post(post: Post, signal: AbortSignal): Promise<RawAnswer> {
    this.#busy = true;
    return new Promise<RawAnswer>((resolve, reject) => {
      const request = httpRequest({
        agent: this.#agent,
        method: 'POST',
        path: post.path,
        headers: { host: post.host, ...post.headers, 'content-length': post.body.length },
      });
      // Without pipelining a late answer would be taken for the next one's: the connection goes with the request.
      const late = () => {
        this.#socket.destroy();
        reject(tooLate());
      };
      signal.addEventListener('abort', late, { once: true });
      request.on('error', (error) => reject(broken(error)));
      request.once('response', (response) => resolve(this.#read(response)));
      request.once('close', () => signal.removeEventListener('abort', late));
      request.end(post.body);
    }).finally(() => {
      this.#busy = false;
    });
  }

  async #read(response: IncomingMessage): Promise<RawAnswer> {
    const body = await collect(response);
    if (/\bclose\b/i.test(response.headers.connection ?? '')) this.#socket.destroy();
    return { status: response.statusCode ?? 0, contentType: response.headers['content-type'] ?? '', body };
  }

  close(): void {
    this.#socket.destroy();
    this.#agent.destroy();
  }
}

/** An agent for the one connection that ALPN has already been spoken on. */
class OneSocketAgent extends Agent {
  #socket: TLSSocket | undefined;

  constructor(socket: TLSSocket) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#socket = socket;
  }

  override createConnection(): TLSSocket {
    const socket = this.#socket;
    if (socket === undefined) throw new XksFailure('network', 'the proxy closed the connection');
    this.#socket = undefined;
    return socket;
  }
}

class Http2Exchange implements Exchange {
  readonly protocol = 'h2';
  readonly tls;
  readonly #session: ClientHttp2Session;
  #streams = 0;

  constructor(socket: TLSSocket) {
    this.tls = tlsOf(socket);
    this.#session = connectHttp2('https://proxy', { createConnection: () => socket });
    // Streams report it to whoever waits.
    this.#session.on('error', () => undefined);
  }

  get closed(): boolean {
    return this.#session.closed || this.#session.destroyed;
  }

  get free(): boolean {
    return !this.closed && this.#streams < (this.#session.remoteSettings.maxConcurrentStreams ?? 100);
  }

  async post(post: Post, signal: AbortSignal): Promise<RawAnswer> {
    this.#streams++;
    return new Promise<RawAnswer>((resolve, reject) => {
      const stream = this.#session.request({
        ':method': 'POST',
        ':authority': post.host,
        ':path': post.path,
        ...post.headers,
        'content-length': post.body.length,
      });
      const late = () => {
        stream.close(constants.NGHTTP2_CANCEL);
        reject(tooLate());
      };
      signal.addEventListener('abort', late, { once: true });
      stream.on('error', (error) => reject(broken(error)));
      stream.once('response', (headers) => {
        const [status, contentType] = [headers[':status'] ?? 0, headers['content-type'] ?? ''];
        resolve(collect(stream).then((body) => ({ status, contentType, body })));
      });
      stream.once('close', () => {
        signal.removeEventListener('abort', late);
        reject(new XksFailure('network', 'the stream was closed without an answer'));
      });
      stream.end(post.body);
    }).finally(() => {
      this.#streams--;
    });
  }

  close(): void {
    this.#session.destroy();
  }
}

async function collect(stream: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > largestAnswer) {
        stream.destroy();
        reject(new XksFailure('invalid-response', `an answer of more than ${largestAnswer} bytes`));
      } else chunks.push(chunk);
    });
    stream.once('end', () => resolve(Buffer.concat(chunks)));
    stream.once('error', (error) => reject(broken(error)));
  });
}

function tlsOf(socket: TLSSocket): Exchange['tls'] {
  return { version: socket.getProtocol() ?? 'unknown', cipher: socket.getCipher().standardName };
}

function tooLate(): XksFailure {
  return new XksFailure('timeout', 'the proxy did not answer within the limit');
}

function broken(error: unknown): XksFailure {
  if (error instanceof XksFailure) return error;
  const code = codeOf(error);
  // Node's HTTP parser: the bytes were no HTTP.
  if (code.startsWith('HPE_')) return new XksFailure('invalid-response', `no HTTP answer: ${code}`);
  return new XksFailure('network', `the connection broke: ${code}`);
}
