import test from 'ava';
import { Shim } from '../../testing/shim.ts';
import { SteadyLoad, waitUntil } from '../support/steady-load.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import type { KeySetAccess } from '../../testing/xks-client.ts';

/*
 * What one worker's hosts can do, every worker can have done: which worker a connection gets is the kernel's choice, and
 * nobody is refused by it.
 */

const workers = 2;
const wantedHosts = 2 * workers;
/** A host has two: what it works with, and what it looks again with. */
const sessionsOfOneHost = 2;
/** So many that each worker is reached, but for once in a million million times. */
const freshConnections = 40;

const state = {} as { fixture: TokenFixture; shim: Shim; node: TestNode; access: KeySetAccess; key: string };

test.before(async () => {
  state.fixture = await createSoftHsmToken();
  state.shim = await Shim.create(state.fixture.module);
  const { fixture, shim } = state;
  state.node = await TestNode.create({
    tokens: [{ fixture, shim, settings: { hosts: wantedHosts } }],
    workers,
  });
  state.access = await state.node.makeKeySet('first', { prefix: 'first' });
  state.key = await state.node.makeKey('first', 'key');
  // It has a host of its own.
  await state.node.closeVault();
});

test.after.always(async () => {
  await state.node?.dispose();
  await state.shim?.dispose();
  await state.fixture?.dispose();
});

/** What as many connections as there are workers many times over are answered. */
async function tally(
  ask: (client: ReturnType<TestNode['client']>) => Promise<string>,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let asked = 0; asked < freshConnections; asked++) {
    const client = state.node.client(state.access);
    const answer = await ask(client);
    client.close();
    counts[answer] = (counts[answer] ?? 0) + 1;
  }
  return counts;
}

const encrypted = async (): Promise<Record<string, number>> =>
  tally(async (client) => String((await client.encrypt(state.key, Buffer.from('data'))).status));

/** Hosts of each worker that runs, by its index. */
function hostsByWorker(): Map<number, number[]> {
  const running = new Set(state.node.hostPids());
  const found = new Map<number, number[]>();
  for (const { msg, worker, tokenHost } of state.node.log) {
    if (msg !== 'token host ready' || !running.has(Number(tokenHost))) continue;
    found.set(Number(worker), [...(found.get(Number(worker)) ?? []), Number(tokenHost)]);
  }
  return found;
}

test.serial(
  'a token with sessions for one host serves all workers, and is told to have no more',
  async (t) => {
    await state.shim.set([{ call: 'C_OpenSession', allSessions: sessionsOfOneHost }]);
    await state.node.serve();
    t.is([...hostsByWorker().values()].flat().length, 1);
    const told = state.node.log.find(({ msg }) => msg.startsWith('the token has fewer hosts than wanted'));
    t.like(told, { level: 'warn', hosts: 1, wanted: wantedHosts });
    t.regex(String(told?.['problem']), /CKR_SESSION_COUNT/);

    t.deepEqual(await encrypted(), { 200: freshConnections });
    const ready = await tally(async (client) => {
      const { status } = await client.send(await client.sign('/ready', '', { method: 'GET' }));
      return String(status);
    });
    t.deepEqual(ready, { 200: freshConnections });
    // And what a client is told of the token does not depend on the worker either.
    const status = await tally(async (client) => {
      const { body } = await client.health();
      return String(body.ekmFleetDetails[0].healthStatus);
    });
    t.deepEqual(status, { DEGRADED: freshConnections });
  },
);

test.serial('once there is room, and somebody says so, each worker gets its hosts', async (t) => {
  await state.shim.clear();
  state.node.signal('SIGHUP');
  await waitUntil(
    () =>
      [...hostsByWorker().values()].every((hosts) => hosts.length === 2) && hostsByWorker().size === workers,
  );
  await waitUntil(async () => {
    const client = state.node.client(state.access);
    const { body } = await client.health();
    client.close();
    return body.ekmFleetDetails[0].healthStatus === 'ACTIVE';
  });
  t.pass();
});

test.serial(
  'a worker whose hosts are gone, and are refused anew, answers with those of the others',
  async (t) => {
    const load = new SteadyLoad(state.node, state.access, state.key, { connections: 16 });
    t.teardown(() => load.close());
    await load.start();
    await state.shim.set([{ call: 'C_OpenSession', rv: 0xb1 }]);
    const victims = hostsByWorker().get(1) ?? [];
    t.is(victims.length, 2);
    const lines = state.node.log.length;
    // One after the other: a request whose two hosts went under it is not tried on a third.
    for (const pid of victims) {
      process.kill(pid, 'SIGKILL');
      const killed = performance.now();
      // Each of them has since been answered.
      await waitUntil(
        () => new Set(load.since(killed).map(({ connection }) => connection)).size === load.clients.length,
      );
    }
    const refused = () =>
      state.node.log.slice(lines).filter(({ msg }) => msg === 'token host could not start').length;
    await waitUntil(() => refused() >= 3);
    const since = load.answers.length;
    await waitUntil(() => load.answers.length > since + 20 * load.clients.length);
    await load.stop();
    t.deepEqual(load.wrong, []);
    t.deepEqual(
      load.answers.filter(({ status }) => status !== 200),
      [],
      'not even one that its hosts held when they went',
    );
    t.is(hostsByWorker().get(1), undefined);
    t.deepEqual(await encrypted(), { 200: freshConnections });
  },
);
