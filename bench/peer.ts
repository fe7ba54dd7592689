import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { childrenOf, TestNode } from '../testing/test-node.ts';
import { createSoftHsmToken } from '../testing/tokens.ts';
import type { KeySetAccess } from '../testing/xks-client.ts';
import { cellSeconds } from './measure.ts';
import { median, ratioWords } from './pairs.ts';
import { cpuOf, mainScript, proportionalOf, Server } from './processes.ts';
import { operationNames, requestsOf, type OperationName } from './requests.ts';
import { runLoad } from './wrk.ts';

/*
 * BENCH_ONLY=peer BENCH_PEER=FILE: the same requests to this node and to any other XKS proxy, in turn. The file, which has a secret, is
 * JSON: where the other is and what opens it. BENCH_PEER_KEYS (1) is how many keys our node's token is to have, as many as the other's.
 */

const peerFile = z.strictObject({
  /** As in its certificate, which is looked at where a ciphertext is made for decrypts to come. */
  host: z.string(),
  port: z.number().int(),
  /** PEM file. */
  ca: z.string(),
  /** With /kms/xks/v1. */
  uriPath: z.string(),
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  /** External key id. */
  key: z.string(),
  /** Its first process, where it runs on this machine: then what it takes of processor and memory is told too. */
  pid: z.number().int().optional(),
});

interface Proxy {
  host: string;
  port: number;
  ca: string;
  access: KeySetAccess;
  key: string;
  pid: number | undefined;
}

interface Round {
  perSecond: number;
  p99: number;
  /** Microseconds of a request. */
  cpu: number;
}

const rounds = 5;

export async function benchPeer(file: string): Promise<void> {
  if (file === '') throw new Error('BENCH_PEER is to name a file (bench/peer.ts)');
  const { host, port, ca, key, pid, ...access } = peerFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  const peer: Proxy = { host, port, ca, access, key, pid };
  await using made = new AsyncDisposableStack();
  const own = await ownNode(made, Number(process.env['BENCH_PEER_KEYS'] ?? 1));
  console.log(
    '\n| operation | connections | requests/s, ours of the other’s | quartiles | other /s | ours /s | p99 ms, other | ours | CPU µs, other | ours |',
  );
  console.log(`|${' --- |'.repeat(10)}`);
  for (const name of operationNames)
    for (const proxy of [peer, own]) await ask(proxy, name, 64, 2 * cellSeconds);
  for (const name of operationNames)
    for (const connections of [1, 16, 64]) console.log(await row(peer, own, name, connections));
  for (const [whose, proxy] of [
    ['the other', peer],
    ['ours', own],
  ] as const)
    if (proxy.pid !== undefined) {
      const memory = processesOf(proxy).reduce((sum, one) => sum + proportionalOf(one), 0);
      console.log(`memory after it (PSS), ${whose}: ${memory.toFixed(0)} MiB`);
    }
}

/** With a token that has so many keys. */
async function ownNode(made: AsyncDisposableStack, keys: number): Promise<Proxy> {
  const fixture = await createSoftHsmToken();
  made.defer(async () => fixture.dispose());
  const node = await TestNode.create({
    tokens: [{ fixture, settings: { hosts: 2 } }],
    workers: 2,
    realTimes: true,
  });
  made.defer(async () => node.dispose());
  const access = await node.makeKeySet('bench', { prefix: 'bench' });
  let key = '';
  for (let i = 0; i < keys; i++) key = await node.makeKey('bench', `key-${i}`);
  await node.closeVault();
  const words = [mainScript, '--config', node.config, 'serve'];
  const server = await Server.start('holdfast serve', words, path.join(node.directory, 'peer.log'));
  made.defer(async () => server.stop());
  const { port, pid } = server;
  return { host: 'localhost', port, ca: node.ca.certificate, access, key, pid };
}

async function row(peer: Proxy, own: Proxy, name: OperationName, connections: number): Promise<string> {
  const all: [Round, Round][] = [];
  for (let round = 0; round < rounds; round++)
    all.push([await ask(peer, name, connections), await ask(own, name, connections)]);
  const cells = (of: (round: Round) => number, digits = 0) =>
    [0, 1].map((side) => median(all.map((pair) => of(pair[side as 0 | 1]))).toFixed(digits)).join(' | ');
  const ratios = ratioWords(all.map(([other, ours]) => ours.perSecond / other.perSecond));
  return `| ${name} | ${connections} | ${ratios} | ${cells(({ perSecond }) => perSecond)} | ${cells(({ p99 }) => p99, 1)} | ${cells(({ cpu }) => cpu)} |`;
}

async function ask(
  proxy: Proxy,
  name: OperationName,
  connections: number,
  seconds = cellSeconds,
): Promise<Round> {
  const { access, key, host, port, ca } = proxy;
  const requests = await requestsOf(access, key, name, { host, port, ca });
  const before = cpuSecondsOf(proxy);
  const load = await runLoad({ host, port, connections, seconds, requests });
  if (load.errors > 0)
    console.log(`  ${host}:${port}, ${name}: ${load.errors} of ${load.requests} were not answered well`);
  const cpu = ((cpuSecondsOf(proxy) - before) * 1e6) / load.requests;
  return { perSecond: load.perSecond, p99: load.p99, cpu };
}

function cpuSecondsOf(proxy: Proxy): number {
  return processesOf(proxy).reduce((sum, pid) => sum + cpuOf(pid), 0);
}

function processesOf({ pid }: Proxy): number[] {
  return pid === undefined ? [] : [pid, ...childrenOf(pid)];
}
