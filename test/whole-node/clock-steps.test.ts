import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { starvation } from '../support/core-waits.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { waitUntil } from '../support/steady-load.ts';
import { childrenOf, TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { encryptBody, type KeySetAccess, type XksClient } from '../../testing/xks-client.ts';

/*
 * Whose clock is set, who was stopped and who slept kills nobody that is well, and still kills who hangs. The bounds are
 * scaled down, and what is measured against them with them.
 */

/** How long a worker may be silent, and a host; milliseconds. */
const [workerSilence, hostSilence] = [2_000, 1_500];
/** 30 seconds at the bound that nobody has set (`node.worker_silent_ms`, 15 seconds), scaled as this node's bound is. */
const stoppedFor = (30_000 / 15_000) * workerSilence;
/** The clock is set so far off, seconds. */
const steps = [20, -20, 600, -600, 3600, -3600];

let node: TestNode;
let clock: FakeClock;
let access: KeySetAccess;
let key = '';
let clients: XksClient[] = [];
const undo: (() => Promise<unknown>)[] = [];

test.before(async () => {
  const fixture = await createSoftHsmToken();
  undo.push(async () => fixture.dispose());
  node = await TestNode.create({
    tokens: [{ fixture, settings: { hosts: 2, sick_after_ms: hostSilence / 2, kill_after_ms: hostSilence } }],
    workers: 2,
    admin: true,
    node: { worker_silent_ms: workerSilence },
  });
  undo.push(async () => node.dispose());
  access = await node.makeKeySet('first', { prefix: 'first' });
  key = await node.makeKey('first', 'key');
  await node.closeVault();
  clock = new FakeClock(node.directory);
  await clock.set(0);
  await node.serve(clock.environment);
  const { pid } = node;
  undo.push(async () => {
    await node.stop();
    await clock.dispose(pid);
  });
  clients = Array.from({ length: 6 }, () => node.client(access, { maxSockets: 1 }));
  undo.push(async () => {
    for (const client of clients) client.close();
  });
});
test.after.always(async () => {
  // What a failed test has left stopped would not end.
  for (const pid of [node.pid, ...childrenOf(node.pid)]) process.kill(pid, 'SIGCONT');
  for (const step of undo.toReversed()) await step();
});

/** One Encrypt over each connection, signed by the clock as it is now; 200 each. */
async function encryptOverAll(): Promise<number[]> {
  return Promise.all(
    clients.map(async (client) => {
      const body = encryptBody(randomBytes(32), { cdiv: true });
      const path = `${client.access.uriPath}/keys/${key}/encrypt`;
      return (await client.send(await client.sign(path, body, { date: clock.now() }))).status;
    }),
  );
}

const allWell = () => clients.map(() => 200);

/** Light load for so many milliseconds; the answers that are not 200. */
async function load(milliseconds: number): Promise<number[]> {
  const until = performance.now() + milliseconds;
  const wrong: number[] = [];
  while (performance.now() < until) {
    wrong.push(...(await encryptOverAll()).filter((status) => status !== 200));
    await delay(50);
  }
  return wrong;
}

/** A worker that has come up: one that is loading has a minute for it. */
async function servingWorker(): Promise<number> {
  for (;;) {
    const client = node.client(access, { maxSockets: 1 });
    // None may be up yet.
    await client.health().catch(async () => delay(20));
    client.close();
    const pid = node
      .processes()
      .workers.find((worker) => node.log.some((line) => line['pid'] === worker && 'operation' in line));
    if (pid !== undefined) return pid;
  }
}

const killed = () => node.log.filter(({ msg }) => msg.endsWith(' does not answer: killed')).length;

test.serial('a clock that is set by seconds, minutes or an hour, either way, ends no process', async (t) => {
  const before = node.processes();
  for (const seconds of [...steps, 0]) {
    await clock.set(seconds);
    t.deepEqual(await load(400), [], `${seconds} s`);
  }
  // AWS's small steps come while requests are under way.
  for (const seconds of [20, -20, 0]) {
    const loaded = load(400);
    await delay(200);
    await clock.set(seconds);
    t.deepEqual(await loaded, [], `${seconds} s under load`);
  }
  t.deepEqual(node.processes(), before);
  t.is(killed(), 0);
});

test.serial(
  'a supervisor that stood still under load, for longer than any bound, kills nobody',
  async (t) => {
    const before = node.processes();
    process.kill(node.pid, 'SIGSTOP');
    try {
      t.deepEqual(await load(stoppedFor), []);
    } finally {
      process.kill(node.pid, 'SIGCONT');
    }
    t.deepEqual(await load(workerSilence / 2), []);
    t.deepEqual(node.processes(), before);
    t.is(killed(), 0);
  },
);

test.serial('a worker that stood still kills none of its hosts', async (t) => {
  const before = node.processes();
  const [worker = 0] = before.workers;
  // So many wait on each connection that requests are in the token when it stops.
  const rounds = Array.from({ length: 40 }, encryptOverAll);
  await Promise.race(rounds);
  // The supervisor stands still too, or on a slow machine the worker's own bound would be over.
  process.kill(node.pid, 'SIGSTOP');
  try {
    process.kill(worker, 'SIGSTOP');
    // Time itself: it is stopped for longer than its hosts may be silent.
    await delay(1.5 * hostSilence);
    process.kill(worker, 'SIGCONT');
    t.deepEqual((await Promise.all(rounds)).flat(), rounds.flatMap(allWell));
  } finally {
    process.kill(node.pid, 'SIGCONT');
  }
  t.deepEqual(await load(500), []);
  t.deepEqual(node.processes(), before);
  t.is(killed(), 0);
});

test.serial('a node that slept whole, as a suspended machine does, wakes up whole', async (t) => {
  const before = node.processes();
  const all = [before.supervisor, ...before.workers, ...before.management, ...before.hosts];
  for (const pid of all) process.kill(pid, 'SIGSTOP');
  await clock.set(3600);
  // Time itself, as above.
  await delay(1.5 * workerSilence);
  for (const pid of all) process.kill(pid, 'SIGCONT');
  t.deepEqual(await load(workerSilence), []);
  t.deepEqual(node.processes(), before);
  t.is(killed(), 0);
});

// Not at all, by more than the bound, and by an hour back: each costs a worker.
for (const seconds of [0, 20, -3600])
  test.serial(
    `a worker that hangs is killed within its bound, the clock being set by ${seconds} s`,
    async (t) => {
      await clock.set(0);
      const victim = await servingWorker();
      const already = killed();
      // Who watches, and who watches the watch.
      const starved = starvation([process.pid, node.pid]);
      const began = performance.now();
      process.kill(victim, 'SIGSTOP');
      await delay(workerSilence / 4);
      await clock.set(seconds);
      await waitUntil(() => killed() > already);
      const took = performance.now() - began;
      const waited = starved([]);
      t.log(`${Math.round(took)} ms, of them ${Math.round(waited)} for a core`);
      // Not by the step itself; how long before it was silent and how long it took to be killed is the machine's.
      t.true(took > 0.6 * workerSilence, `${took} ms`);
      t.true(took - waited < 3 * workerSilence, `${took} ms, ${waited} ms for a core`);
      t.is(killed(), already + 1);
      await waitUntil(() => node.processes().workers.filter((pid) => pid !== victim).length === 2);
    },
  );
