import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSecureServer, Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';

export type StubOperation = 'health' | 'metadata' | 'encrypt' | 'decrypt';

/** How to answer once; what is not said is as a good proxy has it. */
export interface StubAnswer {
  /** Answers only after so many ms; `Infinity`: never. */
  delayMs?: number;
  /** Answers only once this has come about. */
  until?: Promise<unknown>;
  status?: number;
  contentType?: string;
  /** In place of the right answer: text as it is, anything else as JSON. */
  body?: unknown;
  /** Changes the right answer. */
  change?: (right: Record<string, unknown>) => unknown;
  /** Cuts the connection in place of an answer. */
  cut?: boolean;
  /** Bytes in place of HTTP; over HTTP/1.1 only. */
  raw?: string;
}

export interface StubRequest {
  operation: StubOperation;
  path: string;
  httpVersion: string;
  authorization: string;
  date: string;
  host: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- parsed JSON of unknown shape
  body: any;
}

export interface StubOptions {
  /** Files. */
  certificate: string;
  key: string;
  /** Without `h2` the stub speaks HTTP/1.1 only. */
  alpn?: string[];
  maxVersion?: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  ciphers?: string;
  /** Any free one unless given. */
  port?: number;
}

/** An XKS proxy that says what a test tells it to; by default it is a good one with a key for each name but `unknown…`. */
export class XksStub {
  readonly uriPath = '/stub/kms/xks/v1';
  readonly credential = {
    AccessKeyId: 'ABCDEFGHIJKLMNOPQRST',
    RawSecretAccessKey: 'secret+of+the+stub'.padEnd(43, 's'),
  };
  readonly requests: StubRequest[] = [];
  readonly port: number;
  /** Connections accepted so far. */
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #once: { operation: StubOperation; answer: StubAnswer }[] = [];
  readonly #always = new Map<StubOperation, StubAnswer>();
  readonly #keys = new Map<string, Buffer>();

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('request', (request: Request, response: Response) => void this.#answer(request, response));
    server.on('tlsClientError', () => undefined);
    server.on('sessionError', () => undefined);
  }

