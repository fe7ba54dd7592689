import test from 'ava';
import fc from '../../testing/properties.ts';
import type { ToSupervisor } from '../../src/node/messages.ts';
import { leaseLife, QuotaLedger } from '../../src/serving/quota-ledger.ts';
import { xksWorkerMessage } from '../../src/node/worker-messages.ts';
import { MisfitError, parseMessage } from '../../src/message-check.ts';
import type { QuotaAsk, QuotaGrant } from '../../src/serving/quota.ts';

/* A quota holds exactly, whatever workers do with what they lease: never more than burst + rate · t in any time t. */

const bucket = 'key-set:1';

function ask(fields: Partial<QuotaAsk>): QuotaAsk {
  return {
    ...{ bucket, vaultId: 'v1', rate: 100, burst: 20, revision: 1, need: 0, ahead: false, lease: 0 },
    ...{ used: 0, unused: 0, refused: 0, ...fields },
  };
}

/** A ledger on a clock that stands still until it is moved. */
function ledgerOf(part = 1): {
  clock: { now: number };
  answer: (worker: number, fields: Partial<QuotaAsk>) => QuotaGrant;
  /** How many of so many requests are let through, used and told of. */
  served: (worker: number, need: number, fields?: Partial<QuotaAsk>) => number;
  ledger: QuotaLedger;
} {
  const clock = { now: 1e6 };
  const ledger = new QuotaLedger({ part, now: () => clock.now });
  const answer = (worker: number, fields: Partial<QuotaAsk>): QuotaGrant => {
    const [grant] = ledger.answer(worker, [ask(fields)]);
    if (grant === undefined) throw new Error('no answer');
    return grant;
  };
  return {
    clock,
    ledger,
    answer,
    served: (worker, need, fields = {}) => {
      const { granted, lease } = answer(worker, { ...fields, need });
      answer(worker, { ...fields, lease, used: granted });
      return granted;
    },
  };
}

/** What a worker does by the rules, with asks and answers that may be on their way while it goes on. */
class ModelWorker {
  left = 0;
  #lease = 0;
  #until = 0;
  #used: Use[] = [];
  #unused = 0;
  #going: Partial<QuotaAsk> | undefined;
  #coming: QuotaGrant | undefined;

