import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2, { type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import type { SignedRequest } from '../../testing/xks-client.ts';

/** Between an answer and the next request, milliseconds. */
const pause = 20;

/** One client that speaks HTTP/2: one request after another on one connection, and on another once it is asked to leave (GOAWAY). */
export class Http2Load {
  /** Status of each answer, or why there is none. */
  readonly answers: (number | string)[] = [];
  connections = 0;
  readonly #port: number;
  readonly #ca: string;
  readonly #sign: () => Promise<SignedRequest>;
  #going = false;
  #running: Promise<void> | undefined;

  constructor(port: number, ca: string, sign: () => Promise<SignedRequest>) {
    this.#port = port;
    this.#ca = ca;
    this.#sign = sign;
  }

  start(): void {
    this.#going = true;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#running;
  }

  async #run(): Promise<void> {
    let session: ClientHttp2Session | undefined;
    while (this.#going) {
      try {
        const request = await this.#sign();
        if (session === undefined || session.closed || session.destroyed) session = await this.#connect();
        this.answers.push(await answerOf(session, request));
      } catch (error) {
        const { message } = error as Error;
        // It had left before the last GOAWAY came, and was certainly not processed: clients send it again elsewhere (RFC 9113, 8.7).
        if (message.includes('NGHTTP2_REFUSED_STREAM')) session = undefined;
        else this.answers.push(message);
      }
      await delay(pause);
    }
    session?.close();
  }

  async #connect(): Promise<ClientHttp2Session> {
    const session = http2.connect(`https://127.0.0.1:${this.#port}`, {
      ca: readFileSync(this.#ca),
      servername: 'localhost',
    });
    await once(session, 'connect');
    session.on('error', () => undefined);
    this.connections++;
    return session;
  }
}

async function answerOf(session: ClientHttp2Session, request: SignedRequest): Promise<number> {
  const { host = '', ...headers } = request.headers;
  const stream = session.request({
    ':method': request.method,
    ':path': request.path,
    ':authority': host,
    ...headers,
  });
  stream.end(request.body);
  const [told] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  stream.resume();
  await once(stream, 'end');
  return Number(told[':status']);
}
