import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import http2, { type ClientHttp2Session } from 'node:http2';
import { connect } from 'node:net';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { pino } from 'pino';
import { Listener } from '../../src/http/listener.ts';
import { xksRefusal } from '../../src/http/xks-app.ts';
import { loadTls, type LoadedTls } from '../../src/http/tls.ts';
import { createLog } from '../../src/log.ts';
import { TestCa } from '../../testing/certificates.ts';
import { memoryDirectory } from '../../testing/test-node.ts';
import { malformed } from '../xks/file-node.ts';
import { RawConnection } from './raw.ts';

/* The listener alone, with bounds of fractions of a second: the real ones are its defaults. */

const bounds = {
  // Both ends are in this process, and may stand still in the middle of it.
  handshake: 1_500,
  headers: 300,
  request: 500,
  response: 300,
  idle: 300,
  check: 50,
  crowdLog: 100,
};
/** Before the listener's own bounds, milliseconds, and many times these: a busy machine is slow, too. */
const inTime = 4_500;
/** The same where the listener's own bounds are ten seconds and more. */
const inLongTime = 9_000;
const connections = 8;
const common = {
  address: '127.0.0.1',
  port: 0,
  connections,
  log: createLog('error'),
  refusalForm: xksRefusal,
};
let directory = '';
let ca: TestCa;
let port = 0;
let tls: LoadedTls;
let listener: Listener;
/** With bounds of time that nobody reaches, for tests of number. */
let patient: Listener;
let patientPort = 0;
const unhurried = { ...bounds, handshake: 600_000, headers: 600_000, request: 600_000, idle: 600_000 };

test.before(async () => {
  directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-bounds-'));
  ca = await TestCa.create(directory);
  tls = loadTls({ ...(await ca.issue('localhost')), client_subjects: [] });
  listener = new Listener({ ...common, tls, bounds }, (request, response) => void echo(request, response));
  ({ port } = await listener.listen());
  patient = new Listener(
    { ...common, tls, bounds: unhurried },
    (request, response) => void echo(request, response),
  );
  ({ port: patientPort } = await patient.listen());
});
test.after.always(async () => {
  await listener.close(0);
  await patient.close(0);
  await rm(directory, { recursive: true, force: true });
});

/** More than the system keeps for a client that does not read. */
const large = Buffer.alloc(32 * 1024 * 1024);
/** Where answers to /large have ended. */
let largeEnded = Promise.withResolvers<void>();
/** While it is held, requests for /held are being worked on. */
let held = Promise.resolve();
let onHeld = () => undefined as void;

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.on('error', () => undefined);
  if (request.url === '/large') {
    response.once('close', () => largeEnded.resolve());
    response.end(large);
    return;
  }
  if (request.url === '/refused') {
    response.writeHead(413, { Connection: 'close', 'Content-Length': 2 });
    response.end('no');
    return;
  }
  request.resume();
  await once(request, 'end').catch(() => undefined);
  if (request.url === '/held') {
    onHeld();
    await held;
  }
  response.setHeader('content-length', 2);
  response.end('ok');
}

const open = async (localAddress = '127.0.0.1', at = port) =>
  RawConnection.open(at, ca.certificate, { localAddress });
async function openHttp2(settings: http2.Settings = {}, at = port): Promise<ClientHttp2Session> {
  const session = http2.connect(`https://localhost:${at}`, {
    ca: await readFile(ca.certificate),
    lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    settings,
  });
  session.on('error', () => undefined);
  return session;
}
const head = 'POST / HTTP/1.1\r\nHost: localhost\r\n';
const refusedHead = 'POST /refused HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n';
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

/** All that it writes before it reads: of what a listener closes with bytes unread the system keeps no answer for it. */
async function writeAll(connection: RawConnection, pieces: Iterable<string | Buffer>): Promise<void> {
  connection.socket.pause();
  for (const piece of pieces)
    await new Promise<void>((resolve, reject) => {
      connection.socket.write(piece, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(error);
      });
    });
  connection.socket.resume();
}

/** What TLS hands over in one go is read before anything else happens, about 16 KiB. */
const maxInOneGo = 1_000;
const smallest = 'GET / HTTP/1.1\r\nHost:a\r\n\r\n';

