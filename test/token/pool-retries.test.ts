import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { monotonicNow } from '../../src/clock.ts';
import { socketPair } from '../../src/node/socket-pair.ts';
import { FrameCutter } from '../../src/token/frame-bytes.ts';
import { TokenError, type TokenFault } from '../../src/token/faults.ts';
import { encodeKeyIdentity } from '../../src/token/key-identity.ts';
import type { TokenRequest } from '../../src/token/messages.ts';
import { lendHosts } from '../../src/token/pool/lent-hosts.ts';
import { TokenPool } from '../../src/token/pool/token-pool.ts';
import { readRequest } from '../../src/token/request-frames.ts';
import { writeResponse } from '../../src/token/response-frames.ts';
import { throwsFault } from './open-pool.ts';

/* Which host a second attempt goes to, among hosts that answer, fail and hang as told. */

type Behaviour = 'answers' | 'hangs' | TokenFault;

const nothing = Buffer.alloc(0);
const identity = { label: 'a', binding: Buffer.alloc(32) };
const proven = encodeKeyIdentity({ ...identity, proof: Buffer.alloc(40, 1) });
const unproven = encodeKeyIdentity({ ...identity, proof: nothing });
const never = 600_000;
const limits = { queueLength: 4, sickAfter: 60, killAfter: never, healthInterval: never };
const group = [
  { name: 'a', hosts: 2 },
  { name: 'b', hosts: 1 },
];

function pool(t: ExecutionContext, members: number | typeof group, sickAfter = limits.sickAfter): TokenPool {
  const made = new TokenPool('token', members, () => undefined, { ...limits, sickAfter });
  t.teardown(() => made.close());
  return made;
}

/** Gives a pool a host; returns what it is asked. */
async function host(to: TokenPool, id: number, does: Behaviour, member?: string): Promise<string[]> {
  const asked: string[] = [];
  const [ours, theirs] = await socketPair();
  to.addHost(id, process.pid, ours, member === undefined ? {} : { member });
  serve(theirs, does, asked);
  return asked;
}

function serve(socket: Socket, does: Behaviour, asked: string[]): void {
  const cutter = new FrameCutter();
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    for (const { id, request } of cutter.push(chunk).map(readRequest)) {
      asked.push(request.kind);
      if (does === 'hangs') continue;
      const answer =
        does === 'answers'
          ? ({ kind: 'decrypt', value: { plaintext: nothing } } as const)
          : new TokenError(does, 'C_Decrypt');
      socket.write(writeResponse({ id, microseconds: 100, learning: false, answer }));
    }
  });
}

async function lend(lender: TokenPool, borrower: TokenPool, prepared = true): Promise<void> {
  const [ours, theirs] = await socketPair();
  lendHosts(lender, theirs);
  borrower.borrow(-1, process.pid, ours, { hosts: 1, prepared });
}

async function decrypt(
  by: TokenPool,
  key: Buffer,
  options: { member?: string; lane?: string } = {},
): Promise<unknown> {
  const request: TokenRequest = {
    ...{ kind: 'decrypt', key: nothing, identity: key, aadForm: 'full', aad: nothing },
    ...{ metadata: nothing, iv: nothing, ciphertext: nothing, tag: nothing },
  };
  return by.call(request, { deadline: monotonicNow() + 20_000, ...options });
}

for (const [name, members, member] of [
  ['a host', 2, undefined],
  ['a host of an HSM group', group, 'a'],
] as const) {
  for (const [fails, does] of [
    ['hangs', 'hangs'],
    ['crashes', 'device'],
  ] as const)
    test(`${name} ${fails}: its idle twin is asked before a neighbour`, async (t) => {
      const [lender, own] = [pool(t, members, never), pool(t, members)];
      await host(lender, 50, 'hangs', member);
      const first = await host(own, 1, does, member);
      await lend(lender, own);
      const second = await host(own, 2, 'answers', member);
      await t.notThrowsAsync(decrypt(own, proven));
      t.deepEqual([first, second], [['decrypt'], ['decrypt']]);
    });

  test(`${name} fails: its idle twin is asked before a neighbour without hosts`, async (t) => {
    const [lender, own] = [pool(t, members), pool(t, members)];
    await host(own, 1, 'device', member);
    await lend(lender, own, false);
    const second = await host(own, 2, 'answers', member);
    await t.notThrowsAsync(decrypt(own, proven));
    t.deepEqual(second, ['decrypt']);
  });
}

test('where a host of one HSM fails, another HSM is asked before the next host of the same', async (t) => {
  const own = pool(t, group);
  await host(own, 1, 'device', 'a');
  const twin = await host(own, 2, 'device', 'a');
  const other = await host(own, 3, 'answers', 'b');
  await t.notThrowsAsync(decrypt(own, proven));
  t.deepEqual([twin, other], [[], ['decrypt']]);
});

test('a key without a proof is used on a neighbour’s host of the first HSM, and on no other', async (t) => {
  const [lender, own] = [pool(t, group), pool(t, group)];
  const second = await host(own, 1, 'answers', 'b');
  const lent = await host(lender, 50, 'answers', 'a');
  const lentSecond = await host(lender, 51, 'answers', 'b');
  await lend(lender, own);
  for (let count = 0; count < 4; count++) await t.notThrowsAsync(decrypt(own, unproven));
  t.deepEqual([second.length, lent.length, lentSecond.length], [0, 4, 0]);
});

test('what is for a member by name is not lent: a neighbour would not know of which', async (t) => {
  const [lender, own] = [pool(t, group), pool(t, group)];
  const lent = await host(lender, 50, 'answers', 'a');
  const hung = await host(own, 1, 'hangs', 'a');
  await lend(lender, own);
  const named = throwsFault(t, 'unavailable', decrypt(own, unproven, { member: 'a' }));
  // It goes to the neighbour once its own host hangs, past the one that may not.
  await t.notThrowsAsync(decrypt(own, unproven));
  t.deepEqual([hung.length, lent.length], [2, 1]);
  // Its own host gets nothing new now: what waits for that one keeps nothing from the neighbour.
  const waiting = throwsFault(t, 'unavailable', decrypt(own, unproven, { member: 'a' }));
  t.is(own.load.waiting, 1);
  await t.notThrowsAsync(decrypt(own, unproven));
  t.deepEqual([hung.length, lent.length], [2, 2]);
  own.close();
  await Promise.all([named, waiting]);
});

test('what waits for the first HSM, which hangs, takes no place of what another can do', async (t) => {
  const own = pool(t, group, never);
  await host(own, 1, 'hangs', 'a');
  const waiting = Array.from({ length: 40 }, async () => decrypt(own, unproven).catch(String));
  t.is(own.load.waiting, limits.queueLength);
  const other = await host(own, 2, 'answers', 'b');
  const window = 2;
  // More than the other takes at once, so that some of them wait.
  await Promise.all(Array.from({ length: window + 4 }, async () => t.notThrowsAsync(decrypt(own, proven))));
  t.true(other.length > 0);
  own.close();
  await Promise.all(waiting);
});
