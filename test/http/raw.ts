import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { SignedRequest } from '../../testing/xks-client.ts';

export interface RawResponse {
  status: number;
  headers: Map<string, string>;
  text: string;
  body: unknown;
}

/** A TLS connection on which the test writes bytes of its own. */
export class RawConnection {
  readonly socket: TLSSocket;
  readonly closed: Promise<void>;
  #received = Buffer.alloc(0);
  #wake = Promise.withResolvers<void>();
  #ended = false;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#notify();
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#ended = true;
        this.#notify();
        resolve();
      });
    });
  }

  static async open(
    port: number,
    ca: string,
    options: ConnectionOptions & { localAddress?: string; allowHalfOpen?: boolean } = {},
  ): Promise<RawConnection> {
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ca: readFileSync(ca),
      ALPNProtocols: ['http/1.1'],
      ...options,
    });
    await once(socket, 'secureConnect');
    return new RawConnection(socket);
  }

  write(data: string | Buffer): void {
    this.socket.write(data);
  }

  /** Everything that came and was not taken by {@link response}. */
  get received(): string {
    return this.#received.toString('latin1');
  }

  /** The next response, by its Content-Length. Rejects when the connection ends before it. */
  async response(): Promise<RawResponse> {
    for (;;) {
      const cut = this.#received.indexOf('\r\n\r\n');
      if (cut >= 0) {
        const [statusLine = '', ...lines] = this.#received.subarray(0, cut).toString('latin1').split('\r\n');
        const headers = new Map(
          lines.map((line) => {
            const colon = line.indexOf(':');
            return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
          }),
        );
        const status = Number(statusLine.split(' ')[1]);
        const end = cut + 4 + Number(headers.get('content-length') ?? 0);
        if (this.#received.length >= end) {
          const text = this.#received.subarray(cut + 4, end).toString('utf8');
          this.#received = this.#received.subarray(end);
          return { status, headers, text, body: text.startsWith('{') ? JSON.parse(text) : undefined };
        }
      }
      if (this.#ended) throw new Error(`the connection ended; received: ${this.received}`);
      await this.#wake.promise;
    }
  }

  close(): void {
    this.socket.destroy();
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }
}

/** A signed request as HTTP/1.1 text. `chunks` sends the body chunked instead of with a Content-Length. */
export function toHttp1(request: SignedRequest, options: { chunks?: number; more?: string[] } = {}): Buffer {
  const { method, path, headers, body } = request;
  const { chunks, more = [] } = options;
  const framing = chunks === undefined ? `content-length: ${body.length}` : 'transfer-encoding: chunked';
  const head = [
    `${method} ${path} HTTP/1.1`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    framing,
    ...more,
  ];
  return Buffer.concat([
    Buffer.from(`${head.join('\r\n')}\r\n\r\n`),
    ...(chunks === undefined ? [body] : [inChunks(body, chunks)]),
  ]);
}

function inChunks(body: Buffer, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const part = body.subarray(at, at + size);
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}