  ask(fields: Partial<QuotaAsk>): void {
    if (this.#going !== undefined || this.#coming !== undefined) return;
    this.#going = { ...fields, lease: this.#lease, used: this.#used.length, unused: this.#unused };
    [this.#used, this.#unused] = [[], 0];
  }

  /** The ask arrives. */
  arrive(world: World, index: number): void {
    if (this.#going !== undefined) this.#coming = world.answer(index, this.#going);
    this.#going = undefined;
  }

  /** The answer arrives. */
  take(): void {
    if (this.#coming === undefined) return;
    const { lease, until, granted } = this.#coming;
    this.#coming = undefined;
    if (lease !== this.#lease) [this.left, this.#used, this.#unused, this.#lease] = [0, [], 0, lease];
    this.#until = until;
    this.left += granted;
  }

  use(world: World, max: number): void {
    for (let i = 0; i < max && this.left > 0 && world.clock.now < this.#until; i++) {
      const use = { at: world.clock.now, undone: false };
      this.left--;
      this.#used.push(use);
      world.uses.push(use);
    }
  }

  /** Another quota held the request up: its use is undone, while the ledger has not been told of it. */
  undo(): void {
    const use = this.#used.pop();
    if (use === undefined) return;
    use.undone = true;
    this.left++;
  }

  giveBack(): void {
    this.#unused += this.left;
    this.left = 0;
  }
}

interface Use {
  at: number;
  undone: boolean;
}

type World = ReturnType<typeof ledgerOf> & { uses: Use[] };

/** The most by which any stretch of time has more uses than rate · t. */
function worstExcess(uses: readonly Use[], rate: number): number {
  const times = uses
    .filter(({ undone }) => !undone)
    .map(({ at }) => at)
    .toSorted((a, b) => a - b);
  let worst = 0;
  let min = Infinity;
  times.forEach((time, i) => {
    const drained = i - (rate * time) / 1000;
    min = Math.min(min, drained);
    worst = Math.max(worst, drained - min + 1);
  });
  return worst;
}

const workers = 3;
const step = fc.oneof(
  fc.record({ kind: fc.constant('wait' as const), time: fc.integer({ min: 0, max: 1500 }) }),
  fc.record({ kind: fc.constant('wait' as const), time: fc.integer({ min: 0, max: 30 }) }),
  fc.record({
    kind: fc.constant('ask' as const),
    worker: fc.nat(workers - 1),
    need: fc.nat(300),
    ahead: fc.boolean(),
    prompt: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('arrive' as const), worker: fc.nat(workers - 1) }),
  fc.record({ kind: fc.constant('take' as const), worker: fc.nat(workers - 1) }),
  fc.record({ kind: fc.constant('use' as const), worker: fc.nat(workers - 1), max: fc.nat(300) }),
  fc.record({ kind: fc.constant('undo' as const), worker: fc.nat(workers - 1) }),
  fc.record({ kind: fc.constant('give back' as const), worker: fc.nat(workers - 1) }),
  fc.record({ kind: fc.constant('die' as const), worker: fc.nat(workers - 1) }),
);

test('whatever workers ask, use, give back or leave behind, no time sees more than burst + rate · t', (t) => {
  let max = 0;
  let tight = 0;
  fc.assert(
    fc.property(
      fc.record({ rate: fc.integer({ min: 1, max: 5000 }), burst: fc.integer({ min: 1, max: 3000 }) }),
      fc.integer({ min: 1, max: 3 }),
      fc.array(step, { minLength: 20, maxLength: 300 }),
      (quota, fleetSize, steps) => {
        const world: World = { ...ledgerOf(1 / fleetSize), uses: [] };
        const models = Array.from({ length: workers }, () => new ModelWorker());
        for (const action of steps) {
          const model = 'worker' in action ? models[action.worker] : undefined;
          switch (action.kind) {
            case 'wait':
              world.clock.now += action.time;
              break;
            case 'ask':
              model?.ask({ ...quota, need: action.need, ahead: action.ahead });
              if (!action.prompt) break;
              model?.arrive(world, action.worker);
              model?.take();
              model?.use(world, action.need);
              break;
            case 'arrive':
              model?.arrive(world, action.worker);
              break;
            case 'take':
              model?.take();
              break;
            case 'use':
              model?.use(world, action.max);
              break;
            case 'undo':
              model?.undo();
              break;
            case 'give back':
              model?.giveBack();
              break;
            case 'die':
              models[action.worker] = new ModelWorker();
              world.ledger.forget(action.worker);
          }
        }
        max = Math.max(max, world.uses.length);
        const burst = Math.max(1, quota.burst / fleetSize);
        const worst = worstExcess(world.uses, quota.rate / fleetSize);
        if (worst > burst * 0.99) tight++;
        return worst <= burst + 1e-6;
      },
    ),
    { numRuns: 4000 },
  );
  t.true(max > 1000, 'some of the runs let a lot through');
  t.true(tight > 100, `and some use the whole burst: ${tight}, ${max}`);
});

test('what a worker tells of a lease that has ended gives nothing back of the one that came after it', (t) => {
  const { clock, answer } = ledgerOf();
  const slow = { rate: 1, burst: 20 };
  const first = answer(1, { ...slow, need: 10 });
  t.is(first.granted, 10);
  clock.now += leaseLife;
  // All of the first counts as used by now.
  const second = answer(1, { ...slow, need: 5 });
  t.is(second.granted, 5);
  t.not(second.lease, first.lease);
  // Late, or untrue.
  answer(1, { ...slow, lease: first.lease, unused: 5 });
  const others = answer(2, { ...slow, need: 20 }).granted;
  t.is(
    first.granted + second.granted + others,
    20,
    'the whole burst, and what one second brings is not due yet',
  );
});

test('one worker alone gets the whole quota, while another holds what it leased and never uses it', (t) => {
  const world: World = { ...ledgerOf(), uses: [] };
  const [busy, idle] = [new ModelWorker(), new ModelWorker()];
  const quota = { rate: 1800, burst: 1800 };
  idle.ask({ ...quota, ahead: true });
  idle.arrive(world, 1);
  idle.take();
  t.is(idle.left, 90);
  const seconds = 10;
  for (let time = 0; time < seconds * 1000; time += 5) {
    world.clock.now += 5;
    busy.ask({ ...quota, need: 60 });
    busy.arrive(world, 0);
    busy.take();
    busy.use(world, 60);
  }
  t.true(world.uses.length >= seconds * quota.rate + quota.burst - 90 - 20);
  t.true(worstExcess(world.uses, quota.rate) <= quota.burst + 1e-6);
});

test('what a worker gives back another gets at once; what a dead one held comes back with time only', (t) => {
  const { clock, ledger, answer } = ledgerOf();
  const held = answer(1, { ahead: true });
  t.is(held.granted, 5);
  t.is(held.until, clock.now + leaseLife);
  t.is(answer(2, { need: 100 }).granted, 15);
  t.is(answer(1, { lease: held.lease, used: 1, unused: 4 }).granted, 0);
  t.is(answer(2, { need: 100 }).granted, 4);
  clock.now += 10_000;
  t.is(answer(1, { ahead: true }).granted, 5);
  ledger.forget(1);
  const rest = answer(2, { need: 100 });
  t.is(rest.granted, 15);
  clock.now += 50;
  t.is(answer(2, { need: 100, lease: rest.lease, used: 15 }).granted, 5);
});

test('what a worker holds and has not told of is not granted again, and ends by itself', (t) => {
  const { clock, answer } = ledgerOf();
  const all = answer(1, { need: 20 });
  clock.now += leaseLife - 1;
  t.is(answer(2, { need: 1 }).granted, 0, 'all twenty may still be used');
  clock.now += 1 + 100;
  t.is(answer(2, { need: 20 }).granted, 10, 'the lease has ended: from then on it fills');
  t.is(answer(1, { lease: all.lease, unused: 20, need: 20 }).granted, 0, 'and cannot be given back');
});

test('an answer says when there is one again, to the moment', (t) => {
  const { clock, answer, served } = ledgerOf();
  t.is(served(1, 20), 20);
  const { granted, noneBefore } = answer(1, { need: 1 });
  t.is(granted, 0);
  t.is(noneBefore - clock.now, 10);
  clock.now += 9.9;
  t.is(served(1, 1), 0);
  clock.now = noneBefore;
  t.is(served(1, 1), 1);
});

test('each node of a fleet grants its part, and at least one at once', (t) => {
  const { clock, served } = ledgerOf(1 / 4);
  t.is(served(1, 100), 5);
  clock.now += 1000;
  t.is(served(1, 100), 5, 'the burst is the bound');
  clock.now += 40;
  t.is(served(1, 100), 1, '100 / 4 a second');
  t.is(served(1, 100, { bucket: 'key-set:2', burst: 1 }), 1);
});

/** Of each quota this part. */
const all = (each: number) => ({ each, of: new Map<string, number>() });

test('where its part is another it grants that from then on, and what was used stays used', (t) => {
  const { ledger, clock, served } = ledgerOf();
  const quota = { rate: 100, burst: 100 };
  t.is(served(1, 60, quota), 60);
  ledger.letThrough(all(1 / 2));
  t.is(served(1, 60, quota), 40);
  clock.now += 1000;
  t.is(served(1, 200, quota), 50);
  ledger.letThrough({ each: 1 / 2, of: new Map([[bucket, 1]]) });
  clock.now += 1000;
  t.is(served(1, 200, quota), 100);
  t.is(served(1, 200, { ...quota, bucket: 'key-set:2' }), 50);
});

test('what workers hold of a larger part is used up or has ended after the life of a lease, however they ask on', (t) => {
  const { ledger, clock, answer } = ledgerOf();
  const quota = { rate: 1000, burst: 1000 };
  const { granted, lease } = answer(1, { ...quota, ahead: true });
  t.is(granted, 50);
  ledger.letThrough(all(1 / 100));
  const until = clock.now + leaseLife;
  clock.now += leaseLife / 2;
  const second = answer(1, { ...quota, lease, used: 30 });
  t.like(second, { granted: 0, lease, until }, 'twenty are more than the ten that it may hold now');
  clock.now += 1;
  t.is(answer(1, { ...quota, lease, used: 15 }).until, clock.now + leaseLife, 'five are not');
});

test('how much of each quota is asked for is what was used and what was refused, of all of it', (t) => {
  const { ledger, clock, answer } = ledgerOf(1 / 2);
  const { lease } = answer(1, { need: 10 });
  answer(2, { bucket: 'key-set:2' });
  clock.now += 500;
  answer(1, { lease, used: 10, refused: 20 });
  clock.now += 500;
  t.deepEqual([...ledger.demands()], [[bucket, 0.3]]);
  clock.now += 500;
  t.deepEqual([...ledger.demands()], []);
});

test('a quota read at a later revision takes the place of the old one; one read earlier does not', (t) => {
  const { clock, served } = ledgerOf();
  t.is(served(1, 5), 5);
  t.is(served(1, 5, { revision: 2, burst: 3 }), 3);
  t.is(served(2, 5, { revision: 1, burst: 20 }), 0);
  clock.now += 60_000;
  t.is(served(2, 50, { revision: 1, burst: 20 }), 3);
  t.is(served(2, 50, { revision: 3, rate: 1000, burst: 20 }), 0);
  clock.now += 10;
  t.is(served(2, 50, { revision: 3, rate: 1000, burst: 20 }), 10);
});

test('a worker cannot give back what it never had, and what is no ask does not come to the ledger', (t) => {
  const { answer, served } = ledgerOf();
  t.is(served(1, 20), 20);
  t.is(answer(1, { unused: 1000, lease: 7, need: 5 }).granted, 0);
  const isRefused = (asks: unknown, message?: string) =>
    t.throws(
      () => parseMessage<ToSupervisor>(xksWorkerMessage, { kind: 'quota', asks }),
      { instanceOf: MisfitError },
      message,
    );
  t.deepEqual(parseMessage<ToSupervisor>(xksWorkerMessage, { kind: 'quota', asks: [ask({})] }), {
    kind: 'quota',
    asks: [ask({})],
  });
  for (const strange of [undefined, 1, 'x', {}, [null], [1], [{}], [{ bucket: 1 }]]) isRefused(strange);
  for (const field of ['rate', 'burst', 'revision', 'need', 'lease', 'used', 'unused', 'refused'] as const)
    for (const wrong of [NaN, Infinity, -5, 0.5, '7', null, {}])
      isRefused([{ ...ask({}), [field]: wrong }], field);
});

test('what is near its end and what was refused is told, and forgotten after a while', (t) => {
  const { ledger, clock, answer, served } = ledgerOf(1 / 2);
  clock.now = 7_200_000;
  // Half of 100 a second is this node's, and 40 of them are four fifths.
  for (let second = 0; second < 60; second++) {
    served(1, 40, { burst: 100 });
    served(1, 39, { burst: 100, bucket: 'key-set:2' });
    clock.now += 1000;
  }
  t.deepEqual(ledger.near(), [{ bucket, share: 0.8, refused: 0 }]);
  answer(1, { bucket: 'cloud-key:3', refused: 5 });
  answer(2, { bucket: 'cloud-key:3', refused: 7 });
  t.deepEqual(ledger.near(), [
    { bucket: 'cloud-key:3', share: 0, refused: 12 },
    { bucket, share: 0.8, refused: 0 },
  ]);
  clock.now += 3_600_000;
  t.deepEqual(ledger.near(), [{ bucket: 'cloud-key:3', share: 0, refused: 12 }]);
  t.is(ledger.refusedSince, 7_200_000);
  clock.now += 3_600_000;
  t.deepEqual(ledger.near(), []);
});

test('of more quotas than can be told each vault has its share', (t) => {
  const { ledger, answer } = ledgerOf();
  for (let key = 0; key < 1_500; key++)
    answer(1, { bucket: `cloud-key:${key}`, vaultId: 'busy', refused: 9 });
  for (const key of ['a', 'b'])
    answer(1, { bucket: `cloud-key:${key}`, vaultId: 'quiet', refused: key === 'a' ? 2 : 1 });
  const told = ledger.near();
  t.is(told.length, 1_000);
  t.deepEqual(told.slice(-2), [
    { bucket: 'cloud-key:a', share: 0, refused: 2 },
    { bucket: 'cloud-key:b', share: 0, refused: 1 },
  ]);
});

test('a quota counts for the vault that its key set is in now', (t) => {
  const { ledger, answer } = ledgerOf();
  for (let key = 0; key < 1_500; key++)
    answer(1, { bucket: `cloud-key:${key}`, vaultId: 'busy', refused: 9 });
  answer(1, { vaultId: 'busy', refused: 1 });
  t.false(ledger.near().some((one) => one.bucket === bucket));
  answer(1, { vaultId: 'quiet', revision: 2 });
  t.true(ledger.near().some((one) => one.bucket === bucket));
});

test('what a worker said of a quota is held no longer than the worker is there', (t) => {
  const { answer, ledger } = ledgerOf();
  answer(1, { rate: 1, burst: 1, revision: Number.MAX_SAFE_INTEGER });
  t.is(answer(2, { need: 20 }).granted, 1, 'read later, it counts');
  ledger.forget(1);
  answer(2, {});
  t.deepEqual(ledger.near(), []);
  const { granted, noneBefore } = answer(2, { need: 20 });
  t.is(granted, 0, 'what was used stays used');
  t.is(noneBefore, 1e6 + 10, 'and comes back at the rate in the store');
});