const piece = 'x'.repeat(16 * 1024);
for (const [name, first, length, status] of [
  ['a head that is too long', `${head}X-Long: `, 1024 * 1024, 431],
  ['what is not HTTP', 'x'.repeat(16 * 1024), 1024 * 1024, 400],
  ['a request without a host', 'POST / HTTP/1.1\r\nContent-Length: 4000000\r\n\r\n', 4_000_000, 400],
  ['a body that its handler refuses', `${refusedHead}\r\n`, 4_000_000, 413],
  ['a request that expects something strange', `${refusedHead}Expect: tea\r\n\r\n`, 4_000_000, 417],
] as const)
  test.serial(`who is still sending ${name} reads why it is refused`, async (t) => {
    const connection = await open('127.0.0.1', patientPort);
    await writeAll(connection, [
      first,
      ...Array.from({ length: Math.floor(length / piece.length) }, () => piece),
    ]);
    t.is((await connection.response()).status, status);
    await connection.closed;
  });

test.serial('what follows a refused body on its connection is not done', async (t) => {
  const connection = await open('127.0.0.1', patientPort);
  const body = 'x'.repeat(100_000);
  const whole = `POST /refused HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`;
  let isDone = false;
  onHeld = () => {
    isDone = true;
  };
  await writeAll(connection, [whole, body, 'GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n']);
  t.is((await connection.response()).status, 413);
  await connection.closed;
  t.is(connection.received, '');
  t.false(isDone);
});

/** Counts the requests of a connection that Node reads, whatever becomes of them. */
function countRequests({ socket }: RawConnection): { count: number; stop: () => void } {
  const counter = { count: 0, stop: () => undefined as void };
  const { localPort } = socket;
  const count = (message: unknown) => {
    if ((message as { socket: TLSSocket }).socket.remotePort === localPort) counter.count++;
  };
  subscribe('http.server.request.start', count);
  counter.stop = () => void unsubscribe('http.server.request.start', count);
  return counter;
}

test.serial('what follows a refusal on its connection is not even read as requests', async (t) => {
  const connection = await RawConnection.open(patientPort, ca.certificate, { allowHalfOpen: true });
  const requests = countRequests(connection);
  connection.write('POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n');
  t.is((await connection.response()).status, 400);
  connection.write('x');
  connection.socket.end(smallest.repeat(20_000));
  await connection.closed;
  requests.stop();
  t.true(requests.count < maxInOneGo, `${requests.count} requests`);
});

test.serial('what comes in one piece with a request whose answer is the last is not done', async (t) => {
  const connection = await open('127.0.0.1', patientPort);
  let isDone = false;
  onHeld = () => {
    isDone = true;
  };
  const behind = 'GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n';
  connection.write(`POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx${behind}`);
  t.is((await connection.response()).status, 400);
  await connection.closed;
  t.is(connection.received, '');
  t.false(isDone);
});

