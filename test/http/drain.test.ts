import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import path from 'node:path';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { notifySocket } from '../support/notify-socket.ts';
import { useWholeNode } from '../xks/file-node.ts';
import type { SignedRequest } from '../../testing/xks-client.ts';
import { RawConnection, toHttp1 } from './raw.ts';

const file = useWholeNode({ admin: true, workers: 2, xks: { drain_ms: 4000 } });

const open = async () => RawConnection.open(file().node.port, file().node.ca.certificate);
async function openHttp2(): Promise<ClientHttp2Session> {
  const { node } = file();
  const session = http2.connect(`https://127.0.0.1:${node.port}`, {
    ca: readFileSync(node.ca.certificate),
    servername: 'localhost',
  });
  await once(session, 'connect');
  return session;
}

/** Its body is to follow; with the status of its answer. */
function http2Request(
  session: ClientHttp2Session,
  { method, path: target, headers: { host = '', ...headers } }: SignedRequest,
): [ClientHttp2Stream, Promise<number>] {
  const stream = session.request({ ':method': method, ':path': target, ':authority': host, ...headers });
  const status = once(stream, 'response').then(([told]) =>
    Number((told as http2.IncomingHttpHeaders)[':status']),
  );
  return [stream.resume(), status];
}

const ready = 'GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** As soon as whoever has the port is gone. */
async function listenOn(port: number): Promise<Server> {
  for (;;) {
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
      return server;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}

test.serial(
  'SIGTERM: /ready says 503, requests are still answered, the one in flight too, and the exit code is 0',
  async (t) => {
    const { node, client } = file();
    const request = await client.sign('/first/kms/xks/v1/health', {
      requestMetadata: { kmsOperation: 'KmsHealthCheck', kmsRequestId: 'draining' },
    });
    const whole = toHttp1(request);
    const inFlight = await Promise.all(Array.from({ length: 8 }, open));
    // All but the last byte: in flight on both workers when the signal comes.
    for (const connection of inFlight) connection.write(whole.subarray(0, -1));
    const idle = await Promise.all(Array.from({ length: 4 }, open));

    const session = await openHttp2();
    const left = once(session, 'goaway') as Promise<[number, number]>;
    const [stream, answered] = http2Request(session, request);
    // The head is with the node by then: a client that is asked to leave before it has sent one sends none.
    await new Promise<void>((resolve, reject) => {
      session.ping((error) => (error === null ? resolve() : reject(error)));
    });

    const exited = node.stop();
    t.deepEqual(
      (await left).slice(0, 2),
      [0, 2 ** 31 - 1],
      'what is under way, or comes all the same, is not refused',
    );
    stream.end(request.body);
    t.is(await answered, 200);
    const probe = async () => {
      const connection = await open();
      connection.write(ready);
      const answer = await connection.response();
      connection.close();
      return answer;
    };
    let answer = await probe();
    while (answer.status === 200) answer = await probe();
    t.is(answer.status, 503);
    t.is(answer.text, 'not ready\n');
    t.is(answer.headers.get('connection'), 'close');

    const late = await open();
    late.write(whole);
    t.is((await late.response()).status, 200);
    const lateSession = await openHttp2();
    const alsoLeft = once(lateSession, 'goaway') as Promise<[number, number]>;
    const [lateStream, lateAnswered] = http2Request(lateSession, request);
    lateStream.end(request.body);
    t.is(await lateAnswered, 200, 'who comes in spite of 503 is answered');
    t.deepEqual((await alsoLeft).slice(0, 2), [0, 2 ** 31 - 1], 'and goes before the node ends');

    for (const connection of inFlight) connection.write(whole.subarray(-1));
    for (const connection of inFlight) {
      const { status, text } = await connection.response();
      t.is(status, 200, text);
    }
    t.is(await exited, 0);
    await Promise.all([...inFlight, ...idle].map(async ({ closed }) => closed));
    await t.throwsAsync(open(), { code: 'ECONNREFUSED' });
  },
);

test.serial(
  'a node that was drained starts again with the same keys, and systemd hears of it while people are not served',
  async (t) => {
    const { node, key, access } = file();
    const socket = path.join(path.dirname(node.config), 'notify');
    const next = await notifySocket(t, socket);
    const told = async (what: RegExp) => {
      let said = await next();
      while (!what.test(said)) said = await next();
    };
    await node.serve({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '600000' });
    t.regex(await next(), /^READY=1 \| STATUS=XKS workers: 2 of 2; token \w+: \d of \d hosts$/);
    for (const pid of Object.values(node.processes()).flat())
      if (pid !== node.pid) t.notRegex(readFileSync(`/proc/${pid}/environ`, 'utf8'), /NOTIFY_SOCKET/);
    // Somebody takes the port of the management process, so that it does not come up.
    for (const pid of node.processes().management) process.kill(pid, 'SIGKILL');
    const taken = await listenOn(node.adminPort);
    t.teardown(() => taken.close());
    process.kill(node.pid, 'SIGHUP');
    await told(/^RELOADING=1$/);
    await told(/^READY=1$/);
    await told(/^WATCHDOG=1/);
    const client = node.client(access);
    t.is((await client.metadata(key)).status, 200);
    client.close();
  },
);

test.serial('a client that never finishes its request does not hold the drain up', async (t) => {
  const { node } = file();
  const connection = await open();
  connection.write(
    'POST /first/kms/xks/v1/health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n1',
  );
  const ended = once(connection.socket, 'close');
  const began = performance.now();
  t.is(await node.stop(), 0);
  await ended;
  t.true(performance.now() - began < 30_000);
});
