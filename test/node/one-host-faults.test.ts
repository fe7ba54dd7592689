import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Shim, type Rule } from '../../testing/shim.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { TestNode } from '../../testing/test-node.ts';
import type { KeySetAccess } from '../../testing/xks-client.ts';
import { CoreWaits, starvation } from '../support/core-waits.ts';
import { freePort } from '../../testing/free-port.ts';
import {
  lateAnswers,
  neverOurTrouble,
  quantile,
  retryable,
  SteadyLoad,
  waitUntil,
  wasStarved,
} from '../support/steady-load.ts';

/*
 * Two workers with two token hosts each; one of the four fails under load. The others go on, nobody gets a wrong
 * answer or a late one, and the fourth is replaced (promise 3; issue 2, "What it must show").
 */

const hosts = 4;
/** Service is whole again within this time of the fault, milliseconds (issue 2). */
const backWithin = 2_000;
/** One host holds at most a batch of requests; with so few under way at once no more than this can be in it. */
const maxInOneHost = 16;

let node: TestNode;
let shim: Shim;
let access: KeySetAccess;
let key: string;
const undo: (() => Promise<unknown>)[] = [];

test.before(async () => {
  const fixture = await createSoftHsmToken();
  undo.push(async () => fixture.dispose());
  shim = await Shim.create(fixture.module);
  undo.push(async () => shim.dispose());
  node = await TestNode.start({
    tokens: [{ fixture, shim, settings: { hosts } }],
    workers: 2,
    realTimes: true,
    xks: { port: await freePort() },
  });
  undo.push(async () => node.dispose());
  access = await node.makeKeySet('first', { prefix: 'first' });
  key = await node.makeKey('first', 'key');
});

test.after.always(async () => {
  for (const step of undo.toReversed()) await step();
});

const faults: { name: string; call: Rule['call']; rule: Omit<Rule, 'call'> }[] = [
  { name: 'hangs', call: 'C_Decrypt', rule: { hang: true } },
  { name: 'crashes', call: 'C_Encrypt', rule: { crash: 'segv' } },
  { name: 'is killed', call: 'C_Decrypt', rule: { crash: 'kill' } },
  { name: 'exits', call: 'C_EncryptInit', rule: { crash: 'exit' } },
  { name: 'answers DEVICE_ERROR', call: 'C_Decrypt', rule: { rv: 0x30 } },
  {
    name: 'answers GENERAL_ERROR to every decrypt, as to bad ciphertext',
    call: 'C_Decrypt',
    rule: { rv: 0x5 },
  },
];

for (const { name, call, rule } of faults)
  test.serial(
    `one of four token hosts ${name} under load: no wrong answer, none late, service back in 2 s`,
    async (t) => {
      const load = new SteadyLoad(node, access, key);
      t.teardown(() => load.close());
      const waits = watch();
      await load.start();
      await delay(500);
      t.deepEqual(
        load.answers.filter((answer) => answer.status !== 200 && !wasStarved(waits, answer)),
        [],
        'all is well before the fault',
      );
      const before = node.processes();

      const claim = await shim.claimToken();
      const lines = node.log.length;
      const struck = performance.now();
      const starved = sinceNow();
      await shim.set([{ call, claim, ...rule }]);
      await replaced(lines);
      await shim.clear();
      await allActive(load);
      const active = performance.now() - struck;
      const waited = starved();
      await delay(500);
      await load.stop();
      waits.stop();

      const now = node.processes();
      t.deepEqual(now.workers, before.workers, 'no worker was lost');
      t.is(now.hosts.length, hosts);
      t.is(
        now.hosts.filter((pid) => !before.hosts.includes(pid)).length,
        1,
        'one host was replaced, no other',
      );
      judge(t, load, waits, struck);
      const checked = await load.checkCiphertexts();
      t.deepEqual(load.wrong, []);
      t.log(
        `health ACTIVE after ${Math.round(active)} ms, ${Math.round(waited)} of them waiting for a core; ` +
          `${load.answers.length} answers, ${checked} ciphertexts checked`,
      );
      t.true(active - waited < backWithin, `service was back after ${Math.round(active)} ms`);
    },
  );