test.serial('nor is what follows it while an answer before it is being worked on', async (t) => {
  const connection = await open('127.0.0.1', patientPort);
  const requests = countRequests(connection);
  const release = Promise.withResolvers<void>();
  held = release.promise;
  const begun = Promise.withResolvers<void>();
  onHeld = begun.resolve;
  connection.write('GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await begun.promise;
  await writeAll(connection, ['POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx', smallest.repeat(20_000)]);
  release.resolve();
  t.is((await connection.response()).status, 200);
  t.is((await connection.response()).status, 400);
  await connection.closed;
  requests.stop();
  t.true(requests.count < maxInOneGo, `${requests.count} requests`);
});

test.serial('who sends ever more requests before the answer to the first is cut off', async (t) => {
  const connection = await open('127.0.0.1', patientPort);
  const requests = countRequests(connection);
  const release = Promise.withResolvers<void>();
  held = release.promise;
  connection.write(`GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n${smallest.repeat(20_000)}`);
  await connection.closed;
  release.resolve();
  requests.stop();
  t.true(requests.count < maxInOneGo, `${requests.count} requests`);
});

test.serial('who sends on and on after a refusal is cut off', async (t) => {
  const connection = await open('127.0.0.1', patientPort);
  connection.socket.pause();
  connection.write(`${head}X-Long: `);
  let sent = 0;
  const more = () => {
    while (!connection.socket.destroyed && connection.socket.write(piece)) sent += piece.length;
  };
  connection.socket.on('drain', more);
  more();
  await connection.closed;
  t.true(sent < 128 * 1024 * 1024, `${sent}`);
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
    const session = await openHttp2();
    const slow = session.request({ ':method': 'POST' });
    slow.on('error', () => undefined);
    const timer = setInterval(() => slow.write('x'), 40);
    const began = performance.now();
    await once(slow, 'close');
    clearInterval(timer);
    t.true(performance.now() - began < inLongTime);
    t.is(slow.rstCode, http2.constants.NGHTTP2_CANCEL);
    const next = session.request({ ':method': 'POST' });
    next.end();
    const [headers] = (await once(next, 'response')) as [http2.IncomingHttpHeaders];
    t.is(Number(headers[':status']), 200);
    session.destroy();
  },
);

/** Has `act` done again and again until the connection is closed; resolves with how long that took, milliseconds. */
async function keptUp(session: ClientHttp2Session, act: () => void): Promise<number> {
  const began = performance.now();
  const timer = setInterval(() => {
    if (!session.closed && !session.destroyed) act();
  }, 40);
  await once(session, 'close');
  clearInterval(timer);
  return performance.now() - began;
}

async function get(session: ClientHttp2Session, path = '/'): Promise<number> {
  const stream = session.request({ ':path': path });
  stream.resume();
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  await once(stream, 'end');
  return Number(headers[':status']);
}

test.serial('an HTTP/2 connection that asks nothing is closed, whatever else it sends', async (t) => {
  // Not by the time that those have which have asked.
  const slow = { ...bounds, idle: 3_600_000 };
  const other = new Listener({ ...common, tls, bounds: slow }, () => undefined);
  const session = await openHttp2({}, (await other.listen()).port);
  const alive = await keptUp(session, () => session.ping(() => undefined));
  t.true(alive < inLongTime);
  await other.close(0);
});

test.serial(
  'an HTTP/2 connection that is idle after a request is closed, whatever else it sends',
  async (t) => {
    const session = await openHttp2();
    t.is(await get(session), 200);
    const alive = await keptUp(session, () => {
      session.ping(() => undefined);
      session.settings({ enablePush: false });
    });
    t.true(alive < inLongTime);
  },
);

test.serial('an HTTP/2 connection that begins requests and ends none is closed', async (t) => {
  const session = await openHttp2();
  t.is(await get(session), 200);
  let streams = 0;
  const alive = await keptUp(session, () => {
    const stream = session.request({ ':method': 'POST' });
    stream.on('error', () => undefined);
    streams++;
    // Some are given up at once, which ends them as well.
    if (streams % 3 === 0) stream.close(http2.constants.NGHTTP2_CANCEL);
  });
  t.true(streams > 5);
  t.true(alive < inLongTime);
});

test.serial('an answer that nobody reads is thrown away: over HTTP/1.1 with its connection', async (t) => {
  largeEnded = Promise.withResolvers();
  const connection = await open();
  connection.socket.pause();
  connection.write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await largeEnded.promise;
  connection.close();
  t.pass();
});

test.serial('and over HTTP/2 with its stream', async (t) => {
  largeEnded = Promise.withResolvers();
  const session = await openHttp2({ initialWindowSize: 0 });
  const stream = session.request({ ':path': '/large' });
  stream.on('error', () => undefined);
  const closed = once(stream, 'close');
  await largeEnded.promise;
  await closed;
  t.is(stream.rstCode, http2.constants.NGHTTP2_CANCEL);
  session.destroy();
});

test.serial(
  'over HTTP/2 a head beyond 16 KiB is refused before the client knows the bound, too',
  async (t) => {
    // Together they are too long; none of them is alone.
    const headers = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`x-${at}`, 'a'.repeat(4_000)]));
    const session = await openHttp2();
    const stream = session.request({ ':path': '/', ...headers });
    const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    t.is(Number(answer[':status']), 431);
    t.deepEqual(JSON.parse(await text(stream)), {
      errorName: 'ValidationException',
      errorMessage:
        'The head of the request, its target and all headers, is longer than the 16384 bytes supported.',
    });
    session.destroy();
  },
);

