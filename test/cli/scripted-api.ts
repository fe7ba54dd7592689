import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { TestCa } from '../../testing/certificates.ts';
import { memoryDirectory } from '../../testing/test-node.ts';

export interface Asked {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** Answers a request, or does to its connection what it likes. */
export type Reply = (response: ServerResponse, asked: Asked) => void;

/**
 * An HTTPS server for what a real node cannot be made to do when asked: break connections, hang, answer nonsense. It
 * knows nothing of the API: a test gives it the replies, one after another.
 */
export class ScriptedApi {
  readonly endpoint: string;
  readonly ca: string;
  readonly directory: string;
  readonly asked: Asked[] = [];
  replies: Reply[] = [];
  readonly #server: Server;

  private constructor(server: Server, directory: string, ca: string) {
    this.#server = server;
    this.directory = directory;
    this.ca = ca;
    this.endpoint = `https://localhost:${(server.address() as AddressInfo).port}`;
    server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
      let body = '';
      incoming.setEncoding('utf8').on('data', (text: string) => (body += text));
      incoming.on('end', () => {
        const asked = {
          method: incoming.method ?? '',
          url: incoming.url ?? '',
          headers: incoming.headers,
          body,
        };
        this.asked.push(asked);
        const reply = this.replies.shift();
        if (reply === undefined) response.writeHead(599).end();
        else reply(response, asked);
      });
    });
  }

  static async start(): Promise<ScriptedApi> {
    const { ca, cert, key } = await (certificates ??= makeCertificates());
    const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-api-'));
    const caFile = path.join(directory, 'ca.pem');
    await writeFile(caFile, ca);
    const server = createServer({ cert, key });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ScriptedApi(server, directory, caFile);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

interface Certificates {
  ca: string;
  cert: string;
  key: string;
}

/** Made once for all servers of a test file. */
let certificates: Promise<Certificates> | undefined;

async function makeCertificates(): Promise<Certificates> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-tls-'));
  try {
    const ca = await TestCa.create(directory);
    const { certificate, key } = await ca.issue('localhost');
    return {
      ca: await readFile(ca.certificate, 'utf8'),
      cert: await readFile(certificate, 'utf8'),
      key: await readFile(key, 'utf8'),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Reply {
  return (response) =>
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function problem(
  kind: string,
  status: number,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Reply {
  return (response) =>
    response.writeHead(status, { 'Content-Type': 'application/problem+json', ...headers }).end(
      JSON.stringify({
        type: `urn:holdfast:problem:${kind}`,
        title: 'title',
        status,
        detail: 'detail',
        instance: 'urn:holdfast:request:7',
        ...more,
      }),
    );
}

/** The connection ends without an answer. */
export const lost: Reply = (response) => response.socket?.destroy();

/** The connection ends in the midst of the answer. */
export const halfAnAnswer: Reply = (response) => {
  response.writeHead(201, { 'Content-Type': 'application/json', 'Content-Length': '100' });
  response.write('{"id":', () => response.socket?.destroy());
};

export const silence: Reply = () => undefined;
