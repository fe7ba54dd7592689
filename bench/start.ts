import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Table from 'cli-table3';
import { monotonicNow } from '../src/clock.ts';
import { freePort } from '../testing/free-port.ts';
import { TestNode } from '../testing/test-node.ts';
import { createSoftHsmToken } from '../testing/tokens.ts';
import { XksClient, type KeySetAccess } from '../testing/xks-client.ts';
import { mainScript, proportionalOf, Server } from './processes.ts';
import { requestsOf } from './requests.ts';
import { runLoad } from './wrk.ts';

/*
 * A node with its management process is started so often: until the first GetHealthStatus is answered, until all of it is ready, and
 * what its processes have in memory (PSS) then. Once it has answered ten seconds of encrypts with CDIV at 64 connections, memory again.
 */

const starts = Number(process.env['BENCH_STARTS'] ?? 8);
const loadSeconds = 10;

interface Start {
  /** Milliseconds. */
  answered: number;
  ready: number;
}

/** Prints what a start takes and what it leaves in memory. */
export async function benchStart(): Promise<void> {
  const fixture = await createSoftHsmToken();
  const port = await freePort();
  const node = await TestNode.create({
    tokens: [{ fixture, settings: { hosts: 2 } }],
    workers: 2,
    realTimes: true,
    admin: true,
    xks: { port },
  });
  try {
    const access = await node.makeKeySet('bench', { prefix: 'bench' });
    const key = await node.makeKey('bench', 'one');
    await node.closeVault();
    const all: Start[] = [];
    // The first start fills the caches for all.
    let { server } = await startOf(node, port, access);
    for (let n = 0; n < starts; n++) {
      await server.stop();
      const start = await startOf(node, port, access);
      server = start.server;
      all.push(start);
    }
    const idle = memoryOf(server);
    try {
      const requests = await requestsOf(access, key, 'encrypt with CDIV', { port, ca: node.ca.certificate });
      const { errors } = await runLoad({ port, connections: 64, requests, seconds: loadSeconds });
      if (errors > 0) throw new Error(`${errors} requests failed`);
      print(all, idle, memoryOf(server));
    } finally {
      await server.stop();
    }
  } finally {
    await node.dispose();
    await fixture.dispose();
  }
}

async function startOf(
  node: TestNode,
  port: number,
  access: KeySetAccess,
): Promise<Start & { server: Server }> {
  const began = monotonicNow();
  const log = path.join(node.directory, 'start.log');
  const starting = Server.start('serve', [mainScript, '--config', node.config, 'serve'], log);
  const failed = new AbortController();
  // It is waited for below, where it throws.
  void starting.catch(() => failed.abort());
  const readied = starting.then((server) => ({ server, ready: monotonicNow() - began }));
  while (!failed.signal.aborted && !(await isAnswered(node, port, access))) await delay(10);
  const answered = monotonicNow() - began;
  return { answered, ...(await readied) };
}

async function isAnswered(node: TestNode, port: number, access: KeySetAccess): Promise<boolean> {
  const client = new XksClient(port, access, { ca: node.ca.certificate, timeout: 500 });
  try {
    return (await client.health()).status === 200;
  } catch {
    return false;
  } finally {
    client.close();
  }
}

/** MiB of each kind of process, what they share counted once. */
function memoryOf(server: Server): Map<string, number> {
  const memory = new Map<string, number>();
  for (const pid of server.pids) {
    const script = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .split('\0')
      .findLast((word) => word.endsWith('.ts'));
    const kind = script === undefined || script === mainScript ? 'supervisor' : path.basename(script, '.ts');
    memory.set(kind, (memory.get(kind) ?? 0) + proportionalOf(pid));
  }
  return memory;
}

function print(all: readonly Start[], idle: Map<string, number>, after: Map<string, number>): void {
  const times = (of: (one: Start) => number): string => {
    const sorted = all.map(of).toSorted((a, b) => a - b);
    return [sorted[Math.floor(sorted.length / 2)] ?? 0, sorted[0] ?? 0, sorted.at(-1) ?? 0]
      .map(Math.round)
      .join(', ');
  };
  console.log(`until the first GetHealthStatus: ${times((one) => one.answered)} ms (median, least, most)`);
  console.log(`until all of it was ready: ${times((one) => one.ready)} ms`);
  const table = new Table({
    head: ['memory (PSS), MiB', 'idle', `after ${loadSeconds} s at 64 connections`],
    style: { head: [], border: [] },
  });
  for (const [kind, memory] of idle) table.push([kind, memory.toFixed(0), (after.get(kind) ?? 0).toFixed(0)]);
  table.push(['all', ...[idle, after].map((one) => [...one.values()].reduce((a, b) => a + b, 0).toFixed(0))]);
  console.log(table.toString());
}