const ping = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** Connections that live: each has had an answer, one after another. */
async function openMany(number: number, from: string, at = patientPort): Promise<RawConnection[]> {
  const all: RawConnection[] = [];
  for (let count = 0; count < number; count++) {
    const connection = await open(from, at);
    connection.write(ping);
    await connection.response();
    all.push(connection);
  }
  return all;
}

const closeAll = async (all: readonly RawConnection[]) => {
  for (const connection of all) connection.close();
  await Promise.all(all.map(async ({ closed }) => closed));
};

test.serial('when there are too many, the longest idle of the address that has most goes', async (t) => {
  const few = await openMany(2, '127.0.0.3');
  const crowd = await openMany(connections - 2, '127.0.0.2');
  const late = await openMany(2, '127.0.0.4');
  await Promise.all(crowd.slice(0, 2).map(async ({ closed }) => closed));
  // Nobody else has lost one.
  for (const connection of [...few, ...late, ...crowd.slice(2)]) {
    connection.write(ping);
    t.is((await connection.response()).status, 200);
  }
  await closeAll([...few, ...late, ...crowd]);
});

test.serial(
  'each connection that was closed for a crowd is told of, also when nobody comes any more',
  async (t) => {
    let told = 0;
    const allTold = Promise.withResolvers<void>();
    const log = pino(
      {},
      {
        write: (line: string) => {
          told += (JSON.parse(line) as { closed: number }).closed;
          if (told >= 5) allTold.resolve();
        },
      },
    );
    const other = new Listener(
      { ...common, log, tls, bounds: unhurried },
      (request, response) => void echo(request, response),
    );
    const crowd = await openMany(connections + 5, '127.0.0.2', (await other.listen()).port);
    await allTold.promise;
    t.is(told, 5);
    await closeAll(crowd);
    await other.close(0);
  },
);

test.serial('what is not told yet of a crowd is told at the end', async (t) => {
  const lines: { closed: number }[] = [];
  const log = pino({}, { write: (line: string) => lines.push(JSON.parse(line) as { closed: number }) });
  const other = new Listener(
    { ...common, log, tls, bounds: { ...unhurried, crowdLog: 600_000 } },
    (request, response) => void echo(request, response),
  );
  const crowd = await openMany(connections + 5, '127.0.0.2', (await other.listen()).port);
  await other.close(0);
  t.deepEqual(
    lines.map(({ closed }) => closed),
    [1, 4],
  );
  await closeAll(crowd);
});

test.serial('whoever opens ever more takes the place of nobody else', async (t) => {
  const few = await openMany(1, '127.0.0.3');
  const crowd = [];
  for (let count = 0; count < 4 * connections; count++) {
    crowd.push(...(await openMany(1, '127.0.0.2')));
    for (const connection of few) connection.write(ping);
    for (const connection of few) t.is((await connection.response()).status, 200);
  }
  await closeAll([...few, ...crowd]);
});

test.serial('what is being worked on is never cut: then the newcomer goes', async (t) => {
  const hold = Promise.withResolvers<void>();
  held = hold.promise;
  const allHeld = Promise.withResolvers<void>();
  let left = connections;
  onHeld = () => {
    if (--left === 0) allHeld.resolve();
  };
  const crowd = await Promise.all(
    Array.from({ length: connections }, async () => open('127.0.0.2', patientPort)),
  );
  for (const connection of crowd) connection.write('GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await allHeld.promise;
  // One more that begins a request and leaves it at that: it has been of no use.
  const useless = crowd.pop();
  useless?.close();
  await useless?.closed;
  const begun = await retry(async () => open('127.0.0.2', patientPort));
  begun.write(`${head}Content-Length: 10\r\n\r\n1`);
  const welcome = await open('127.0.0.4', patientPort);
  await begun.closed;
  welcome.write(ping);
  t.is((await welcome.response()).status, 200);
  welcome.write('GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await t.throwsAsync(open('127.0.0.2', patientPort), { code: 'ECONNRESET' });
  hold.resolve();
  for (const connection of [...crowd, welcome]) t.is((await connection.response()).status, 200);
  await closeAll([...crowd, welcome]);
  // And there is room again.
  const connection = await retry(async () => open('127.0.0.1', patientPort));
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
