import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import fc from '../../testing/properties.ts';
import test from 'ava';
import { HostSharing, type HostCount, type Sharer } from '../../src/node/host-sharing.ts';
import type { ToWorker } from '../../src/node/messages.ts';
import { createLog } from '../../src/log.ts';

const tokens = ['first', 'second'];
const wanted = 2;
const log = createLog('fatal', {});

/** Of a token that is one HSM. */
function hostCount(ready: number, prepared: number): HostCount {
  return { wanted, ready, prepared, members: [{ name: 'hsm', wanted, prepared }] };
}

/** One end of a pair. */
class End {
  other!: End;
  isOpen = true;

  destroy(): void {
    this.isOpen = false;
    this.other.isOpen = false;
  }
}

async function fakePair(): Promise<[Socket, Socket]> {
  await turn();
  const [one, other] = [new End(), new End()];
  [one.other, other.other] = [other, one];
  return [one as unknown as Socket, other as unknown as Socket];
}

interface Borrowed {
  token: string;
  end: End;
  hosts: number;
  prepared: boolean;
}

/** A worker that does as it is told. */
class Worker implements Sharer {
  readonly index: number;
  worker: Sharer['worker'];
  readonly counts = new Map<string, HostCount>();
  borrowed = new Map<number, Borrowed>();
  lent: { token: string; end: End }[] = [];
  lack = new Map<string, Pick<Extract<ToWorker, { kind: 'others-lack-hosts' }>, 'lacking' | 'gone'>>();

  constructor(index: number) {
    this.index = index;
    this.restart();
  }

  restart(): void {
    this.end();
    this.worker = { pid: 1 };
  }

  end(): void {
    for (const { end } of [...this.borrowed.values(), ...this.lent]) end.destroy();
    this.worker = undefined;
    [this.borrowed, this.lent, this.lack] = [new Map(), [], new Map()];
    for (const token of tokens) this.counts.set(token, hostCount(0, 0));
  }

  hosts(token: string): HostCount {
    return this.counts.get(token) ?? hostCount(0, 0);
  }

  tell(message: ToWorker, handle?: Socket): void {
    const end = handle as unknown as End | undefined;
    if (this.worker === undefined) return end?.destroy();
    if (message.kind === 'lend' && end !== undefined) this.lent.push({ token: message.token, end });
    else if (message.kind === 'borrow' && end !== undefined)
      this.borrowed.set(message.id, { ...message, end });
    else if (message.kind === 'borrowed-hosts') {
      const { hosts, prepared } = message;
      Object.assign(this.borrowed.get(message.id) ?? {}, { hosts, prepared });
    } else if (message.kind === 'borrowed-gone') {
      this.borrowed.get(message.id)?.end.destroy();
      this.borrowed.delete(message.id);
    } else if (message.kind === 'others-lack-hosts') this.lack.set(message.token, message);
  }
}

/** Whose, what, and of hosts the token, how many are there, and how many of them are prepared at the most. */
const steps = fc.array(
  fc.tuple(
    fc.nat(3),
    fc.constantFrom('hosts', 'hosts', 'hosts', 'restart', 'end', 'wait'),
    fc.nat(1),
    fc.nat(wanted),
    fc.nat(wanted),
  ),
  { maxLength: 30 },
);

async function settled(): Promise<void> {
  for (let turns = 0; turns < 60; turns++) await turn();
}

test('whatever comes and goes, in the end each worker has exactly one neighbour for each token that another has hosts of', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), steps, async (count, events) => {
      const workers = Array.from({ length: count }, (_, index) => new Worker(index));
      const sharing = new HostSharing(tokens, workers, log, fakePair);
      for (const [index, what, token, ready, prepared] of events) {
        const worker = workers[index % count];
        if (worker === undefined) continue;
        if (what === 'wait') await turn();
        else if (what === 'restart') worker.restart();
        else if (what === 'end') worker.end();
        else if (worker.worker !== undefined)
          worker.counts.set(tokens[token] ?? '', hostCount(ready, Math.min(ready, prepared)));
        sharing.changed();
      }
      sharing.changed();
      await settled();
      for (const worker of workers)
        for (const token of tokens) {
          const mine = [...worker.borrowed.values()].filter((one) => one.token === token && one.end.isOpen);
          const others = workers.filter((other) => other !== worker && other.hosts(token).ready > 0);
          if (worker.worker === undefined || others.length === 0) {
            t.deepEqual(mine, []);
            continue;
          }
          t.is(mine.length, 1);
          const lender = others.find((other) => other.lent.some(({ end }) => end === mine[0]?.end.other));
          const has = lender?.hosts(token);
          t.is(mine[0]?.hosts, has?.ready, 'and knows how much it has');
          t.is(mine[0]?.prepared, (has?.prepared ?? 0) > 0);
          t.is(
            mine[0]?.prepared,
            others.some((other) => other.hosts(token).prepared > 0),
            'one that finds in time what is asked of it, if there is one',
          );
          const lack = workers.some((other) => other.hosts(token).prepared < wanted);
          const told = worker.lack.get(token);
          t.deepEqual(told?.lacking ?? [], lack ? ['hsm'] : [], 'and how all hosts are');
          const gone = workers.every((other) => other.hosts(token).prepared === 0);
          t.deepEqual(told?.gone ?? [], gone ? ['hsm'] : []);
        }
    }),
    { numRuns: 150 },
  );
});

test('those without hosts are spread over those that have some', async (t) => {
  const workers = Array.from({ length: 4 }, (_, index) => new Worker(index));
  const sharing = new HostSharing(['first'], workers, log, fakePair);
  for (const index of [0, 1]) workers[index]?.counts.set('first', hostCount(1, 1));
  sharing.changed();
  await settled();
  t.is(workers[0]?.lent.length, 2, 'one without, and the other that has some');
  t.is(workers[1]?.lent.length, 2);
});

test('what a worker has lost on the way is lent anew', async (t) => {
  const workers = [new Worker(0), new Worker(1)];
  const sharing = new HostSharing(['first'], workers, log, fakePair);
  workers[0]?.counts.set('first', hostCount(1, 1));
  sharing.changed();
  await settled();
  const [id = 0] = workers[1]?.borrowed.keys() ?? [];
  workers[1]?.borrowed.delete(id);
  sharing.lost(id);
  while ((workers[1]?.borrowed.size ?? 1) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  t.deepEqual(
    [...(workers[1]?.borrowed.values() ?? [])].map(({ token }) => token),
    ['first'],
  );
});
