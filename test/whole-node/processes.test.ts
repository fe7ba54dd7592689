import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { connect } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { loadConfig } from '../../src/config/load.ts';
import { Shim } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { childrenOf, commandLine, TestNode, writable } from '../../testing/test-node.ts';
import { freePort } from '../../testing/free-port.ts';
import { blocks, listeningOn } from '../support/process-facts.ts';
import { SteadyLoad, waitUntil } from '../support/steady-load.ts';
import type { KeySetAccess } from '../../testing/xks-client.ts';

/* The processes of a node: what dies is replaced, nothing stays behind, and a node that cannot serve says why. */

/** What has not ended by then does not end, milliseconds. */
const stuck = 60_000;

const main = path.resolve(import.meta.dirname, '../../src/main.ts');

interface Bench {
  node: TestNode;
  fixture: TokenFixture;
  shim: Shim;
  access: KeySetAccess;
  key: string;
}

/** The tests share a node: what one has ended is started again for the next. */
let bench: Bench;
const undo: (() => Promise<unknown>)[] = [];

test.before(async () => {
  const fixture = await createSoftHsmToken();
  undo.push(async () => fixture.dispose());
  const shim = await Shim.create(fixture.module);
  undo.push(async () => shim.dispose());
  const node = await TestNode.create({ tokens: [{ fixture, shim }], workers: 2 });
  undo.push(async () => node.dispose());
  const access = await node.makeKeySet('first', { prefix: 'first' });
  bench = { node, fixture, shim, access, key: await node.makeKey('first', 'key') };
});

test.after.always(async () => {
  for (const step of undo.toReversed()) await step();
});

/** The node, which serves whatever the test before has done to it. */
async function serving(): Promise<Bench> {
  await bench.shim.clear();
  if (!bench.node.running) await bench.node.serve();
  return bench;
}

async function servingWithLoad(t: ExecutionContext): Promise<Bench & { load: SteadyLoad }> {
  const { node, access, key } = await serving();
  const load = new SteadyLoad(node, access, key);
  t.teardown(() => load.close());
  return { ...bench, load };
}

/** The node, which does not serve, with lines of its configuration replaced until the test is over. */
async function changed(t: ExecutionContext, ...lines: [from: RegExp, to: string][]): Promise<Bench> {
  const { node } = bench;
  await node.stop();
  await bench.shim.clear();
  const config = await readFile(node.config, 'utf8');
  let text = config;
  for (const [from, to] of lines) {
    if (!from.test(text)) throw new Error(`the configuration has no ${from}`);
    text = text.replace(from, to);
  }
  await writeFile(node.config, text);
  t.teardown(async () => {
    await node.stop();
    await writeFile(node.config, config);
  });
  return bench;
}

function isRunning(pid: number): boolean {
  try {
    // A process that has ended and waits for its parent has no command line any more.
    return readFileSync(`/proc/${pid}/cmdline`).length > 0;
  } catch {
    return false;
  }
}

test.serial('with port 0 every worker serves on the port that the ready line tells', async (t) => {
  const { node, load } = await servingWithLoad(t);
  await load.start();
  await waitUntil(() => load.answers.length > 100);
  await load.stop();
  t.deepEqual(load.wrong, []);
  const { workers } = node.processes();
  const served = new Set(
    node.log.filter((line) => line['operation'] === 'Encrypt').map((line) => line['pid']),
  );
  for (const pid of workers) t.true(served.has(pid), `${pid} was not reached`);
});

