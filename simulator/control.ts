import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFault } from './trouble-flags.ts';
import type { Simulator } from './simulator.ts';

/** Largest body, bytes. */
const largest = 64 * 1024;

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Body = Readonly<Record<string, unknown>>;
type Act = (simulator: Simulator, body: Body, id: string) => unknown;

/** What can be looked at and changed while the simulator runs; paths and bodies are in docs/simulator.md. */
const acts: Readonly<Record<string, Act>> = {
  'GET /times': (simulator) => simulator.troubles(),
  'PATCH /times': (simulator, body) => simulator.trouble(numbersOf(body)),
  'POST /settle': (simulator) => {
    simulator.settle();
  },
  'GET /faults': (simulator) => simulator.faults(),
  'POST /faults': (simulator, body) => {
    const { fault } = body;
    if (typeof fault !== 'string') throw new Refusal(400, 'fault is missing: as --fault has it');
    simulator.fault(readFault(fault));
    return simulator.faults();
  },
  'DELETE /faults': (simulator, _, id) => {
    if (!simulator.removeFault(Number(id))) throw new Refusal(404, 'There is no fault of this id');
  },
  'POST /spread': (simulator, _, id) => {
    simulator.kms.spread(id);
  },
  'GET /xks-calls': (simulator) => simulator.kms.xksCalls().slice(-1000),
};

/**
 * A port by which tests and people change what the simulator suffers from. It listens on the loopback alone and takes
 * nothing that a web page could have sent: it knows no credential.
 */
export class ControlPort {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(simulator: Simulator, port: number): Promise<ControlPort> {
    const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
      void answer(simulator, request, response);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    return new ControlPort(server);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

async function answer(
  simulator: Simulator,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const result = await act(simulator, request);
    response.writeHead(result === undefined ? 204 : 200, { 'Content-Type': 'application/json' });
    response.end(result === undefined ? undefined : `${JSON.stringify(result)}\n`);
  } catch (error) {
    const status = error instanceof Refusal ? error.status : 400;
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(`${JSON.stringify({ message: (error as Error).message })}\n`);
  }
}

async function act(simulator: Simulator, request: IncomingMessage): Promise<unknown> {
  const host = request.headers.host ?? '';
  if (request.headers.origin !== undefined || !/^(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(host))
    throw new Refusal(403, 'The control port takes requests of programs on this machine alone');
  const [, name = '', id = ''] = (request.url ?? '').split('/');
  const run = acts[`${request.method ?? ''} /${name}`];
  if (run === undefined) throw new Refusal(404, `There are: ${Object.keys(acts).join(', ')}`);
  return run(simulator, await bodyOf(request), decodeURIComponent(id));
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > largest) throw new Refusal(413, 'The body is too large');
    parts.push(part);
  }
  if (length === 0) return {};
  const body: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'));
  if (typeof body !== 'object' || body === null) throw new Refusal(400, 'The body must be an object');
  return body as Body;
}

function numbersOf(body: Body): Record<string, number | null> {
  for (const [name, value] of Object.entries(body))
    if (value !== null && (typeof value !== 'number' || !(value >= 0)))
      throw new Refusal(400, `${name} must be a number of milliseconds, or null`);
  return body as Record<string, number | null>;
}
