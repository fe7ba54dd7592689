import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { monotonicNow } from '../../src/clock.ts';
import { socketPair } from '../../src/node/socket-pair.ts';
import { FrameCutter } from '../../src/token/frame-bytes.ts';
import { TokenError, type TokenFault } from '../../src/token/faults.ts';
import { encodeKeyIdentity } from '../../src/token/key-identity.ts';
import type { TokenRequest } from '../../src/token/messages.ts';
import type { CallOptions } from '../../src/token/pool/pool-entry.ts';
import { TokenPool } from '../../src/token/pool/token-pool.ts';
import { readRequest, type RequestFrame } from '../../src/token/request-frames.ts';
import { writeResponse } from '../../src/token/response-frames.ts';

/*
 * Whom a pool gives its work to, by what hosts say that an operation took: seconds, so that it is the same however slow the
 * machine is. The hosts are ends of sockets that the test answers at.
 */

const none = Buffer.alloc(0);
const decrypt: TokenRequest = {
  ...{ kind: 'decrypt', key: none, identity: none, aadForm: 'full', aad: none, metadata: none },
  ...{ iv: none, ciphertext: none, tag: none },
};

/** A host as its own end of the socket is. */
class Host {
  readonly asked: RequestFrame[] = [];
  /** How often it was asked for its health. */
  checks = 0;
  answersChecks = false;
  readonly #open: RequestFrame[] = [];
  readonly #cutter = new FrameCutter();
  readonly #socket: Socket;
  #heard = Promise.withResolvers<void>();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      for (const frame of this.#cutter.push(chunk).map(readRequest))
        if (frame.request.kind === 'health') this.#checked(frame);
        else this.asked.push(frame);
      this.#heard.resolve();
      this.#heard = Promise.withResolvers();
    });
  }

  /** Until so many are asked of it that it has not answered. */
  async has(count: number): Promise<void> {
    while (this.asked.length < count) await this.#heard.promise;
  }

  #checked(frame: RequestFrame): void {
    this.checks++;
    this.#open.push(frame);
    if (this.answersChecks) this.answerHealth(1e-6);
  }

  /** Until it was asked for its health so often. */
  async isChecked(count: number): Promise<void> {
    while (this.checks < count) await this.#heard.promise;
  }

  /** Answers the oldest of them. */
  answerHealth(seconds: number, error?: TokenError): void {
    const { id = 0 } = this.#open.shift() ?? {};
    const answer = error ?? ({ kind: 'health', value: {} } as const);
    this.#socket.write(writeResponse({ id, microseconds: seconds * 1e6, learning: false, answer }));
  }

  /** Answers the oldest, which is said to have taken so many seconds. */
  answer(seconds: number): void {
    const { id = 0 } = this.asked.shift() ?? {};
    const answer = { kind: 'decrypt', value: { plaintext: none } } as const;
    this.#socket.write(writeResponse({ id, microseconds: seconds * 1e6, learning: false, answer }));
  }

  /** Says that the oldest cannot be done, after so many seconds. */
  fail(seconds: number, fault: TokenFault = 'data-refused'): void {
    const { id = 0 } = this.asked.shift() ?? {};
    const answer = new TokenError(fault, 'C_DestroyObject');
    this.#socket.write(writeResponse({ id, microseconds: seconds * 1e6, learning: false, answer }));
  }
}

function newPool(
  t: ExecutionContext,
  members: ConstructorParameters<typeof TokenPool>[1] = 1,
  sickAfter = 600_000,
  healthInterval = 600_000,
): TokenPool {
  const pool = new TokenPool('token', members, () => undefined, {
    ...{ queueLength: 2048, sickAfter, killAfter: 600_000, healthInterval },
  });
  t.teardown(() => pool.close());
  return pool;
}

/** `seconds` is what an operation took it at its self-test. */
async function hostOf(pool: TokenPool, id: number, member = pool.name, seconds?: number): Promise<Host> {
  const [ours, theirs] = await socketPair();
  // There it encrypts and decrypts.
  const operationTime = seconds === undefined ? undefined : 2 * seconds * 1000;
  pool.addHost(id, process.pid, ours, { member, operationTime });
  return new Host(theirs);
}

/** What became of it, once something has. */
function ask(
  pool: TokenPool,
  seconds: number,
  options: Omit<CallOptions, 'deadline'> = {},
): { told: string; end: Promise<void> } {
  const asked = { told: '', end: Promise.resolve() };
  const deadline = monotonicNow() + seconds * 1000;
  asked.end = pool.call(decrypt, { ...options, deadline }).then(
    () => void (asked.told = 'done'),
    (error: unknown) => void (asked.told = (error as TokenError).fault),
  );
  return asked;
}

/** Has a host say so often what an operation takes that its pool believes it. */
async function teach(pool: TokenPool, host: Host, seconds: number): Promise<void> {
  for (let done = 0; done < 100; done++) {
    const { end } = ask(pool, 3_600);
    await host.has(1);
    host.answer(seconds);
    await end;
  }
}

