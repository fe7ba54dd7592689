import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, constants, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { freePort } from '../../testing/free-port.ts';
import { makeFifo } from '../support/fifo.ts';
import { waitUntil } from '../support/steady-load.ts';
import { childrenOf, commandLine, TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import type { KeySetAccess, XksClient } from '../../testing/xks-client.ts';

/*
 * `holdfast serve` with outputs that fail or stand still: it serves on, drops and counts what it has to say, and ends when
 * it is told to, with all its processes.
 */

const command = path.resolve(import.meta.dirname, '../../bin/holdfast');

interface Bench {
  node: TestNode;
  access: KeySetAccess;
  key: string;
}

let bench: Bench;
const undo: (() => Promise<unknown>)[] = [];

test.before(async () => {
  const fixture = await createSoftHsmToken();
  undo.push(async () => fixture.dispose());
  const port = await freePort();
  const node = await TestNode.create({ tokens: [{ fixture }], workers: 1, xks: { port } });
  undo.push(async () => node.dispose());
  node.port = port;
  const access = await node.makeKeySet('first', { prefix: 'first' });
  bench = { node, access, key: await node.makeKey('first', 'key') };
  // What acts on the vault took is the token's again.
  await node.closeVault();
});

test.after.always(async () => {
  for (const step of undo.toReversed()) await step();
});

interface Served {
  child: ChildProcess;
  /** Process id of the supervisor. */
  pid: number;
  client: XksClient;
  /** Of the whole node. */
  pids: number[];
}

const environment = { ...process.env, HOLDFAST_NODE: process.execPath };

/** The real command with these outputs; resolves once it serves, which it cannot always tell. */
async function serve(
  t: ExecutionContext,
  stdio: StdioOptions,
  more: Record<string, string> = {},
): Promise<Served> {
  const child = spawn(command, ['--config', bench.node.config, 'serve'], {
    stdio,
    env: { ...environment, ...more },
  });
  return served(t, child, child.pid ?? 0);
}

async function served(t: ExecutionContext, child: ChildProcess, pid: number): Promise<Served> {
  const client = bench.node.client(bench.access);
  t.teardown(() => {
    client.close();
    // What a failed test finds still running must not outlive it.
    for (const left of [pid, ...childrenOf(pid)].filter((one) => one > 0 && isRunning(one)))
      process.kill(left, 'SIGKILL');
  });
  await waitUntil(async () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    return (await client.health().catch(() => undefined))?.status === 200;
  });
  return { child, pid, client, pids: [pid, ...childrenOf(pid)] };
}

async function encrypts(t: ExecutionContext, { client }: Served, times = 20): Promise<void> {
  for (let time = 0; time < times; time++) {
    const { status, text } = await client.encrypt(bench.key, randomBytes(32));
    t.is(status, 200, text);
  }
}

/** SIGTERM ends all of it, with exit code 0. */
async function ends(t: ExecutionContext, { child, pid, pids }: Served): Promise<void> {
  const exited = once(child, 'exit');
  process.kill(pid, 'SIGTERM');
  const [code] = (await Promise.race([exited, delay(30_000, ['still running'], { ref: false })])) as [
    unknown,
  ];
  t.is(code, 0);
  await waitUntil(() => !pids.some(isRunning));
}

