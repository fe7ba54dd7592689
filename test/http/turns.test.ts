import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { monotonicNow } from '../../src/clock.ts';
import { rehearse } from '../../src/http/rehearsal.ts';
import type { Logger } from '../../src/log.ts';
import { inShortTurn, shortTurn } from '../../src/turn.ts';

/** Longer than what is begun in one turn. */
function busy(): void {
  const until = monotonicNow() + 6;
  while (monotonicNow() < until);
}

test.serial(
  'what comes at once is done in the order in which it came, in a turn each where it takes long',
  async (t) => {
    const order: string[] = [];
    const done = Promise.withResolvers<void>();
    let turn = 0;
    const count = () => {
      turn++;
      if (order.length < 4) setImmediate(count);
    };
    await nextTurn();
    setImmediate(count);
    for (const name of ['a', 'b', 'c', 'd'])
      inShortTurn(() => {
        order.push(`${name}${turn}`);
        busy();
        // What it leaves to microtasks is of its own turn.
        queueMicrotask(busy);
        if (name === 'd') done.resolve();
      });
    t.deepEqual(order, ['a0'], 'the first at once');
    await done.promise;
    t.deepEqual(order, ['a0', 'b1', 'c2', 'd3']);
  },
);

test.serial('however long they have waited, no two that take long are begun in one turn', async (t) => {
  const begun: number[] = [0];
  const done = Promise.withResolvers<void>();
  let left = 12;
  const count = () => {
    begun.push(0);
    if (left > 0) setImmediate(count);
    else done.resolve();
  };
  await nextTurn();
  setImmediate(count);
  for (let n = left; n > 0; n--)
    inShortTurn(() => {
      busy();
      begun.push((begun.pop() ?? 0) + 1);
      left--;
    });
  await done.promise;
  t.deepEqual(begun, [...Array<number>(12).fill(1), 0]);
});

test.serial('each is told how long it has waited for others', async (t) => {
  const waited: number[] = [];
  const done = Promise.withResolvers<void>();
  await nextTurn();
  for (const last of [false, false, true])
    inShortTurn((came, begun) => {
      waited.push(begun - came);
      if (last) done.resolve();
      else busy();
    });
  await done.promise;
  const [first, , third = 0] = waited;
  t.is(first, 0);
  t.true(third >= 6, 'as long as the second took');
});

test.serial('who waits for a short turn gets one, however busy the process is', async (t) => {
  let isBusy = true;
  const keepBusy = () => {
    // What comes first in each turn takes all of its time.
    inShortTurn(() => undefined);
    busy();
    if (isBusy) setTimeout(keepBusy, 0);
  };
  keepBusy();
  await Promise.all([shortTurn(), shortTurn(), shortTurn()]);
  isBusy = false;
  t.pass();
});

test('what the first requests need is read once before any comes, up to a signature that nobody made', (t) => {
  const said: unknown[] = [];
  rehearse(new Date(), { debug: (facts: unknown) => said.push(facts) } as unknown as Logger);
  t.deepEqual(said, []);
});