test('one slow host has nothing refused that a quick one will do in time', async (t) => {
  const pool = newPool(t);
  const slow = await hostOf(pool, 1);
  await teach(pool, slow, 400);
  const quick = await hostOf(pool, 2);
  // The slow one has one of an hour, so it is busy.
  const long = ask(pool, 3_600);
  await slow.has(1);
  const calls = Array.from({ length: 20 }, () => ask(pool, 600));
  for (const [at] of calls.entries()) {
    await quick.has(1);
    t.deepEqual(
      new Set(calls.slice(at).map(({ told }) => told)),
      new Set(['']),
      `none is refused, after ${at}`,
    );
    quick.answer(0.001);
    await calls[at]?.end;
  }
  t.deepEqual(new Set(calls.map(({ told }) => told)), new Set(['done']));
  t.is(slow.asked.length, 1);
  slow.answer(400);
  await long.end;
});

test('a pool tells how long what comes now would wait, by what operations take, and its hosts', async (t) => {
  const pool = newPool(t);
  t.is(pool.load.wait, null, 'no host is there');
  const host = await hostOf(pool, 1);
  await teach(pool, host, 10);
  t.like(pool.load, { wait: 0, waiting: 0, underWay: 0 });
  const calls = Array.from({ length: 4 }, () => ask(pool, 3_600));
  await host.has(1);
  const { wait, waiting, underWay, hosts } = pool.load;
  t.deepEqual([waiting, underWay], [3, 1]);
  t.true(Math.abs((wait ?? 0) - 40_000) < 400, `four of ten seconds, not ${String(wait)} ms`);
  t.like(hosts[0], { pid: process.pid, member: 'token', state: 'busy', check: null });
  for (const { end } of calls) {
    await host.has(1);
    host.answer(10);
    await end;
  }
  t.is(pool.load.wait, 0);
  pool.removeHost(1);
  t.is(pool.load.wait, null);
});

test('a host tells its last health check: what it took, and whether it went well', async (t) => {
  const pool = newPool(t, 1, 600_000, 5);
  const host = await hostOf(pool, 1);
  await host.isChecked(1);
  host.answerHealth(0.25);
  const checked = async (ok: boolean) => {
    while (pool.hosts[0]?.check?.ok !== ok) await nextTurn();
    return pool.hosts[0]?.check;
  };
  t.like(await checked(true), { took: 250, ok: true });
  await host.isChecked(2);
  // It had not come to it in time; what fails otherwise ends the host.
  host.answerHealth(0, new TokenError('timeout', 'queue'));
  t.like(await checked(false), { took: 0, ok: false });
});

test('what is too much for its own hosts is refused at once, though a neighbour lends some that stay idle', async (t) => {
  const pool = newPool(t);
  const own = await hostOf(pool, 1);
  await teach(pool, own, 100);
  const [ours, theirs] = await socketPair();
  pool.borrow(-1, process.pid, ours, { hosts: 4, prepared: true });
  const neighbour = new Host(theirs);
  const calls = Array.from({ length: 20 }, () => ask(pool, 450));
  await Promise.all(calls.slice(5).map(async ({ end }) => end));
  t.deepEqual(new Set(calls.slice(5).map(({ told }) => told)), new Set(['overloaded']));
  t.is(neighbour.asked.length, 0);
});

test('what only its own hosts may do, and they cannot, keeps nothing from a neighbour’s', async (t) => {
  const pool = newPool(t);
  const own = await hostOf(pool, 1);
  const [ours, theirs] = await socketPair();
  pool.borrow(-1, process.pid, ours, { hosts: 1, prepared: true });
  const neighbour = new Host(theirs);
  // Its own host ends: it gets nothing new.
  const failed = ask(pool, 3_600);
  await own.has(1);
  own.fail(0.001, 'device');
  await neighbour.has(1);
  neighbour.answer(0.001);
  await failed.end;

  const lent = [1, 2].map((number) => ask(pool, 3_600, { lane: `borrower ${number}`, ownHostsOnly: true }));
  const call = ask(pool, 3_600);
  t.is(pool.load.waiting, 2, 'the two that came first');
  await neighbour.has(1);
  neighbour.answer(0.001);
  await call.end;
  t.is(call.told, 'done');

  const other = await hostOf(pool, 2);
  await other.has(2);
  for (const { end } of lent) {
    other.answer(0.001);
    await end;
  }
  t.deepEqual(new Set(lent.map(({ told }) => told)), new Set(['done']));
});

test('where the deadline leaves another host just the time, it is asked before the first is sick', async (t) => {
  const pool = newPool(t, 2, 20);
  const first = await hostOf(pool, 1);
  await teach(pool, first, 0.2);
  // An hour or so is as long as it needs and as is left, from the start on, however long this process stands still meanwhile.
  const other = await hostOf(pool, 2, pool.name, 3_600);
  const sick: number[] = [];
  const onAttempt = () => sick.push(pool.load.members[0]?.sick ?? NaN);
  const call = ask(pool, 3_600, { onAttempt });
  await other.has(1);
  other.answer(0.2);
  await call.end;
  t.is(call.told, 'done');
  t.deepEqual(sick, [0, 0]);
  t.is(first.asked.length, 1);
});

