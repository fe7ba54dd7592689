import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import http2 from 'node:http2';
import { connect } from 'node:net';
import path from 'node:path';
import test from 'ava';
import { Listener } from '../../src/http/listener.ts';
import { xksRefusal } from '../../src/http/xks-app.ts';
import { createLog } from '../../src/log.ts';
import { TestCa } from '../support/certificates.ts';
import { memoryDirectory } from '../support/test-node.ts';
import { malformed } from '../xks/file-node.ts';
import { RawConnection } from './raw.ts';

/* The listener alone, with bounds of fractions of a second: the real ones are its defaults. */

const bounds = { handshake: 300, headers: 300, request: 500, idle: 300, check: 50 };
/** Before the listener's own bounds, milliseconds, and many times these: a busy machine is slow, too. */
const inTime = 4_500;
const connections = 8;
let directory = '';
let ca: TestCa;
let port = 0;
let listener: Listener;

test.before(async () => {
  directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-bounds-'));
  ca = await TestCa.create(directory);
  const tls = { ...(await ca.issue('localhost')), client_subjects: [] };
  const log = createLog('error');
  listener = new Listener(
    { address: '127.0.0.1', port: 0, tls, connections, log, refusalForm: xksRefusal, bounds },
    (request, response) => void echo(request, response),
  );
  ({ port } = await listener.listen());
});
test.after.always(async () => {
  await listener.close(0);
  await rm(directory, { recursive: true, force: true });
});

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.on('error', () => undefined);
  request.resume();
  await once(request, 'end').catch(() => undefined);
  response.setHeader('content-length', 2);
  response.end('ok');
}

const open = async () => RawConnection.open(port, ca.certificate);
const head = 'POST / HTTP/1.1\r\nHost: localhost\r\n';
const late = {
  errorName: 'ValidationException',
  errorMessage: 'The request did not arrive in time.',
};

/** Sends a byte now and then until the other side ends it, as a slow client does. */
async function drip(connection: RawConnection, bytes: string): Promise<void> {
  const timer = setInterval(() => connection.write(bytes), 40);
  await connection.closed;
  clearInterval(timer);
}

test.serial('a TCP connection that never begins the handshake is dropped', async (t) => {
  const began = performance.now();
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'close');
  t.true(performance.now() - began < inTime);
});

test.serial('a TLS connection that never sends a request is dropped', async (t) => {
  const connection = await open();
  const began = performance.now();
  await connection.closed;
  t.true(performance.now() - began < inTime);
});

test.serial('a client that sends its head slowly is told so and dropped', async (t) => {
  const connection = await open();
  connection.write(head);
  await drip(connection, 'x');
  t.regex(connection.received, /^HTTP\/1\.1 408 /);
  t.deepEqual((await connection.response()).body, late);
});

test.serial('a client that sends its body slowly is told so and dropped', async (t) => {
  const connection = await open();
  connection.write(`${head}Content-Length: 100000\r\n\r\n`);
  await drip(connection, 'x');
  t.deepEqual((await connection.response()).body, late);
});

test.serial('a client that sends a chunked body slowly is told so and dropped', async (t) => {
  const connection = await open();
  connection.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
  await drip(connection, '1\r\nx\r\n');
  t.deepEqual((await connection.response()).body, late);
});

test.serial('a connection that is idle after a request is dropped', async (t) => {
  const connection = await open();
  connection.write(`${head}Content-Length: 0\r\n\r\n`);
  t.is((await connection.response()).status, 200);
  await connection.closed;
  t.is(connection.received, '');
});

test.serial(
  'over HTTP/2 a body that is sent slowly ends with its stream, and the connection lives on',
  async (t) => {
    const session = http2.connect(`https://localhost:${port}`, {
      ca: await readFile(ca.certificate),
      lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    });
    const slow = session.request({ ':method': 'POST' });
    slow.on('error', () => undefined);
    const timer = setInterval(() => slow.write('x'), 40);
    const began = performance.now();
    await once(slow, 'close');
    clearInterval(timer);
    t.true(performance.now() - began < inTime);
    t.is(slow.rstCode, http2.constants.NGHTTP2_CANCEL);
    const next = session.request({ ':method': 'POST' });
    next.end();
    const [headers] = (await once(next, 'response')) as [http2.IncomingHttpHeaders];
    t.is(Number(headers[':status']), 200);
    session.destroy();
  },
);

test.serial('an idle HTTP/2 connection is closed', async (t) => {
  const session = http2.connect(`https://localhost:${port}`, {
    ca: await readFile(ca.certificate),
    lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
  });
  await once(session, 'close');
  t.true(session.closed);
});

test.serial('connections beyond the limit are dropped, and taken again when others have ended', async (t) => {
  const held = await Promise.all(Array.from({ length: connections }, open));
  await t.throwsAsync(open(), { code: 'ECONNRESET' });
  for (const connection of held) connection.close();
  await Promise.all(held.map(async ({ closed }) => closed));
  const connection = await retry(open);
  connection.write('GET / nonsense\r\n\r\n');
  t.deepEqual((await connection.response()).body, { errorName: malformed[1], errorMessage: malformed[2] });
});

/** The server takes note of the ends a moment later. */
async function retry<T>(act: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await act();
    } catch (error) {
      if (tries === 50) throw error;
    }
}
