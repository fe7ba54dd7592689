import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { AwsLanes, type LaneTask } from '../../src/cloud/controller/lanes.ts';

const mayGoOn = async () => true;

/** Work that ends when the test says so. */
class Work {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, (fault: string | undefined) => void>();

  task(id: string, lane = id): LaneTask {
    return {
      ...{ id, lane },
      run: async () => {
        this.begun.push(id);
        return { fault: await new Promise<string | undefined>((resolve) => this.#ends.set(id, resolve)) };
      },
    };
  }

  async end(id: string, fault?: string): Promise<void> {
    this.#ends.get(id)?.(fault);
    await settle();
  }
}

/** Whatever can begin has begun. */
async function settle(): Promise<void> {
  for (let times = 0; times < 5; times++) await turn();
}

function ids(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}${index}`);
}

test('accounts are worked for side by side, as many as there are places', async (t) => {
  const work = new Work();
  const lanes = new AwsLanes(4);
  const all = ids('account', 10);
  const run = lanes.run(
    all.map((id) => work.task(id)),
    { what: 'work', mayGoOn },
  );
  await settle();
  t.deepEqual(work.begun, all.slice(0, 4));
  for (const id of all) await work.end(id);
  t.deepEqual(await run, { tried: 10, failed: 0, more: false });
});

test('however many accounts hang again and again, half of the places are for the others', async (t) => {
  const work = new Work();
  const lanes = new AwsLanes(4);
  const hanging = ids('hanging', 12);
  const healthy = ids('healthy', 20);
  // The first round: nobody knows yet.
  const first = lanes.run(
    hanging.map((id) => work.task(id)),
    { what: 'work', mayGoOn },
  );
  for (const id of hanging) {
    await settle();
    await work.end(id, 'unreachable');
  }
  t.is((await first).failed, 12);
  await new Promise((resolve) => setTimeout(resolve, 300));
  work.begun.length = 0;
  // The hanging ones are due first, and never end.
  void lanes.run(
    hanging.map((id) => work.task(id)),
    { what: 'work', mayGoOn },
  );
  const others = lanes.run(
    healthy.map((id) => work.task(id)),
    { what: 'work', mayGoOn },
  );
  for (const id of healthy) {
    await settle();
    await work.end(id);
  }
  t.is((await others).tried, 20);
  t.is(work.begun.filter((id) => id.startsWith('hanging')).length, 2);
});

test('what waits comes before another of a lane that had its turn', async (t) => {
  const work = new Work();
  const lanes = new AwsLanes(1);
  const run = lanes.run(
    [work.task('a1', 'a'), work.task('a2', 'a'), work.task('a3', 'a'), work.task('b1', 'b')],
    { what: 'work', mayGoOn },
  );
  for (const id of ['a1', 'b1', 'a2', 'a3']) {
    await settle();
    await work.end(id);
  }
  await run;
  t.deepEqual(work.begun, ['a1', 'b1', 'a2', 'a3']);
});

test('what waits or is under way is not begun twice', async (t) => {
  const work = new Work();
  const lanes = new AwsLanes();
  const first = lanes.run([work.task('one')], { what: 'work', mayGoOn });
  await settle();
  t.deepEqual(await lanes.run([work.task('one')], { what: 'work', mayGoOn }), {
    ...{ tried: 0, failed: 0, more: false },
  });
  await work.end('one');
  await first;
  t.deepEqual(work.begun, ['one']);
});

test('after a fault of a whole account the rest of its lane waits; a fault of one key holds up no other', async (t) => {
  const work = new Work();
  const lanes = new AwsLanes();
  const run = lanes.run(
    ['a1', 'a2', 'b1', 'b2'].map((id) => work.task(id, id.slice(0, 1))),
    { what: 'work', mayGoOn },
  );
  await settle();
  await work.end('a1', 'credentials');
  await work.end('b1', 'conflict');
  await work.end('b2');
  t.deepEqual(work.begun, ['a1', 'b1', 'b2']);
  while (!work.begun.includes('a2')) await new Promise((resolve) => setTimeout(resolve, 20));
  await work.end('a2');
  t.deepEqual(await run, { tried: 4, failed: 2, more: false });
});

test('one answer that was lost holds up no lane; three in a row do, and what is throttled waits elsewhere', async (t) => {
  const work = new Work();
  const lanes = new AwsLanes();
  const run = lanes.run(
    ids('a', 6).map((id) => work.task(id, 'a')),
    { what: 'work', mayGoOn },
  );
  await settle();
  for (const [id, fault] of [
    ['a0', 'unreachable'],
    ['a1', 'unreachable'],
    ['a2', undefined],
    ['a3', 'throttled'],
    ['a4', 'unreachable'],
  ] as const)
    await work.end(id, fault);
  t.deepEqual(work.begun, ids('a', 6));
  await work.end('a5');
  t.like(await run, { tried: 6, failed: 4 });

  const second = lanes.run(
    ids('b', 4).map((id) => work.task(id, 'b')),
    { what: 'work', mayGoOn },
  );
  await settle();
  for (const id of ids('b', 3)) await work.end(id, 'unreachable');
  t.false(work.begun.includes('b3'));
  while (!work.begun.includes('b3')) await new Promise((resolve) => setTimeout(resolve, 20));
  await work.end('b3');
  t.like(await second, { tried: 4, failed: 3 });
});
