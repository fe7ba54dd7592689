import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as testNode from '../test/support/test-node.ts';
import type * as tokens from '../test/support/tokens.ts';
import type { KeySetAccess } from '../test/support/xks-client.ts';
import { cellSeconds, measure, type Measured } from './measure.ts';
import { Server } from './processes.ts';
import { operationNames, requestsOf, type OperationName } from './requests.ts';

/*
 * BENCH_ONLY=against BENCH_AGAINST=/another/checkout: the request path of this checkout against that of another one (an older
 * commit, with its npm packages), a node each, in turn, so that what else the machine does hits both alike. Of each cell the
 * median of the rounds: what is told is a ratio.
 */

const rounds = 5;
const connections = [1, 16, 64];

interface Side {
  server: Server;
  access: KeySetAccess;
  key: string;
  ca: string;
  stop: () => Promise<void>;
}

export async function benchAgainst(checkout: string): Promise<void> {
  const before = await start(path.resolve(checkout));
  const now = await start(path.resolve(import.meta.dirname, '..'));
  try {
    console.log('\n| operation | connections | requests/s | CPU of a request | CPU µs before | CPU µs now |');
    console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
    // Until V8 has compiled what is used most, an older checkout is the faster for being smaller.
    for (const side of [before, now])
      for (const name of operationNames) await load(side, name, 64, 2 * cellSeconds);
    for (const name of operationNames)
      for (const count of connections) console.log(await row(before, now, name, count));
  } finally {
    await Promise.all([before.stop(), now.stop()]);
  }
}

async function row(before: Side, now: Side, name: OperationName, count: number): Promise<string> {
  const rates: number[] = [];
  const costs: number[] = [];
  const microseconds: [before: number, now: number][] = [];
  for (let round = 0; round < rounds; round++) {
    const measured = [];
    // Whoever goes second finds the machine warm: each does so every other time.
    for (const side of round % 2 === 0 ? [before, now] : [now, before])
      measured.push(await load(side, name, count));
    const [a, b] = round % 2 === 0 ? measured : measured.toReversed();
    if (a === undefined || b === undefined) continue;
    rates.push(b.load.perSecond / a.load.perSecond);
    costs.push(b.cpuMicroseconds / a.cpuMicroseconds);
    microseconds.push([a.cpuMicroseconds, b.cpuMicroseconds]);
  }
  const percent = (ratios: number[]) => `${(median(ratios) * 100).toFixed(0)} %`;
  const [cpuBefore, cpuNow] = [0, 1].map((i) => median(microseconds.map((pair) => pair[i] ?? 0)).toFixed(0));
  return `| ${name} | ${count} | ${percent(rates)} | ${percent(costs)} | ${cpuBefore} | ${cpuNow} |`;
}

async function load(
  { server, access, key, ca }: Side,
  name: OperationName,
  count: number,
  seconds = cellSeconds,
): Promise<Measured> {
  const requests = await requestsOf(access, key, name, { port: server.port, ca });
  return measure(server, requests, count, { seconds });
}

/** A node of that checkout's own making, with a token, a key set and a key. */
async function start(checkout: string): Promise<Side> {
  const of = async (file: string) =>
    // oxlint-disable-next-line walls/room -- of another checkout, whose files have other contents
    import(pathToFileURL(path.join(checkout, file)).href) as Promise<unknown>;
  const { createSoftHsmToken } = (await of('test/support/tokens.ts')) as typeof tokens;
  const { TestNode } = (await of('test/support/test-node.ts')) as typeof testNode;
  const fixture = await createSoftHsmToken();
  const node = await TestNode.create({
    tokens: [{ fixture, settings: { hosts: 2 } }],
    workers: 2,
    realTimes: true,
  });
  const access = await node.makeKeySet('bench', { prefix: 'bench' });
  const key = await node.makeKey('bench', 'one');
  const words = [path.join(checkout, 'src/main.ts'), '--config', node.config, 'serve'];
  const server = await Server.start(checkout, words, path.join(node.directory, 'against.log'));
  return {
    server,
    access,
    key,
    ca: node.ca.certificate,
    stop: async () => {
      await server.stop();
      await node.dispose();
      await fixture.dispose();
    },
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}
