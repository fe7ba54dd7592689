import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { TokenError } from '../../src/token/faults.ts';
import { FrameCutter } from '../../src/token/frame-bytes.ts';
import { monotonicNow } from '../../src/clock.ts';
import { readRequest, type RequestFrame } from '../../src/token/request-frames.ts';
import { writeResponse, type TokenAnswer } from '../../src/token/response-frames.ts';
import { TokenPool } from '../../src/token/pool/token-pool.ts';
import { throwsFault } from './open-pool.ts';

/*
 * Hosts that a sound token host never is: its memory was overwritten by the vendor's module, say. A socket whose
 * other end is the test stands for it.
 */

interface Strange {
  pool: TokenPool;
  killed: number[];
  /** Adds a host whose requests `answer` is asked about. */
  add: (id: number, answer: (frame: RequestFrame, host: Socket) => void) => Promise<void>;
}

async function begin(t: ExecutionContext): Promise<Strange> {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-strange-'));
  const server = createServer();
  server.listen(path.join(directory, 'socket'));
  await once(server, 'listening');
  const killed: number[] = [];
  const pool = new TokenPool('token', 2, (id) => killed.push(id));
  t.teardown(async () => {
    pool.close();
    server.close();
    await rm(directory, { recursive: true, force: true });
  });
  const add: Strange['add'] = async (id, answer) => {
    const ours = createConnection(path.join(directory, 'socket'));
    const [theirs] = (await once(server, 'connection')) as [Socket];
    const cutter = new FrameCutter();
    theirs.on('data', (chunk) => {
      for (const frame of cutter.push(chunk)) answer(readRequest(frame), theirs);
    });
    theirs.on('error', () => undefined);
    pool.addHost(id, id, ours);
  };
  return { pool, killed, add };
}

const ask = async (pool: TokenPool, timeout = 10_000) =>
  pool.call(
    { kind: 'unseal', context: Buffer.from('c'), former: '', sealed: Buffer.from('x') },
    { deadline: monotonicNow() + timeout },
  );

const respond = (id: number, microseconds: number, answer: TokenAnswer | TokenError) =>
  writeResponse({ id, microseconds, learning: false, answer });
const secret = Buffer.from('the right one');
const sound = ({ id }: RequestFrame, host: Socket) =>
  host.write(respond(id, 10, { kind: 'unseal', value: { secret } }));

const nonsense: [name: string, answer: (frame: RequestFrame) => Buffer][] = [
  ['a frame of an impossible length', () => Buffer.alloc(8, 0xff)],
  ['an empty frame', () => Buffer.alloc(4)],
  ['noise', ({ id }) => Buffer.concat([respond(id, 1, { kind: 'health', value: {} }), Buffer.alloc(64, 7)])],
  ['an answer to another question', ({ id }) => respond(id, 1, { kind: 'seal', value: { sealed: secret } })],
];
for (const [name, answer] of nonsense)
  test(`a host that gives ${name} is killed, and its work goes to another`, async (t) => {
    const { pool, killed, add } = await begin(t);
    await add(1, (frame, host) => host.write(answer(frame)));
    const asked = ask(pool);
    await add(2, sound);
    t.deepEqual(Buffer.from((await asked).value.secret), secret);
    t.deepEqual(killed, [1]);
    t.deepEqual(
      pool.hosts.map(({ id }) => id),
      [2, 0],
    );
  });

test('an answer to a question that nobody asked is dropped', async (t) => {
  const { pool, killed, add } = await begin(t);
  await add(1, ({ id }, host) => {
    host.write(respond(id + 1000, 1, { kind: 'unseal', value: { secret: Buffer.from('wrong') } }));
    host.write(respond(id, 1, { kind: 'unseal', value: { secret } }));
    host.write(respond(id, 1, { kind: 'unseal', value: { secret: Buffer.from('twice') } }));
  });
  t.deepEqual(Buffer.from((await ask(pool)).value.secret), secret);
  t.deepEqual(Buffer.from((await ask(pool)).value.secret), secret);
  t.deepEqual(killed, []);
});

test('a host that says it is ending gets nothing more, before its socket is closed', async (t) => {
  const { pool, add } = await begin(t);
  let asked = 0;
  await add(1, ({ id }, host) => {
    asked++;
    host.write(respond(id, 1, new TokenError('device', 'C_Decrypt', 0x30)));
  });
  const first = ask(pool);
  await add(2, sound);
  await first;
  for (let i = 0; i < 10; i++) await ask(pool);
  t.is(asked, 1);
  t.deepEqual(
    pool.hosts.map(({ state }) => state),
    ['dead', 'ready'],
  );
  t.is(pool.health, 'DEGRADED');
});

test('where every host has failed and none is to come, the failure is told at once', async (t) => {
  const { pool, add } = await begin(t);
  const lost = ({ id }: RequestFrame, host: Socket) =>
    host.write(respond(id, 1, new TokenError('session-lost', 'C_Decrypt', 0xb3)));
  await add(1, lost);
  await add(2, lost);
  const error = await throwsFault(t, 'session-lost', ask(pool, 60_000));
  t.is(error.rv, 0xb3);
});

test('where another host is still to come, the failure is told at the deadline', async (t) => {
  const { pool, add } = await begin(t);
  await add(1, ({ id }, host) =>
    host.write(respond(id, 1, new TokenError('session-lost', 'C_Decrypt', 0xb3))),
  );
  // Long enough for a busy machine to bring the host's answer before it.
  await throwsFault(t, 'session-lost', ask(pool, 1_000));
  const waiting = ask(pool, 60_000);
  await add(2, sound);
  t.deepEqual(Buffer.from((await waiting).value.secret), secret);
});

test('a request that is asked of two hosts is asked of no third', async (t) => {
  const { pool, add } = await begin(t);
  let asked = 0;
  const failing = ({ id }: RequestFrame, host: Socket) => {
    asked++;
    host.write(respond(id, 1, new TokenError('verify-failed', 'C_Decrypt')));
  };
  for (const id of [1, 2, 3]) await add(id, failing);
  await throwsFault(t, 'verify-failed', ask(pool));
  t.is(asked, 2);
});
