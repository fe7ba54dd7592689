import { execFile } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import Table from 'cli-table3';
import { Shim } from '../testing/shim.ts';
import { TestNode } from '../testing/test-node.ts';
import { createSoftHsmToken } from '../testing/tokens.ts';
import { XksClient, type KeySetAccess, type SignedRequest } from '../testing/xks-client.ts';
import { benchAgainst } from './against.ts';
import { benchGrowth } from './growth.ts';
import { benchHung } from './hung.ts';
import { benchKmsKeys } from './kms-keys.ts';
import { benchLists } from './lists.ts';
import { benchOverload } from './overload.ts';
import { benchPeer } from './peer.ts';
import { Populated } from './populated.ts';
import { mainScript, Server } from './processes.ts';
import { cellSeconds, measure, type Measured } from './measure.ts';
import { aad, operationNames, plaintext, requestsOf, type OperationName } from './requests.ts';
import { benchSizes } from './sizes.ts';
import { benchStart } from './start.ts';
import { benchStores } from './stores.ts';
import type { Load } from './wrk.ts';

/*
 * make bench: one table, all in one run on one machine, with the load generator in a process of its own.
 * BENCH_SECONDS (4) a cell, BENCH_HOLD_SECONDS (60) for the held rate, BENCH_ONLY=grid,hold,keys,lists,slow to pick parts;
 * overload (bench/overload.ts), hung (bench/hung.ts), aws (bench/kms-keys.ts, minutes), growth with BENCH_STAGES=small,middle,large, sizes, stores
 * (bench/stores.ts), start with BENCH_STARTS (bench/start.ts), peer with BENCH_PEER (bench/peer.ts), and against with BENCH_AGAINST (another checkout), only where they are picked.
 */

const holdSeconds = Number(process.env['BENCH_HOLD_SECONDS'] ?? 60);
const parts = (process.env['BENCH_ONLY'] ?? 'grid,hold,keys,lists,slow').split(',');
/** At least nine are needed for 1,800 operations of 5 ms a second. */
const slowHosts = Number(process.env['BENCH_SLOW_HOSTS'] ?? 16);
const manyKeys = Number(process.env['BENCH_KEYS'] ?? 2000);

const table = new Table({
  head: [
    'what',
    'operation',
    'connections',
    'requests/s',
    'p50 ms',
    'p99 ms',
    'CPU µs/request',
    'memory MiB',
    'errors',
  ],
  style: { head: [], border: [] },
});

