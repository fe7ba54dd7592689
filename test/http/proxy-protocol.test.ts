import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http2 from 'node:http2';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { Listener } from '../../src/http/listener.ts';
import { includes, networks, readProxyHeader } from '../../src/http/proxy-protocol.ts';
import { loadTls } from '../../src/http/tls.ts';
import { xksRefusal } from '../../src/http/xks-app.ts';
import { createLog } from '../../src/log.ts';
import { TestCa } from '../../testing/certificates.ts';
import { freePort } from '../../testing/free-port.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import fc from '../../testing/properties.ts';

/* A listener that says to each request from where it takes it to come. */

const state = {} as { directory: string; ca: TestCa; port: number; listener: Listener };

test.before(async () => {
  state.directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-proxied-'));
  state.ca = await TestCa.create(state.directory);
  state.listener = new Listener(
    {
      address: '127.0.0.1',
      port: 0,
      connections: 64,
      tls: loadTls({ ...(await state.ca.issue('localhost')), client_subjects: [] }),
      log: createLog('silent'),
      refusalForm: xksRefusal,
      proxyProtocolFrom: ['127.0.0.0/31', '2001:db8::/32'],
    },
    (request, response) => {
      request.resume();
      response.end(`${request.url} from ${request.socket.remoteAddress} ${request.socket.remotePort}`);
    },
  );
  ({ port: state.port } = await state.listener.listen());
});

test.after.always(async () => {
  await state.listener.close(0);
  await rm(state.directory, { recursive: true, force: true });
});

/** A connection from an address of this machine, with these bytes before its TLS. */
async function open(pieces: readonly (string | Buffer)[], localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: state.port, localAddress, noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  for (const piece of pieces) await new Promise((written) => socket.write(piece, written));
  return socket;
}

/** It may have been already. */
async function hungUpOn(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await new Promise((closed) => socket.once('close', closed));
}

async function tlsOver(socket: Socket, ALPNProtocols: string[]) {
  const ca = await readFile(state.ca.certificate);
  const secure = connectTls({ socket, servername: 'localhost', ca, ALPNProtocols });
  await once(secure, 'secureConnect');
  return secure;
}

async function askHttp1(socket: Socket, requests = 1): Promise<string> {
  const secure = await tlsOver(socket, ['http/1.1']);
  for (let sent = 1; sent <= requests; sent++)
    secure.write(
      `GET /${sent} HTTP/1.1\r\nHost: localhost\r\n${sent === requests ? 'Connection: close\r\n' : ''}\r\n`,
    );
  return text(secure);
}

const line = 'PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n';

function binary(command: number, family: number, addresses: Buffer): Buffer {
  const head = Buffer.from([13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10, command, family, 0, 0]);
  head.writeUInt16BE(addresses.length, 14);
  return Buffer.concat([head, addresses]);
}

const ipv4 = Buffer.from([192, 0, 2, 8, 198, 51, 100, 1, 0x9c, 0x40, 1, 187]);
const ipv6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000009', 'hex'),
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from([0x9c, 0x40, 1, 187]),
]);

test('of what a load balancer says a request has its address, in both versions and over IPv6', async (t) => {
  t.regex(await askHttp1(await open([line])), /from 192\.0\.2\.7 40000$/);
  t.regex(await askHttp1(await open([binary(0x21, 0x11, ipv4)])), /from 192\.0\.2\.8 40000$/);
  const withMore = Buffer.concat([ipv6, Buffer.from([4, 0, 1, 0])]);
  t.regex(await askHttp1(await open([binary(0x21, 0x21, withMore)])), /from 2001:db8::9 40000$/);
});

test('an IPv4 client of a listener for both is that client, in either version', (t) => {
  const mapped = Buffer.concat([Buffer.from('00000000000000000000ffffc0000207', 'hex'), ipv6.subarray(16)]);
  for (const header of [
    binary(0x21, 0x21, mapped),
    Buffer.from('PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 40000 443\r\n'),
    Buffer.from('PROXY TCP6 0:0:0:0:0:ffff:c000:207 2001:db8::1 40000 443\r\n'),
  ])
    t.like(readProxyHeader(header), { source: { address: '192.0.2.7', port: 40_000 } });
  t.like(readProxyHeader(Buffer.from('PROXY TCP6 2001:0DB8:0:0::9 2001:db8::1 40000 443\r\n')), {
    source: { address: '2001:db8::9' },
  });
});

test('a header that comes in pieces, and one with TLS right behind it, are read as they are', async (t) => {
  const bytes = [...binary(0x21, 0x11, ipv4)].map((byte) => Buffer.from([byte]));
  t.regex(
    await askHttp1(await open(bytes), 2),
    /\/1 from 192\.0\.2\.8 40000[^]*\/2 from 192\.0\.2\.8 40000$/,
  );
});

test('over HTTP/2 each request has the address too', async (t) => {
  const secure = await tlsOver(await open([line]), ['h2']);
  const session = http2.connect('https://localhost', { createConnection: () => secure });
  for (const url of ['/a', '/b'])
    t.is(await text(session.request({ ':path': url })), `${url} from 192.0.2.7 40000`);
  session.close();
});

