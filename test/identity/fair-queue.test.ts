import test from 'ava';
import { BusyError, FairQueue, laneOf } from '../../src/fair-queue.ts';

/** Work that ends when it is told to, and tells what runs. */
function gate() {
  const running = new Map<string, () => void>();
  let max = 0;
  const order: string[] = [];
  const work = (name: string) => async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    running.set(name, resolve);
    order.push(name);
    max = Math.max(max, running.size);
    await promise;
    running.delete(name);
    return name;
  };
  return { running, order, max: () => max, work };
}

const settle = async () => new Promise((resolve) => setImmediate(resolve));

test('no more runs at once than may, and all of it is done', async (t) => {
  const queue = new FairQueue({ concurrency: 2, waitingInLane: 100, waiting: 100 });
  const { running, max, work } = gate();
  const all = Array.from({ length: 20 }, async (_, index) => queue.run('a', work(`${index}`)));
  while (running.size > 0 || max() === 0) {
    for (const end of running.values()) end();
    await settle();
  }
  t.deepEqual(
    await Promise.all(all),
    Array.from({ length: 20 }, (_, index) => `${index}`),
  );
  t.is(max(), 2);
});

test('whoever fills a lane waits in it alone', async (t) => {
  const queue = new FairQueue({ concurrency: 1, waitingInLane: 10, waiting: 100 });
  const { running, order, work } = gate();
  const flood = Array.from({ length: 11 }, async (_, index) => queue.run('flood', work(`flood ${index}`)));
  await settle();
  await t.throwsAsync(queue.run('flood', work('one too many')), { instanceOf: BusyError });
  const guest = queue.run('guest', work('guest'));
  while (running.size > 0) {
    for (const end of running.values()) end();
    await settle();
  }
  await Promise.all([...flood, guest]);
  t.true(order.indexOf('guest') <= 2, `the guest came ${order.indexOf('guest')}th`);
});

test('no number of lanes makes more wait than may wait altogether', async (t) => {
  const queue = new FairQueue({ concurrency: 1, waitingInLane: 10, waiting: 3 });
  const { running, work } = gate();
  const all = ['a', 'b', 'c', 'd'].map(async (lane) => queue.run(lane, work(lane)));
  await settle();
  await t.throwsAsync(queue.run('e', work('e')), { instanceOf: BusyError });
  while (running.size > 0) {
    for (const end of running.values()) end();
    await settle();
  }
  t.deepEqual(await Promise.all(all), ['a', 'b', 'c', 'd']);
  const later = queue.run('e', work('e'));
  await settle();
  running.get('e')?.();
  t.is(await later, 'e', 'and afterwards there is room again');
});

for (const addresses of [10, 1000])
  test(`while ${addresses} addresses flood, one that has asked for nothing yet gets in and stays`, async (t) => {
    const queue = new FairQueue({ concurrency: 2, waitingInLane: 16, waiting: 128 });
    const { running, order, work } = gate();
    let refused = 0;
    const flooding = Array.from({ length: addresses }, (_, index) => `198.51.${index >> 8}.${index & 255}`);
    const ask = (lane: string, name: string) =>
      void queue
        .run(lane, work(name))
        .catch((error: unknown) => (refused += error instanceof BusyError ? 1 : 0));
    const flood = async () => {
      for (const lane of flooding) ask(lane, 'flood');
      await settle();
    };
    const endSome = async (count: number) => {
      for (let ended = 0; ended < count; ended++) {
        for (const end of running.values()) end();
        await settle();
      }
    };
    // So that each of them has had something done.
    for (let round = 0; round < 20; round++) {
      await flood();
      await endSome(addresses / 10);
    }
    await flood();
    const guests = Array.from({ length: 20 }, async (_, index) =>
      queue.run(`192.0.2.${index}`, work(`guest ${index}`)),
    );
    for (
      let round = 0;
      order.filter((name) => name.startsWith('guest')).length < 20 && round < 500;
      round++
    ) {
      await flood();
      await endSome(2);
    }
    await endSome(2);
    t.is((await Promise.all(guests)).length, 20);
    t.true(refused > 0);
    t.true(order.includes('flood'));
    while (running.size > 0) await endSome(1);
  });

test('a network with many lanes has one turn and one share among them', async (t) => {
  const queue = new FairQueue({ concurrency: 1, waitingInLane: 4, waiting: 8 });
  const { running, order, work } = gate();
  const flood = Array.from({ length: 9 }, async (_, index) =>
    queue.run(laneOf(`2001:db8:0:${index.toString(16)}::1`), work(`flood ${index}`)).catch(() => 'refused'),
  );
  await settle();
  const guest = queue.run(laneOf('2001:db8:0:100::1'), work('guest'));
  while (running.size > 0) {
    for (const end of running.values()) end();
    await settle();
  }
  t.is(await guest, 'guest');
  t.is(order.indexOf('guest'), 2);
  t.is((await Promise.all(flood)).filter((result) => result === 'refused').length, 1);
});

test('work that fails leaves its place to the next', async (t) => {
  const queue = new FairQueue({ concurrency: 1, waitingInLane: 10, waiting: 10 });
  const first = queue.run('a', () => Promise.reject(new Error('of its own')));
  const second = queue.run('a', () => Promise.resolve('done'));
  await t.throwsAsync(first, { message: 'of its own' });
  t.is(await second, 'done');
});

test('the addresses of one IPv6 network are one lane, and an IPv4 address is one in either form', (t) => {
  t.is(laneOf('2001:db8::1'), laneOf('2001:0db8:0:0:ffff::2'));
  t.not(laneOf('2001:db8:0:1::1'), laneOf('2001:db8::1'));
  t.is(laneOf('::ffff:192.0.2.1'), laneOf('192.0.2.1'));
  t.not(laneOf('192.0.2.1'), laneOf('192.0.2.2'));
});