const fixture = await createSoftHsmToken();
const node = await TestNode.create({
  tokens: [{ fixture, settings: { hosts: 2 } }],
  workers: 2,
  realTimes: true,
});
try {
  const access = await node.makeKeySet('bench', { prefix: 'bench' });
  const key = await node.makeKey('bench', 'one');
  console.log(
    `${cpus().length} × ${cpus()[0]?.model ?? '?'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
  );
  if (parts.includes('grid')) await grid(access, key);
  if (parts.includes('hold')) await hold(access, key);
  if (parts.includes('keys')) await keys();
  if (parts.includes('lists')) await benchLists();
  if (parts.includes('slow')) await slow();
  if (parts.includes('overload')) await benchOverload();
  if (parts.includes('hung')) await benchHung();
  if (parts.includes('aws')) await benchKmsKeys();
  if (parts.includes('growth')) await benchGrowth(cellSeconds);
  if (parts.includes('sizes')) await benchSizes();
  if (parts.includes('stores')) await benchStores();
  if (parts.includes('start')) await benchStart();
  if (parts.includes('peer')) await benchPeer(process.env['BENCH_PEER'] ?? '');
  if (parts.includes('against')) await benchAgainst(process.env['BENCH_AGAINST'] ?? '');
  if (table.length > 0) console.log(table.toString());
} finally {
  await node.dispose();
  await fixture.dispose();
}

/** Every operation at 1, 16 and 64 connections, between its three limits. */
async function grid(access: KeySetAccess, key: string): Promise<void> {
  const raw = JSON.parse(
    (await promisify(execFile)(process.execPath, [local('raw-token.ts'), node.config, '2'])).stdout,
  ) as Record<string, number>;
  for (const [name, rate] of Object.entries(raw))
    addRow('raw token, one process', name, '-', { perSecond: rate });

  const served = await Server.start(
    'holdfast serve',
    [mainScript, '--config', node.config, 'serve'],
    log('serve'),
  );
  const client = new XksClient(served.port, access, { ca: node.ca.certificate });
  const answerBytes = (await client.encrypt(key, plaintext, { aad, cdiv: true })).text.length;
  const echo = await Server.start(
    'Koa echo with SigV4',
    [local('echo.ts'), node.tls.certificate, node.tls.key, access.secretAccessKey, String(answerBytes)],
    log('echo'),
  );
  Object.assign(process.env, fixture.environment);
  const inside = await Server.start(
    'token in-process',
    [local('in-process.ts'), node.config, 'store'],
    log('inside'),
  );
  try {
    const ratios: number[] = [];
    for (const connections of [1, 16, 64]) {
      for (const name of operationNames) {
        // Alternating and repeated, so that a noisy minute hits both alike; the better run of each counts.
        const [a, b] = [
          await best(served, access, key, name, connections),
          await best(inside, access, key, name, connections),
        ];
        addRow('holdfast serve', name, connections, a.load, a);
        addRow('token in-process', name, connections, b.load, b);
        if (name !== 'metadata' && connections > 1) ratios.push(a.load.perSecond / b.load.perSecond);
      }
      const e = await measure(
        echo,
        await requestsFor(access, key, 'encrypt with CDIV', echo.port),
        connections,
      );
      addRow('Koa echo with SigV4', 'same size', connections, e.load, e);
    }
    const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
    console.log(
      `token host against in-process, mean of throughputs at 16 and 64 connections: ${(mean * 100).toFixed(1)} %`,
    );
  } finally {
    client.close();
    await Promise.all([served.stop(), echo.stop(), inside.stop()]);
  }
}

async function best(
  server: Server,
  access: KeySetAccess,
  key: string,
  name: OperationName,
  connections: number,
): Promise<Measured> {
  const runs: Measured[] = [];
  for (let i = 0; i < 2; i++)
    runs.push(await measure(server, await requestsFor(access, key, name, server.port), connections));
  return runs.reduce((a, b) => (a.load.perSecond >= b.load.perSecond ? a : b));
}

/** 1,800 encrypts with CDIV a second, AWS's default quota, held; memory before and after. */
async function hold(access: KeySetAccess, key: string): Promise<void> {
  const served = await Server.start(
    'holdfast serve',
    [mainScript, '--config', node.config, 'serve'],
    log('hold'),
  );
  try {
    const requests = () => requestsFor(access, key, 'encrypt with CDIV', served.port);
    const idle = served.proportionalMiB;
    await measure(served, await requests(), 64);
    const before = served.proportionalMiB;
    const held = await measure(served, await requests(), 64, { seconds: holdSeconds, pause: 30 });
    addRow(`held for ${holdSeconds} s`, 'encrypt with CDIV', 64, held.load, held);
    console.log(
      `memory (PSS): ${idle.toFixed(0)} MiB at the start, ${before.toFixed(0)} MiB after the warm-up, ${served.proportionalMiB.toFixed(0)} MiB after ${held.load.requests} requests more`,
    );
  } finally {
    await served.stop();
  }
}

/**
 * Many CloudKeys in many vaults, each with a key set and a credential of its own, against ten keys in one vault: two
 * nodes with a token each, in one run and in turn. Then one key of the many against all of them.
 */
async function keys(): Promise<void> {
  const perVault = 10;
  const [few, many] = [
    await Populated.start(1, perVault),
    await Populated.start(manyKeys / perVault, perVault),
  ];
  try {
    const [ofFew, ofMany] = [await few.requests(), await many.requests()];
    for (const [populated, requests] of [
      [few, ofFew],
      [many, ofMany],
    ] as const)
      await measure(populated.server, requests, 16);
    for (let round = 0; round < 3; round++) {
      const a = await measure(few.server, ofFew, 16);
      const b = await measure(many.server, ofMany, 16);
      const c = await measure(many.server, ofMany.slice(0, 1), 16);
      addRow(`${perVault} keys in one vault`, 'encrypt with CDIV', 16, a.load, a);
      addRow(`${manyKeys} keys in ${manyKeys / perVault} vaults`, 'encrypt with CDIV', 16, b.load, b);
      addRow(`one of these ${manyKeys}`, 'encrypt with CDIV', 16, c.load, c);
      const ratio = (load: Load) => `${((b.load.perSecond / load.perSecond) * 100).toFixed(1)} %`;
      console.log(
        `${manyKeys} keys in ${manyKeys / perVault} vaults: ${ratio(a.load)} of ten keys in one vault, ${ratio(c.load)} of one key`,
      );
    }
  } finally {
    await Promise.all([few.stop(), many.stop()]);
  }
}

/** A token whose every operation takes 5 ms, as a network HSM's may. */
async function slow(): Promise<void> {
  const shim = await Shim.create();
  await shim.clear();
  const token = await createSoftHsmToken();
  const slowNode = await TestNode.create({
    tokens: [{ fixture: token, shim, settings: { hosts: slowHosts } }],
    workers: 2,
    realTimes: true,
  });
  try {
    const access = await slowNode.makeKeySet('slow', { prefix: 'slow' });
    const key = await slowNode.makeKey('slow', 'key');
    const served = await Server.start(
      'holdfast serve',
      [mainScript, '--config', slowNode.config, 'serve'],
      path.join(slowNode.directory, 'slow.log'),
    );
    try {
      const requests = await requestsFor(access, key, 'decrypt', served.port, slowNode);
      // At full speed first: a host that does sixty operations a second needs minutes until its code is compiled.
      await measure(served, requests, 64, { seconds: 2 * cellSeconds });
      await shim.set('C_Encrypt delay_us=5000\nC_Decrypt delay_us=5000');
      await measure(served, requests, 64, { seconds: 2 });
      const flood = await measure(served, requests, 64);
      addRow(`token of 5 ms, ${slowHosts} hosts`, 'decrypt', 64, flood.load, flood);
      const held = await measure(served, requests, 64, { pause: 18 });
      addRow('token of 5 ms, held', 'decrypt', 64, held.load, held);
    } finally {
      await served.stop();
    }
  } finally {
    await slowNode.dispose();
    await token.dispose();
    await shim.dispose();
  }
}

async function requestsFor(
  access: KeySetAccess,
  key: string,
  name: OperationName,
  port: number,
  from = node,
): Promise<SignedRequest[]> {
  return requestsOf(access, key, name, { port, ca: from.ca.certificate });
}

function addRow(
  what: string,
  operation: string,
  connections: number | string,
  load: Partial<Load> & { perSecond: number },
  measured?: Measured,
): void {
  const number = (value: number | undefined, digits: number) =>
    value === undefined ? '-' : value.toFixed(digits);
  table.push([
    what,
    operation,
    connections,
    number(load.perSecond, 0),
    number(load.p50, 1),
    number(load.p99, 1),
    number(measured?.cpuMicroseconds, 0),
    number(measured?.memory, 0),
    load.errors ?? '-',
  ]);
  console.log(`  ${what}, ${operation}, ${connections} connections: ${number(load.perSecond, 0)}/s`);
}

function local(name: string): string {
  return path.join(import.meta.dirname, name);
}

function log(name: string): string {
  return path.join(node.directory, `${name}.log`);
}
