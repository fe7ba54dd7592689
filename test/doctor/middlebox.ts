import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, createServer, request, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

/** What a middlebox makes of a request before it hands it on. */
export interface Passing {
  method: string;
  path: string;
  headers: Record<string, string | string[]>;
}

export interface MiddleboxOptions {
  /** PEM files of its own certificate. */
  tls: { certificate: string; key: string };
  /** Port of the node. */
  node: number;
  /** Changes requests. */
  alter?: (passing: Passing) => void;
  /** Answers by itself: true where it did. */
  answer?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Changes answers of the XKS API, by the request's path. */
  revise?: (answer: { status: number; body: Record<string, unknown> }, path: string) => void;
  /** Holds each answer back, milliseconds. */
  hold?: number;
}

/** A proxy that ends TLS in front of a node, as load balancers and firewalls do, with HTTP/1.1 only. */
export class Middlebox {
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
  readonly #options: MiddleboxOptions;

  private constructor(options: MiddleboxOptions) {
    this.#options = options;
    const { tls } = options;
    this.#server = createServer(
      { cert: readFileSync(tls.certificate), key: readFileSync(tls.key) },
      (request, response) => void this.#pass(request, response),
    );
    this.#server.on('tlsClientError', () => undefined);
  }

  static async start(options: MiddleboxOptions): Promise<Middlebox> {
    const box = new Middlebox(options);
    box.#server.listen(0, '127.0.0.1');
    await once(box.#server, 'listening');
    return box;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async #pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { alter, answer, revise, hold = 0, node } = this.#options;
    if (answer?.(incoming, response) === true) return;
    const body = await buffer(incoming);
    const passing: Passing = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: Object.fromEntries(
        Object.entries(incoming.headers).map(([name, value]) => [name, value ?? '']),
      ),
    };
    alter?.(passing);
    const outgoing = request({
      host: '127.0.0.1',
      port: node,
      agent: this.#agent,
      setHost: false,
      ...passing,
    });
    outgoing.on('error', () => response.destroy());
    outgoing.on('response', (received) => {
      void (async () => {
        const answered = await buffer(received);
        if (hold > 0) await delay(hold);
        if (revise === undefined || !passing.path.includes('/kms/xks/v1/')) {
          response.writeHead(received.statusCode ?? 502, received.headers);
          response.end(answered);
          return;
        }
        const revised = {
          status: received.statusCode ?? 502,
          body: JSON.parse(answered.toString('utf8')) as Record<string, unknown>,
        };
        revise(revised, passing.path);
        const text = JSON.stringify(revised.body);
        response.writeHead(revised.status, {
          ...received.headers,
          'content-length': Buffer.byteLength(text),
        });
        response.end(text);
      })();
    });
    outgoing.end(body);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
  }
}