test('a load balancer that speaks for itself is seen with its own address', async (t) => {
  for (const header of [binary(0x20, 0, Buffer.alloc(0)), 'PROXY UNKNOWN\r\n']) {
    const socket = await open([header]);
    const { localPort } = socket;
    t.true((await askHttp1(socket)).endsWith(`from 127.0.0.1 ${localPort}`));
  }
});

test('who is no load balancer of ours is never believed, and needs no header', async (t) => {
  const socket = await open([], '127.0.0.9');
  t.regex(await askHttp1(socket), /from 127\.0\.0\.9 \d+$/);
  const liar = await open([line], '127.0.0.9');
  await hungUpOn(liar);
});

test('a load balancer that says nothing of it is hung up on', async (t) => {
  await hungUpOn(await open(['\x16\x03\x01\x00\x05hello']));
  await hungUpOn(await open(['PROXY TCP4 192.0.2.999 198.51.100.1 1 2\r\n']));
  t.pass();
});

test('a load balancer is known by its address or network, however the kernel writes it', (t) => {
  const known = networks(['10.0.1.0/24', '192.0.2.7', '2001:db8::/32']);
  for (const address of ['10.0.1.9', '::ffff:10.0.1.9', '192.0.2.7', '2001:db8::9'])
    t.true(includes(known, address), address);
  for (const address of ['10.0.2.9', '::ffff:10.0.2.9', '192.0.2.8', '2001:db9::9', '::1'])
    t.false(includes(known, address), address);
});

test('nothing but a header is read as one, and of each beginning of one more is awaited', (t) => {
  const headers = [
    Buffer.from(line),
    binary(0x21, 0x11, ipv4),
    binary(0x21, 0x21, ipv6),
    binary(0x20, 0, ipv4),
  ];
  for (const header of headers) {
    for (let length = 0; length < header.length; length++)
      t.is(readProxyHeader(header.subarray(0, length)), 'more');
    t.like(readProxyHeader(Buffer.concat([header, Buffer.from('\x16\x03\x01')])), { length: header.length });
  }
  for (const bad of [
    '\x16\x03\x01\x02',
    'PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 40000 65536\r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 040 443\r\n',
    'PROXY TCP4  192.0.2.7 198.51.100.1 40 443\r\n',
    'PROXY TCP4 ::1 ::1 40 443\r\n',
    'PROXY TCP6 fe80::1%lo fe80::1 40 443\r\n',
    'PROXY UDP4 192.0.2.7 198.51.100.1 40 443\r\n',
    `PROXY ${'x'.repeat(200)}`,
    'GET / HTTP/1.1\r\n',
  ])
    t.is(readProxyHeader(Buffer.from(bad, 'latin1')), undefined, bad);
  t.is(readProxyHeader(binary(0x31, 0x11, ipv4)), undefined);
  t.is(readProxyHeader(binary(0x22, 0x11, ipv4)), undefined);
  t.is(readProxyHeader(binary(0x21, 0x11, ipv4.subarray(1))), undefined);
  t.is(readProxyHeader(binary(0x21, 0x21, ipv6.subarray(1))), undefined);
  t.is(readProxyHeader(binary(0x21, 0x11, Buffer.alloc(5000))), undefined);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const header = readProxyHeader(Buffer.from(bytes));
      t.true(header === 'more' || header === undefined || header.length <= bytes.length);
    }),
  );
});

test('HAProxy, as our example has it, passes on the addresses of clients, and sees a node by its health check', async (t) => {
  const port = await freePort();
  await haproxy(t, port);
  for (const localAddress of ['127.0.0.3', '127.0.0.4']) {
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    await once(socket, 'connect');
    const { localPort } = socket;
    t.true((await askHttp1(socket)).endsWith(`/1 from ${localAddress} ${localPort}`));
  }
});

/** Resolves once it serves, since its health check has gone well. */
async function haproxy(t: ExecutionContext, port: number): Promise<void> {
  const example = await readFile(new URL('../../packaging/haproxy.cfg', import.meta.url), 'utf8');
  const file = path.join(state.directory, 'haproxy.cfg');
  const config = example
    .replace('bind :443', `bind 127.0.0.1:${port}`)
    .replace('10.0.1.11:443', `127.0.0.1:${state.port}`)
    .replace('/etc/haproxy/holdfast-ca.pem', state.ca.certificate)
    // A second node that is not there, and is found so.
    .replace('10.0.1.12:443', '127.0.0.1:1')
    // The other end is in this process, which has other things to do.
    .replace('inter 1s fall 2', 'inter 1s fall 100')
    .replace('timeout connect 1s', 'timeout connect 30s\n    timeout check 30s')
    .replace('global\n', 'global\n    log stdout format raw local0\n')
    .replace('defaults\n', 'defaults\n    log global\n    option log-health-checks\n');
  await writeFile(file, config);
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  await new Promise<void>((resolve) => {
    const hear = (chunk: Buffer) => {
      said += String(chunk);
      if (/xks-nodes\/node-1 succeeded/.test(said) && /xks-nodes\/node-2 failed/.test(said)) resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('close', () => resolve());
  });
  t.regex(said, /node-1 succeeded/);
}
