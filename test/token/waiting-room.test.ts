import test from 'ava';
import type { TokenRequest } from '../../src/token/messages.ts';
import { costOf, WaitingRoom, type Waiting } from '../../src/token/pool/waiting-room.ts';
import fc from '../../testing/properties.ts';
import { decryptOf, encryptOf, nothing } from './open-pool.ts';

interface One extends Waiting {
  name: string;
  settled: boolean;
}

const encrypt = encryptOf(nothing, nothing);
const requests: Record<string, TokenRequest> = {
  encrypt,
  verified: { ...encrypt, verify: true },
  decrypt: decryptOf(encrypt, {
    iv: nothing,
    ciphertext: nothing,
    tag: nothing,
    cdiv: nothing,
    encryptions: 1,
  }),
  unseal: { kind: 'unseal', context: nothing, former: '', sealed: nothing },
};

function one(lane: string, kind: string, number = 0): One {
  const request = requests[kind] ?? encrypt;
  return { lane, request, cost: costOf(request), settled: false, name: `${lane} ${kind} ${number}` };
}

function take(room: WaitingRoom<One>): One | undefined {
  const next = room.next();
  if (next !== undefined) room.take(next);
  return next;
}

function takeAll(room: WaitingRoom<One>): string[] {
  const names: string[] = [];
  for (let taken = take(room); taken !== undefined; taken = take(room)) names.push(taken.name);
  return names;
}

const kinds = ['encrypt', 'verified', 'decrypt', 'unseal'] as const;
const arrival = fc.record({ lane: fc.constantFrom('a', 'b', 'c'), kind: fc.constantFrom(...kinds) });

test('who comes into a crowd of another lane is next', (t) => {
  const room = new WaitingRoom<One>();
  for (let number = 0; number < 100; number++) room.add(one('flood', 'decrypt', number));
  for (let number = 0; number < 10; number++) take(room);
  room.add(one('quiet', 'encrypt'));
  t.true([take(room), take(room)].some((taken) => taken?.name === 'quiet encrypt 0'));
});

test('in a lane, and between lanes whose turn it is, decrypts go before encrypts', (t) => {
  const room = new WaitingRoom<One>();
  for (const [lane, kind] of [
    ['a', 'encrypt'],
    ['a', 'decrypt'],
    ['b', 'decrypt'],
    ['b', 'unseal'],
    ['b', 'encrypt'],
  ] as const)
    room.add(one(lane, kind));
  t.deepEqual(takeAll(room), ['b unseal 0', 'a decrypt 0', 'b decrypt 0', 'a encrypt 0', 'b encrypt 0']);
});

test('whatever comes, each comes out once, and those of a lane and a kind in their order', (t) => {
  fc.assert(
    fc.property(fc.array(fc.option(arrival, { nil: 'take' as const, freq: 3 })), (steps) => {
      const room = new WaitingRoom<One>();
      const added: string[] = [];
      const taken: string[] = [];
      steps.forEach((step, number) => {
        if (step === 'take') {
          const { length } = room;
          taken.push(...[take(room)?.name ?? []].flat());
          t.is(room.length, Math.max(0, length - 1));
        } else {
          const entry = one(step.lane, step.kind, number);
          added.push(entry.name);
          room.add(entry);
        }
      });
      taken.push(...takeAll(room));
      t.deepEqual(taken.toSorted(), added.toSorted());
      const group = (name: string) => name.replace(/\d+$/, '').replace('verified', 'encrypt');
      for (const of of new Set(added.map(group)))
        t.deepEqual(
          taken.filter((name) => group(name) === of),
          added.filter((name) => group(name) === of),
        );
    }),
  );
});

test('lanes that always have something get the same of the token, whatever they ask for', (t) => {
  const lanes = fc.array(fc.array(fc.constantFrom(...kinds), { minLength: 30, maxLength: 30 }), {
    minLength: 2,
    maxLength: 4,
  });
  fc.assert(
    fc.property(lanes, (wanted) => {
      const room = new WaitingRoom<One>();
      const got = new Map<string, number>();
      wanted.forEach((ofLane, lane) => {
        got.set(String(lane), 0);
        for (const kind of ofLane) room.add(one(String(lane), kind));
      });
      for (let taken = 0; taken < 30; taken++) {
        const entry = take(room);
        if (entry === undefined) break;
        got.set(entry.lane, (got.get(entry.lane) ?? 0) + entry.cost);
        t.true(Math.max(...got.values()) - Math.min(...got.values()) <= 2);
      }
    }),
  );
});

test('what is told to be before a newcomer is what is done before it, where nothing comes after it', (t) => {
  fc.assert(
    fc.property(fc.array(arrival), fc.nat(20), arrival, (arrivals, takes, last) => {
      const room = new WaitingRoom<One>();
      arrivals.forEach(({ lane, kind }, number) => room.add(one(lane, kind, number)));
      for (let taken = 0; taken < takes; taken++) take(room);
      const newcomer = one(last.lane, last.kind, -1);
      const told = room.costBefore(newcomer);
      room.add(newcomer);
      let before = 0;
      for (let entry = take(room); entry !== undefined && entry !== newcomer; entry = take(room))
        before += entry.cost;
      // By what those that are verified take more, once for each lane and each turn.
      t.true(told >= before - 4 && told <= 1.5 * before + 6, `${told} told, ${before} done`);
    }),
  );
});

test('where it is full the last of the lane with most goes, and of that what is no decrypt', (t) => {
  const room = new WaitingRoom<One>();
  for (const kind of ['decrypt', 'encrypt', 'encrypt', 'decrypt']) room.add(one('flood', kind, room.length));
  room.add(one('quiet', 'decrypt'));
  t.is(room.dropFor(one('quiet', 'encrypt'))?.name, 'flood encrypt 2');
  t.is(room.dropFor(one('flood', 'encrypt')), undefined);
  t.is(room.dropFor(one('flood', 'decrypt'))?.name, 'flood encrypt 1');
  t.is(room.dropFor(one('flood', 'decrypt')), undefined);
  t.is(room.length, 3);
});

test('what nobody waits for any more takes no turn and no place', (t) => {
  const room = new WaitingRoom<One>();
  const entries = ['a', 'a', 'b'].map((lane, number) => one(lane, 'decrypt', number));
  for (const entry of entries) room.add(entry);
  for (const entry of entries.slice(0, 2)) entry.settled = true;
  t.is(room.next()?.name, 'b decrypt 2');
  room.forgetSettled();
  t.is(room.length, 1);
  t.is(room.costBefore(one('a', 'decrypt')), 1);
});

test('a lane that is passed over has had its turn: nobody waits for what it missed', (t) => {
  const room = new WaitingRoom<One>();
  for (let number = 0; number < 20; number++)
    for (const lane of ['a', 'b']) room.add(one(lane, 'decrypt', number));
  const passed = new Set(['a']);
  for (let number = 0; number < 10; number++) {
    const next = room.next(passed);
    t.is(next?.name, `b decrypt ${number}`);
    if (next !== undefined) room.take(next, passed);
  }
  const next = Array.from({ length: 10 }, () => take(room)?.lane);
  // Half of them, but for whose turn it is first.
  t.true(next.filter((lane) => lane === 'b').length >= 4);
});
