import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type * as testNode from '../testing/test-node.ts';
import type * as tokens from '../testing/tokens.ts';
import type { KeySetAccess } from '../testing/xks-client.ts';
import { cellSeconds, measure, type Measured } from './measure.ts';
import { Server } from './processes.ts';
import { operationNames, requestsOf, type OperationName } from './requests.ts';

/*
 * BENCH_ONLY=against BENCH_AGAINST=/another/checkout: the request path of this checkout against that of another one (an older
 * commit, with its npm packages), a node each, under load at the same time and on the same processor: whatever else the
 * machine does hits both alike. In turn, where others use the machine, two equal commits were a quarter apart in one cell or
 * another. Of each cell the median of the rounds and its quartiles: what is told is a ratio.
 */

const rounds = 10;
const connections = [1, 16, 64];

interface Side {
  server: Server;
  access: KeySetAccess;
  key: string;
  ca: string;
  stop: () => Promise<void>;
}

export async function benchAgainst(checkout: string): Promise<void> {
  await using sides = new AsyncDisposableStack();
  const side = async (directory: string): Promise<Side> => {
    const started = await start(path.resolve(directory));
    sides.defer(started.stop);
    return started;
  };
  const before = await side(checkout);
  const now = await side(path.join(import.meta.dirname, '..'));
  console.log('\n| operation | connections | CPU of a request | quartiles | CPU µs before | CPU µs now |');
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
  // Until V8 has compiled what is used most, an older checkout is the faster for being smaller.
  for (const name of operationNames)
    await Promise.all([before, now].map(async (side) => load(side, name, 64, 2 * cellSeconds)));
  for (const name of operationNames)
    for (const count of connections) console.log(await row(before, now, name, count));
}

async function row(before: Side, now: Side, name: OperationName, count: number): Promise<string> {
  const rows: { before: number; now: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const [a, b] = await Promise.all([load(before, name, count), load(now, name, count)]);
    rows.push({ before: a.cpuMicroseconds, now: b.cpuMicroseconds });
  }
  const ratios = rows.map((of) => of.now / of.before).toSorted((a, b) => a - b);
  const percent = (ratio: number) => `${(ratio * 100).toFixed(0)} %`;
  const quartiles = [1, 3].map((quarter) => percent(ratios[Math.round((quarter * (rounds - 1)) / 4)] ?? 0));
  const [cpuBefore, cpuNow] = (['before', 'now'] as const).map((side) =>
    median(rows.map((of) => of[side])).toFixed(0),
  );
  return `| ${name} | ${count} | ${percent(median(ratios))} | ${quartiles.join(' to ')} | ${cpuBefore} | ${cpuNow} |`;
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
  // Where it is in checkouts of before it was shared.
  const support = existsSync(path.join(checkout, 'testing')) ? 'testing' : 'test/support';
  const { createSoftHsmToken } = (await of(`${support}/tokens.ts`)) as typeof tokens;
  const { TestNode } = (await of(`${support}/test-node.ts`)) as typeof testNode;
  await using made = new AsyncDisposableStack();
  const fixture = await createSoftHsmToken();
  made.defer(async () => fixture.dispose());
  const node = await TestNode.create({
    tokens: [{ fixture, settings: { hosts: 2 } }],
    workers: 2,
    realTimes: true,
  });
  made.defer(async () => node.dispose());
  const access = await node.makeKeySet('bench', { prefix: 'bench' });
  const key = await node.makeKey('bench', 'one');
  const words = [path.join(checkout, 'src/main.ts'), '--config', node.config, 'serve'];
  const server = await Server.start(checkout, words, path.join(node.directory, 'against.log'), { checkout });
  made.defer(async () => server.stop());
  for (const pid of server.pids) await promisify(execFile)('taskset', ['-a', '-c', '-p', '0', String(pid)]);
  const undo = made.move();
  return { server, access, key, ca: node.ca.certificate, stop: async () => undo.disposeAsync() };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}