test.serial('a TLS session is resumed by whatever worker the kernel chooses', async (t) => {
  const { node } = await serving();
  const ca = readFileSync(node.ca.certificate);
  let session: Buffer | undefined;
  const ask = async () => {
    const socket = connect({ host: '127.0.0.1', port: node.port, servername: 'localhost', ca, session });
    socket.on('session', (next: Buffer) => (session = next));
    await once(socket, 'secureConnect');
    socket.write('GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'data');
    const resumed = socket.isSessionReused();
    socket.destroy();
    return resumed;
  };
  t.false(await ask());
  // By each of two workers, but for one time in 32,768.
  for (let count = 0; count < 16; count++) t.true(await ask());
});

test.serial('SIGUSR1 opens an inspector in no process of a node, nor ends it', async (t) => {
  const { node, load } = await servingWithLoad(t);
  const { supervisor, workers, hosts } = node.processes();
  const all = [supervisor, ...workers, ...hosts];
  t.is(workers.length, 2);
  t.true(all.length > 4);
  // And what faces the network is confined to what it needs.
  for (const pid of workers) t.regex(commandLine(pid), / --permission /);
  // It writes nothing that another process loads: not even code as Node has compiled it.
  for (const pid of workers) t.deepEqual(writable(pid), ['1', '2']);
  for (const pid of all) t.true(blocks(pid, 'SIGUSR1'), commandLine(pid));
  const before = all.map((pid) => listeningOn(pid));
  for (const pid of all) process.kill(pid, 'SIGUSR1');
  await load.start();
  await waitUntil(() => load.answers.length > 100);
  await load.stop();
  t.deepEqual(load.wrong, []);
  t.deepEqual(
    all.map((pid) => listeningOn(pid)),
    before,
  );
});

test.serial('a worker that is killed under load is replaced, and connections are taken again', async (t) => {
  const { node, load } = await servingWithLoad(t);
  await load.start();
  await delay(300);
  const before = node.processes();
  const [victim = 0, survivor = 0] = before.workers;
  const lines = node.log.length;
  process.kill(victim, 'SIGKILL');
  await waitUntil(() => node.log.slice(lines).filter(({ msg }) => msg === 'token host ready').length >= 1);
  await delay(500);
  await load.stop();
  const now = node.processes();
  t.is(now.workers.length, 2);
  t.true(now.workers.includes(survivor));
  t.false(now.workers.includes(victim));
  await t.notThrowsAsync(
    waitUntil(() => node.processes().hosts.length === before.hosts.length),
    'hosts of the dead worker are gone, others took their place',
  );
  // The connections of the dead worker broke, each with at most one request; every other request was answered right.
  t.true(
    load.wrong.every((text) => text.startsWith('no answer')),
    load.wrong.join('; '),
  );
  t.true(load.wrong.length <= 2 * load.clients.length, `${load.wrong.length} requests without an answer`);
  t.log(`${load.wrong.length} of ${load.answers.length} requests without an answer`);
  load.wrong.length = 0;
  await load.checkCiphertexts();
  t.deepEqual(load.wrong, []);
  const fresh = now.workers.find((pid) => pid !== survivor);
  await waitUntil(async () => {
    const access = load.clients[0]?.access;
    if (access === undefined) return false;
    const client = node.client(access);
    const { status } = await client.health();
    client.close();
    return (
      status === 200 &&
      node.log.some((line) => line['pid'] === fresh && line['operation'] === 'GetHealthStatus')
    );
  });
});

for (const hanging of [false, true])
  test.serial(
    `a supervisor that is killed leaves nothing running${hanging ? ', not even token hosts that hang in their module' : ''}`,
    async (t) => {
      const { node, shim, load } = await servingWithLoad(t);
      await load.start();
      await delay(200);
      const { workers, hosts } = node.processes();
      t.teardown(() => {
        // What a failed test finds still running must not outlive it.
        for (const pid of [...workers, ...hosts].filter(isRunning)) process.kill(pid, 'SIGKILL');
      });
      if (hanging) {
        await shim.set([
          { call: 'C_EncryptInit', hang: true },
          { call: 'C_DecryptInit', hang: true },
        ]);
        await delay(300);
      }
      // Before: a client that connects again meanwhile would be refused, which is no failure of the node's.
      load.close();
      const gone = node.stop('SIGKILL');
      await waitUntil(() => ![...workers, ...hosts].some(isRunning)).catch(() => undefined);
      const left = [...workers, ...hosts].filter(isRunning);
      t.deepEqual(left, []);
      for (const pid of left) process.kill(pid, 'SIGKILL');
      // They end with it, and may be gone before we were told of its own end.
      await gone;
    },
  );

test.serial(
  'SIGTERM under load: every request that was begun is answered, exit 0, nothing is left running',
  async (t) => {
    await changed(t, [/^drain_ms = 0$/m, 'drain_ms = 3000']);
    const { node, load } = await servingWithLoad(t);
    await load.start();
    await delay(300);
    const running = [...node.processes().workers, ...node.processes().hosts];
    const answered = load.answers.length;
    const stopped = node.stop('SIGTERM');
    // More than the connections have under way: requests are still taken while draining. A load balancer that sees
    // /ready turn sends nothing more; so the load ends within the drain.
    await waitUntil(() => load.answers.length > answered + 2 * load.clients.length);
    await load.stop();
    t.is(await stopped, 0);
    t.deepEqual(load.wrong, []);
    t.log(`${load.answers.length} answered`);
    t.deepEqual(
      load.answers.filter(({ status }) => status !== 200),
      [],
      'none is turned away because the node is about to end',
    );
    t.deepEqual(running.filter(isRunning), []);
  },
);

test.serial('SIGTERM while requests are in the token: they are answered before the end', async (t) => {
  const { node, shim, load, key } = await servingWithLoad(t);
  await load.start();
  await load.stop();
  await shim.set([{ call: 'C_EncryptInit', delayMicroseconds: 20_000 }]);
  const lines = node.log.length;
  const started = load.clients.map(async (client) => client.encrypt(key, randomBytes(32)));
  await waitUntil(() => node.log.slice(lines).some((line) => line['operation'] === 'Encrypt'), undefined, 5);
  const exit = node.stop('SIGTERM');
  const answers = await Promise.allSettled(started);
  t.deepEqual(
    answers.filter(({ status }) => status === 'rejected'),
    [],
  );
  for (const answer of answers)
    if (answer.status === 'fulfilled') t.is(answer.value.status, 200, answer.value.text);
  t.is(await exit, 0);
});

test.serial('SIGTERM while a worker is being replaced ends the node all the same', async (t) => {
  const { node } = await serving();
  const { workers } = node.processes();
  const lines = node.log.length;
  for (const pid of workers) process.kill(pid, 'SIGKILL');
  await waitUntil(
    () => node.log.slice(lines).some(({ msg }) => msg.startsWith('XKS worker gone')),
    undefined,
    1,
  );
  const children = childrenOf(node.pid);
  const told = performance.now();
  const exit = await Promise.race([node.stop('SIGTERM'), delay(stuck, 'still running', { ref: false })]);
  t.log(`ended ${Math.round(performance.now() - told)} ms after SIGTERM`);
  t.is(exit, 0);
  t.deepEqual(children.filter(isRunning), []);
});

test.serial(
  'SIGTERM in the pause before a worker that could not start ends the node all the same',
  async (t) => {
    const { node } = await serving();
    const [victim = 0] = node.processes().workers;
    // Its successor finds no store and ends; what comes after it would find it again.
    const store = loadConfig(node.config).storePath;
    await rename(store, `${store}.aside`);
    const before = node.log.length;
    const gone = () => node.log.slice(before).filter(({ msg }) => msg.startsWith('XKS worker gone')).length;
    process.kill(victim, 'SIGKILL');
    // Or a third, where this very process stood still meanwhile.
    await waitUntil(() => gone() >= 2, undefined, 2);
    await rename(`${store}.aside`, store);
    const children = childrenOf(node.pid);
    const exit = await Promise.race([node.stop('SIGTERM'), delay(stuck, 'still running', { ref: false })]);
    const left = [...children, ...childrenOf(node.pid), node.pid].filter(isRunning);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    t.is(exit, 0);
    t.deepEqual(left, []);
  },
);

test.serial(
  'a wrong PIN is tried once over all hosts, told with the way out, and the node ends',
  async (t) => {
    const { node, shim, fixture } = await changed(t, [/^profile = /m, 'hosts = 4\nprofile = ']);
    await writeFile(fixture.pinFile, 'wrong-1');
    t.teardown(async () => {
      await writeFile(fixture.pinFile, fixture.pin);
    });
    const before = (await shim.counts())['C_Login'] ?? 0;
    const error = await t.throwsAsync(node.serve());
    t.is(((await shim.counts())['C_Login'] ?? 0) - before, 1);
    t.regex(error?.message ?? '', /refused the PIN \(CKR_PIN_INCORRECT\)/);
    t.regex(error?.message ?? '', /put the right PIN in place/);
    t.false(node.output.includes('wrong-1'), 'the PIN is not told');
    t.not(await node.stop(), 0);
  },
);

for (const [name, [from, to], problem, remediation] of [
  [
    'a label that no token has',
    [/^label = .*$/m, 'label = "no such token"'],
    /no token with label/,
    /the module shows/,
  ],
  ['a module that is not there', [/^module = .*$/m, 'module = "/nonexistent/pkcs11.so"'], /module/i, /./],
] as const)
  test.serial(`${name}: the node says what is wrong and the way out, and stops when told`, async (t) => {
    const { node, shim } = await changed(t, [from, to]);
    const lines = node.log.length;
    const logins = (await shim.counts())['C_Login'] ?? 0;
    const serving = node.serve().then(
      () => 'ready',
      () => 'ended',
    );
    const line = await Promise.race([
      node.waitForLog((line) => line.msg === 'token host could not start' && node.log.indexOf(line) >= lines),
      serving.then(() => undefined),
    ]);
    const told = line === undefined ? node.output : JSON.stringify(line);
    t.log(told.slice(-500));
    t.regex(told, problem);
    t.regex(told, remediation);
    t.is((await shim.counts())['C_Login'] ?? 0, logins);
    const exit = await Promise.race([node.stop('SIGTERM'), delay(stuck, 'still running', { ref: false })]);
    t.not(exit, 'still running');
    t.is(await serving, 'ended');
  });

test.serial('a port that is taken is told by name, and the node ends', async (t) => {
  const port = await freePort();
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { node } = await changed(t, [/^port = 0$/m, `port = ${port}`]);
  const error = await Promise.race([
    node.serve().catch((cause: unknown) => (cause as Error).message),
    delay(stuck, 'still running', { ref: false }),
  ]);
  t.not(error, 'still running');
  t.regex(String(error), new RegExp(`EADDRINUSE|${port}.*(in use|taken)`, 'i'));
  t.not(await node.stop(), 0);
});

test.serial('a second serve of the same configuration does not share the port of the first', async (t) => {
  const { node } = await changed(t, [/^port = 0$/m, `port = ${await freePort()}`]);
  await node.serve();
  const second = spawn(process.execPath, [main, '--config', node.config, 'serve'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [second.stdout, second.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  t.teardown(() => second.kill('SIGTERM'));
  const [code] = (await Promise.race([
    once(second, 'close'),
    delay(stuck, ['still running'], { ref: false }),
  ])) as [unknown];
  t.not(code, 'still running', output.slice(-500));
  t.not(code, 0);
  t.regex(output, /in use|EADDRINUSE|taken|already/i);
});
