import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { childrenOf } from '../testing/test-node.ts';
import type { KeySetAccess, SignedRequest } from '../testing/xks-client.ts';
import { cellSeconds } from './measure.ts';
import { cpuOf } from './processes.ts';
import { operationNames, requestsOf, type OperationName } from './requests.ts';
import { runLoad } from './wrk.ts';

/*
 * Two servers under load at the same time and on the same processor: whatever else the machine does hits both alike. In turn, where
 * others use the machine, two equal commits were a quarter apart in one cell or another. Of each cell the median of the rounds and its
 * quartiles: what is told is a ratio of the processor's time for a request.
 */

const rounds = 10;
/** A round with fewer requests is left out. */
const fewest = 50;
const allConnections = [1, 16, 64];

/** One XKS proxy, and what to ask it. */
export interface Asked {
  port: number;
  access: KeySetAccess;
  /** External key id. */
  key: string;
  /** PEM file. */
  ca: string;
}

/** One of the two. */
export interface Side {
  /** The connections are divided among them. */
  proxies: readonly Asked[];
  /** All that works for it, each with its descendants. */
  pids: readonly number[];
}

export interface PairOptions {
  /** How the two stand in the head of the table. */
  names: readonly [string, string];
  operations?: readonly OperationName[];
  connections?: readonly number[];
}

/** Prints a row for each operation and number of connections: what the second costs of the first. */
export async function benchPair(
  first: Side,
  second: Side,
  { names, operations = operationNames, connections = allConnections }: PairOptions,
): Promise<void> {
  for (const side of [first, second])
    for (const pid of processesOf(side))
      await promisify(execFile)('taskset', ['-a', '-c', '-p', '0', String(pid)]);
  const cpu = names.map((name) => `CPU µs, ${name}`).join(' | ');
  console.log(`\n| operation | connections | ${names[1]} of ${names[0]} | quartiles | ${cpu} |`);
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
  // Until V8 has compiled what is used most, the smaller program is the faster.
  for (const name of operations)
    await Promise.all([first, second].map(async (side) => cpuOfRequest(side, name, 64, 2 * cellSeconds)));
  for (const name of operations)
    for (const count of connections) console.log(await row(first, second, name, count));
}

async function row(first: Side, second: Side, name: OperationName, count: number): Promise<string> {
  const measured: (readonly [number, number])[] = [];
  for (let round = 0; round < rounds; round++) {
    const both = await Promise.all([cpuOfRequest(first, name, count), cpuOfRequest(second, name, count)]);
    // On a machine that has no time for it nothing is answered, and a clock of 10 ms tells nothing of a few.
    if (both.every(Number.isFinite)) measured.push(both);
  }
  const [before, now] = [0, 1].map((side) => median(measured.map((of) => of[side as 0 | 1])).toFixed(0));
  return `| ${name} | ${count} | ${ratioWords(measured.map(([a, b]) => b / a))} | ${before} | ${now} |`;
}

/** The median, and behind a bar its quartiles, in percent. */
export function ratioWords(ratios: readonly number[]): string {
  if (ratios.length === 0) return '- | -';
  const sorted = ratios.toSorted((a, b) => a - b);
  const percent = (ratio: number) => `${(ratio * 100).toFixed(0)} %`;
  const quartiles = [1, 3].map((of) => percent(sorted[Math.round((of * (sorted.length - 1)) / 4)] ?? 0));
  return `${percent(median(sorted))} | ${quartiles.join(' to ')}`;
}

/** Processor time of a request, microseconds; NaN where there were too few; while `count` connections are busy. */
async function cpuOfRequest(
  side: Side,
  name: OperationName,
  count: number,
  seconds = cellSeconds,
): Promise<number> {
  const share = Math.ceil(count / side.proxies.length);
  const asked = await Promise.all(
    side.proxies.slice(0, count).map(async (proxy) => [proxy.port, await signed(proxy, name)] as const),
  );
  const before = cpuOfSide(side);
  const loads = await Promise.all(
    asked.map(async ([port, requests]) => runLoad({ port, connections: share, seconds, requests })),
  );
  const used = cpuOfSide(side) - before;
  const wrong = loads.reduce((sum, { errors }) => sum + errors, 0);
  const sent = loads.reduce((sum, { requests }) => sum + requests, 0);
  if (wrong > sent / 100)
    console.log(`  ${name}, ${count} connections: ${wrong} of ${sent} were not answered well`);
  return sent < fewest ? NaN : (used * 1e6) / sent;
}

async function signed({ access, key, port, ca }: Asked, name: OperationName): Promise<SignedRequest[]> {
  return requestsOf(access, key, name, { port, ca });
}

function cpuOfSide(side: Side): number {
  return processesOf(side).reduce((sum, pid) => sum + cpuOf(pid), 0);
}

function processesOf({ pids }: Side): number[] {
  return pids.flatMap((pid) => [pid, ...childrenOf(pid)]);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}