test('whoever has not shown how slow it is is taken to be as slow as the first', async (t) => {
  // Its moment is a tenth of a second long, which a process that stands still may miss.
  for (let round = 1; ; round++) {
    const pool = newPool(t, 2, 20);
    const first = await hostOf(pool, 1);
    await teach(pool, first, 0.2);
    const other = await hostOf(pool, 2);
    const sick: number[] = [];
    const onAttempt = () => sick.push(pool.load.members[0]?.sick ?? NaN);
    const call = ask(pool, 0.56, { onAttempt });
    await Promise.race([other.has(1), call.end]);
    if (other.asked.length > 0) other.answer(0.2);
    await call.end;
    if (call.told === 'done' && sick.join() === '0,0') break;
    t.true(round < 5, `it was never asked in time: ${call.told}, ${sick.join()}`);
    if (round === 5) break;
  }
  t.pass();
});

test('what a host has had for no longer than it should take is given to no other, however near its deadline is', async (t) => {
  const pool = newPool(t, 2, 20);
  const first = await hostOf(pool, 1);
  await teach(pool, first, 0.2);
  const other = await hostOf(pool, 2);
  const call = ask(pool, 0.24);
  await call.end;
  t.is(call.told, 'timeout');
  t.is(other.asked.length, 0);
});

test('a host that has not answered for its health is not asked again: it would only be longer before it is found to hang', async (t) => {
  const pool = newPool(t, 2, 600_000, 5);
  const [silent, well] = [await hostOf(pool, 1), await hostOf(pool, 2)];
  well.answersChecks = true;
  await well.isChecked(5);
  t.is(silent.checks, 1);
});

test('hosts that are lent are as quick as there are many', async (t) => {
  const pool = newPool(t);
  const [ours, theirs] = await socketPair();
  pool.borrow(-1, process.pid, ours, { hosts: 4, prepared: true });
  const lent = new Host(theirs);
  await teach(pool, lent, 40);
  const calls = Array.from({ length: 10 }, () => ask(pool, 200));
  await lent.has(4);
  t.deepEqual(new Set(calls.map(({ told }) => told)), new Set(['']));
  // Six wait until others are done.
  for (const { end } of calls) {
    await lent.has(1);
    lent.answer(40);
    await end;
  }
  t.deepEqual(new Set(calls.map(({ told }) => told)), new Set(['done']));
});

test('a slow host holds one operation at a time: whoever comes next waits for what it does and for no more', async (t) => {
  for (const [seconds, held] of [
    [0.02, 1],
    [0.005, 2],
  ] as const) {
    const pool = newPool(t);
    const host = await hostOf(pool, 1);
    await teach(pool, host, seconds);
    const calls = [ask(pool, 3_600), ask(pool, 3_600)];
    // What one turn brings is written in one piece.
    await host.has(1);
    t.is(host.asked.length, held);
    for (const { end } of calls) {
      await host.has(1);
      host.answer(seconds);
      await end;
    }
  }
});

test('a key that could not be destroyed says nothing of how long an operation takes', async (t) => {
  const pool = newPool(t);
  const host = await hostOf(pool, 1);
  await teach(pool, host, 0.001);
  const destroyed = pool.call(
    { kind: 'destroyKey', key: none, identity: none },
    { deadline: monotonicNow() + 3_600_000 },
  );
  await host.has(1);
  host.fail(3_000);
  await t.throwsAsync(destroyed, { instanceOf: TokenError });
  const calls = Array.from({ length: 30 }, () => ask(pool, 60));
  for (const { end } of calls) {
    await host.has(1);
    host.answer(0.001);
    await end;
  }
  t.deepEqual(new Set(calls.map(({ told }) => told)), new Set(['done']));
});

test('what one host of an HSM fails goes to another HSM, and what each says of its key is told as the gravest', async (t) => {
  const group = [
    { name: 'b', hosts: 2 },
    { name: 'a', hosts: 1 },
  ];
  const pool = newPool(t, group);
  const [first, second] = [await hostOf(pool, 1, 'b'), await hostOf(pool, 2, 'b')];
  const other = await hostOf(pool, 3, 'a');
  const identity = encodeKeyIdentity({
    label: 'key',
    binding: Buffer.alloc(32),
    proof: Buffer.from('proof'),
  });
  const proven = { ...decrypt, identity };
  const failed = pool.call(proven, { deadline: monotonicNow() + 3_600_000 });
  await first.has(1);
  first.fail(0.001, 'session-lost');
  await other.has(1);
  other.answer(0.001);
  await failed;
  t.is(second.asked.length, 0);

  const wrong = pool.call(proven, { deadline: monotonicNow() + 3_600_000 });
  await first.has(1);
  first.fail(0.001, 'key-unfit');
  await other.has(1);
  other.fail(0.001, 'key-missing');
  const error = await t.throwsAsync(wrong, { instanceOf: TokenError });
  t.is(error?.fault, 'key-unfit');
  t.regex(error?.detail ?? '', /^b: .*; a: /);
  t.is(second.asked.length, 0, 'the same HSM is not asked again for its key');
});