test.serial('one of four token hosts is killed from outside under load: the same', async (t) => {
  const load = new SteadyLoad(node, access, key);
  t.teardown(() => load.close());
  const waits = watch();
  await load.start();
  await delay(500);
  const before = node.processes();
  const [victim = 0] = before.hosts;
  const lines = node.log.length;
  const struck = performance.now();
  const starved = sinceNow();
  process.kill(victim, 'SIGKILL');
  await replaced(lines);
  await allActive(load);
  const active = performance.now() - struck;
  const waited = starved();
  await delay(500);
  await load.stop();
  waits.stop();
  judge(t, load, waits, struck);
  await load.checkCiphertexts();
  t.deepEqual(load.wrong, []);
  t.log(`health ACTIVE after ${Math.round(active)} ms, ${Math.round(waited)} of them waiting for a core`);
  t.true(active - waited < backWithin, `service was back after ${Math.round(active)} ms`);
});

test.serial(
  'one of four token hosts corrupts what it encrypts: every CDIV answer is right all the same',
  async (t) => {
    const load = new SteadyLoad(node, access, key);
    t.teardown(() => load.close());
    const waits = watch();
    await load.start();
    const before = node.processes();
    const claim = await shim.claimToken();
    const struck = performance.now();
    await shim.set([{ call: 'C_Encrypt', claim, corrupt: 'any' }]);
    // One of them has taken the fault on itself; then so many answers more.
    await waitUntil(() => !existsSync(claim));
    const corrupted = performance.now();
    await waitUntil(() => load.since(corrupted).length >= 200);
    await load.stop();
    waits.stop();
    judge(t, load, waits, struck);
    t.true(
      load.since(struck).every((answer) => answer.status === 200 || wasStarved(waits, answer)),
      'another host could do it each time',
    );
    t.true((await shim.counts())['C_Encrypt'] !== undefined);
    await shim.clear();
    await load.checkCiphertexts();
    t.deepEqual(load.wrong, []);
    t.deepEqual(node.processes().workers, before.workers);
  },
);

/** What holds of every answer, whatever the fault. */
function judge(t: ExecutionContext, load: SteadyLoad, waits: CoreWaits, struck: number): void {
  t.deepEqual(load.wrong, []);
  const failed = load.answers.filter(({ status }) => status !== 200);
  t.deepEqual(
    failed.filter(({ errorName }) => neverOurTrouble.has(errorName ?? '')),
    [],
  );
  t.deepEqual(
    failed.filter(({ errorName }) => !retryable.has(errorName ?? '')),
    [],
  );
  const ours = failed.filter((answer) => !wasStarved(waits, answer));
  t.true(
    ours.length <= maxInOneHost,
    `${ours.length} requests failed, ${failed.length} with those that were starved`,
  );
  t.deepEqual(lateAnswers(waits, load.answers), []);
  const after = load.since(struck).map(({ took }) => took);
  t.log(
    `${failed.length} of ${load.answers.length} failed (${failed.length - ours.length} of them starved); since the fault p50 ${quantile(after, 0.5)} ms, ` +
      `p99 ${quantile(after, 0.99)} ms, slowest ${quantile(after, 1)} ms`,
  );
}

/** A token host is gone, and another has told that it is ready in its place. By the log, since looking costs time. */
async function replaced(since: number): Promise<void> {
  const lines = (text: string) => node.log.slice(since).filter(({ msg }) => msg.startsWith(text));
  await waitUntil(() => lines('token host gone').length > 0, undefined, 5);
  await waitUntil(() => lines('token host ready').length >= lines('token host gone').length);
}

/** For how long everything that has to do with a new host has waited for cores since then, milliseconds. */
function sinceNow(): () => number {
  const { supervisor, workers, hosts: before } = node.processes();
  const waited = starvation([process.pid, supervisor, ...workers]);
  return () => waited(node.processes().hosts.filter((pid) => !before.includes(pid)));
}

function watch(): CoreWaits {
  const { workers, hosts } = node.processes();
  return new CoreWaits(() => [[process.pid], workers, hosts]);
}

/** Asks over every connection, so that each worker answers for its own hosts. */
async function allActive(load: SteadyLoad): Promise<void> {
  await waitUntil(async () => {
    const answers = await Promise.all(load.clients.map(async (client) => client.health()));
    return answers.every(({ body }) => body?.ekmFleetDetails?.[0]?.healthStatus === 'ACTIVE');
  });
}
