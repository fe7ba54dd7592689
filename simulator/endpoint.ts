import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** A listening server that can be closed at once. */
export class Endpoint {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    this.port = (server.address() as AddressInfo).port;
  }

  static async open(
    options: { address: string; port: number; tls: { certificate: string; key: string } | undefined },
    answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  ): Promise<Endpoint> {
    const listener: RequestListener = (request, response) => {
      // What a client does to its own connection is its own affair.
      answer(request, response).catch(() => response.destroy());
    };
    // Idle connections are kept for longer than clients keep them, or a request meets one that is just being closed.
    const limits = {
      ...{ maxHeaderSize: 32 * 1024, requestTimeout: 60_000, headersTimeout: 10_000 },
      keepAliveTimeout: 120_000,
    };
    const { tls } = options;
    const server =
      tls === undefined
        ? createServer(limits, listener)
        : createTlsServer(
            { ...limits, cert: tls.certificate, key: tls.key, minVersion: 'TLSv1.2' },
            listener,
          );
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, options.address, resolve);
    });
    return new Endpoint(server, sockets);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