function isRunning(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`).length > 0;
  } catch {
    return false;
  }
}

/** Milliseconds of CPU time in a second. */
const spinning = 500;

/**
 * CPU time of all of them in a second, milliseconds, in the quietest of three if need be: only over time itself does it show that something spins. A host may be
 * replaced meanwhile on a busy machine: one that has ended does not spin.
 */
async function busy(pids: readonly number[]): Promise<number> {
  let least = Infinity;
  // What spins does so in every one of them; a host that is started again, or a check of their health, is in one.
  for (let look = 0; look < 3 && least >= spinning; look++) {
    const before = new Map(pids.map((pid) => [pid, cpuTime(pid) ?? 0]));
    await delay(1_000);
    const used = [...before].map(([pid, then]) => Math.max(0, (cpuTime(pid) ?? then) - then));
    least = Math.min(
      least,
      used.reduce((sum, of) => sum + of, 0),
    );
  }
  return least;
}

/** proc_pid_stat(5): utime and stime, in hundredths of a second; undefined for a process that has ended. */
function cpuTime(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return undefined;
  }
}

test.serial(
  'standard output and standard error on a full disk: it serves on, and ends when told',
  async (t) => {
    const full = openSync('/dev/full', 'w');
    const node = await serve(t, ['ignore', full, full]);
    closeSync(full);
    await encrypts(t, node);
    t.true((await busy(node.pids)) < spinning, 'nothing spins');
    await ends(t, node);
  },
);

test.serial('a reader that stands still from the start: it serves on, and ends when told', async (t) => {
  const fifo = makeFifo(t);
  const reader = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  const writer = openSync(fifo, 'w');
  try {
    for (;;) writeSync(reader, Buffer.alloc(4096, '\n'));
  } catch {
    // It is full.
  }
  const node = await serve(t, ['ignore', writer, writer]);
  closeSync(writer);
  await encrypts(t, node);
  t.true((await busy(node.pids)) < spinning, 'nothing spins');
  await ends(t, node);
  closeSync(reader);
});

test.serial('a reader that goes away: it serves on, and ends when told', async (t) => {
  const node = await serve(t, ['ignore', 'pipe', 'pipe']);
  node.child.stdout?.destroy();
  node.child.stderr?.destroy();
  await encrypts(t, node);
  t.true((await busy(node.pids)) < spinning, 'nothing spins');
  await ends(t, node);
});

for (const hangUp of ['leader', 'group'] as const)
  test.serial(
    `a terminal that is closed, SIGHUP to the ${hangUp}: it serves on, and ends when told`,
    async (t) => {
      // Says the process id, waits for a line, closes the terminal, and ends as the command ends.
      const script = `
import os, pty, signal, sys, threading
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
print(pid, flush=True)
def read():
    try:
        while os.read(terminal, 65536): pass
    except OSError: pass
threading.Thread(target=read, daemon=True).start()
sys.stdin.readline()
${hangUp === 'group' ? 'os.killpg(pid, signal.SIGHUP)' : ''}
os.dup2(os.open('/dev/null', os.O_RDONLY), terminal)
print('closed', flush=True)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
`;
      const child = spawn('python3', ['-c', script, command, '--config', bench.node.config, 'serve'], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: environment,
      });
      const lines = createInterface({ input: child.stdout });
      const pid = Number(((await once(lines, 'line')) as [string])[0]);
      const node = await served(t, child, pid);
      child.stdin.write('\n');
      await once(lines, 'line');
      await encrypts(t, node);
      t.true((await busy(node.pids)) < spinning, 'nothing spins');
      await encrypts(t, node);
      await ends(t, node);
    },
  );

test.serial('a worker that hangs does not keep the port when its supervisor is killed', async (t) => {
  const hanging = 'process.on("SIGUSR2", () => { if (process.argv[1].endsWith("xks-worker.ts")) for (;;); })';
  const node = await serve(t, ['ignore', 'ignore', 'inherit'], {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hanging)}`,
  });
  const worker = node.pids.find((pid) => commandLine(pid).includes('xks-worker.ts')) ?? 0;
  const before = cpuTime(worker) ?? 0;
  process.kill(worker, 'SIGUSR2');
  await waitUntil(() => (cpuTime(worker) ?? 0) - before > 300);
  t.teardown(() => {
    if (isRunning(worker)) process.kill(worker, 'SIGKILL');
  });
  process.kill(node.pid, 'SIGKILL');
  await waitUntil(() => !node.pids.some(isRunning));
  const again = await serve(t, ['ignore', 'ignore', 'inherit']);
  await encrypts(t, again, 1);
  await ends(t, again);
});

test.serial('a second node on one state directory, or one store, is told who has it', async (t) => {
  const node = await serve(t, ['ignore', 'ignore', 'inherit']);
  const config = readFileSync(bench.node.config, 'utf8');
  const port = `port = ${await freePort()}`;
  for (const [name, text] of [
    ['state directory', config],
    [
      'store',
      config.replace('state_directory = "state"', 'state_directory = "other"') +
        '\n[store]\nkind = "sqlite"\npath = "state/holdfast.db"\n',
    ],
  ] as const) {
    const file = path.join(bench.node.directory, 'second.toml');
    mkdirSync(path.join(bench.node.directory, 'other'), { recursive: true });
    writeFileSync(file, text.replace(`port = ${bench.node.port}`, port), { mode: 0o600 });
    const second = spawn(command, ['--config', file, 'serve'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: environment,
    });
    let told = '';
    second.stderr.setEncoding('utf8').on('data', (chunk: string) => (told += chunk));
    const [code] = (await once(second, 'close')) as [number];
    t.is(code, 78, told);
    t.true(told.includes(`${name} ${path.join(bench.node.directory, 'state')}`), told);
    t.true(told.includes(`process ${node.pid} on `) && told.includes(bench.node.config), told);
  }
  // No trace of the holder keeps the next one off.
  process.kill(node.pid, 'SIGKILL');
  await waitUntil(() => !node.pids.some(isRunning));
  await ends(t, await serve(t, ['ignore', 'ignore', 'inherit']));
});