  static async start({ certificate, key, alpn = ['h2', 'http/1.1'], ...tls }: StubOptions): Promise<XksStub> {
    const options = {
      cert: readFileSync(certificate),
      key: readFileSync(key),
      ...(tls.maxVersion === undefined ? {} : { minVersion: 'TLSv1' as const, maxVersion: tls.maxVersion }),
      ...(tls.ciphers === undefined ? {} : { ciphers: tls.ciphers }),
    };
    const server: Server = alpn.includes('h2')
      ? createSecureServer({ ...options, allowHTTP1: true })
      : createServer({ ...options, ...(alpn.length === 0 ? {} : { ALPNProtocols: alpn }) });
    server.listen(tls.port ?? 0, '127.0.0.1');
    await once(server, 'listening');
    return new XksStub(server);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** For the next request of this operation, in the order given. */
  next(operation: StubOperation, ...answers: StubAnswer[]): void {
    this.#once.push(...answers.map((answer) => ({ operation, answer })));
  }

  /** For every request of this operation from now on, after those of {@link next}. */
  always(operation: StubOperation, answer: StubAnswer): void {
    this.#always.set(operation, answer);
  }

  /** A good proxy again, which has had no requests. */
  reset(): void {
    this.#once.length = 0;
    this.#always.clear();
    this.requests.length = 0;
  }

  /** An answer of the spec's error form. */
  static error(status: number, errorName: string, errorMessage?: string): StubAnswer {
    return { status, body: { errorName, errorMessage } };
  }

  /** Ends all connections, as a proxy that restarts does. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.dropConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: Request, response: Response): Promise<void> {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(request, 'end');
    // The connection was cut under it.
    if (chunks.length === 0) return;
    const url = request.url ?? '';
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    const operation = (url.split('/').at(-1) ?? '') as StubOperation;
    this.requests.push({
      operation,
      path: url,
      httpVersion: request.httpVersion,
      authorization: String(request.headers['authorization']),
      date: String(request.headers['x-amz-date']),
      host: String(request.headers[':authority'] ?? request.headers['host']),
      body,
    });
    const script = this.#script(operation);
    if (script.delayMs === Infinity) return;
    if (script.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, script.delayMs));
    if (script.until !== undefined) await script.until;
    if (script.cut === true) {
      if (request instanceof Http2ServerRequest) request.stream.session?.destroy();
      else request.socket.destroy();
      return;
    }
    if (script.raw !== undefined) {
      request.socket.end(script.raw);
      return;
    }
    const right = this.#right(operation, url, body);
    const changed = script.body ?? script.change?.(right.body) ?? right.body;
    response.statusCode = script.status ?? right.status;
    response.setHeader('content-type', script.contentType ?? 'application/json');
    response.end(typeof changed === 'string' ? changed : JSON.stringify(changed));
  }

  #script(operation: StubOperation): StubAnswer {
    const index = this.#once.findIndex((entry) => entry.operation === operation);
    const [entry] = index < 0 ? [] : this.#once.splice(index, 1);
    return entry?.answer ?? this.#always.get(operation) ?? {};
  }

  #right(
    operation: StubOperation,
    path: string,
    body: Record<string, unknown>,
  ): { status: number; body: Record<string, unknown> } {
    if (operation === 'health') return { status: 200, body: goodHealth };
    const name = path.split('/').at(-2) ?? '';
    if (name.startsWith('unknown')) return { status: 404, body: { errorName: 'KeyNotFoundException' } };
    if (operation === 'metadata') return { status: 200, body: goodMetadata };
    const key = this.#keys.get(name) ?? randomBytes(32);
    this.#keys.set(name, key);
    return operation === 'encrypt' ? encrypt(key, body) : decrypt(key, body);
  }
}

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

const goodHealth = {
  xksProxyFleetSize: 1,
  xksProxyVendor: 'Stub',
  xksProxyModel: 'Stub 1',
  ekmVendor: 'Stub',
  ekmFleetDetails: [{ id: 'one', model: 'Stub HSM', healthStatus: 'ACTIVE' }],
};

const goodMetadata = { keySpec: 'AES_256', keyUsage: ['ENCRYPT', 'DECRYPT'], keyStatus: 'ENABLED' };

function encrypt(key: Buffer, body: Record<string, unknown>) {
  const [aad, iv, metadata] = [
    bytes(body['additionalAuthenticatedData']),
    randomBytes(12),
    Buffer.from('v1'),
  ];
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(withLengths(aad, metadata));
  const ciphertext = Buffer.concat([cipher.update(bytes(body['plaintext'])), cipher.final()]);
  const tag = cipher.getAuthTag();
  const value = createHash('sha256').update(Buffer.concat([aad, metadata, iv, ciphertext, tag]));
  return {
    status: 200,
    body: {
      ciphertext: ciphertext.toString('base64'),
      ciphertextMetadata: metadata.toString('base64'),
      initializationVector: iv.toString('base64'),
      authenticationTag: tag.toString('base64'),
      ciphertextDataIntegrityValue: value.digest('base64'),
    },
  };
}

function decrypt(key: Buffer, body: Record<string, unknown>) {
  const [aad, metadata] = [bytes(body['additionalAuthenticatedData']), bytes(body['ciphertextMetadata'])];
  const decipher = createDecipheriv('aes-256-gcm', key, bytes(body['initializationVector']))
    .setAAD(withLengths(aad, metadata))
    .setAuthTag(bytes(body['authenticationTag']));
  try {
    const plaintext = Buffer.concat([decipher.update(bytes(body['ciphertext'])), decipher.final()]);
    return { status: 200, body: { plaintext: plaintext.toString('base64') } };
  } catch {
    return { status: 400, body: { errorName: 'InvalidCiphertextException' } };
  }
}

function withLengths(aad: Buffer, metadata: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(aad.length);
  return Buffer.concat([length, aad, Buffer.of(metadata.length), metadata]);
}

function bytes(value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' ? value : '', 'base64');
}
