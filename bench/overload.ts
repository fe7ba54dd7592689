import path from 'node:path';
import Table from 'cli-table3';
import { updateKeySet } from '../src/keys/key-sets/key-sets.ts';
import { Shim } from '../testing/shim.ts';
import { TestNode } from '../testing/test-node.ts';
import { createSoftHsmToken } from '../testing/tokens.ts';
import { XksClient, type KeySetAccess } from '../testing/xks-client.ts';
import { cellSeconds } from './measure.ts';
import { ratioWords } from './pairs.ts';
import { mainScript, Server } from './processes.ts';
import { requestsOf } from './requests.ts';
import { count, good, late, quantile, sendAll, type Sent, type Stream } from './streams.ts';
import { runLoad } from './wrk.ts';

/*
 * What others notice of too much. A token whose every call takes 20 ms, with two hosts: it decrypts 100 times a second. Requests
 * come at a rate, whether those before are answered or not, as from AWS KMS, which has many callers. What is late is told beside
 * what is late when nobody floods, since the machine itself is late now and then.
 */

const hosts = 2;
const callMilliseconds = 20;
const perSecond = (hosts * 1000) / callMilliseconds;
/** Within its quota, and with its share of the token. */
const quietRate = 20;
const quota = 25;
/** Of a token that takes no time to speak of: what ten times of it cost is the node's. */
const fastQuota = 100;
const fastQuietRate = 50;
const floodConnections = 64;
/** So many rounds of either. */
const turns = 10;

const table = new Table({
  head: [
    'what',
    'key set',
    'asked/s',
    'answered/s',
    '429',
    '503',
    'none',
    'p50 ms',
    'p99 ms',
    'refused p99 ms',
    'over 240 ms',
  ],
  style: { head: [], border: [] },
});

/** Floods a node, and prints what became of the requests of those who flood and of those who do not. */
export async function benchOverload(): Promise<void> {
  const shim = await Shim.create();
  const token = await createSoftHsmToken();
  const node = await TestNode.create({
    tokens: [{ fixture: token, shim, settings: { hosts } }],
    workers: 2,
    realTimes: true,
  });
  try {
    const keySets = { flood: await keySet(node, 'flood'), quiet: await keySet(node, 'quiet') };
    const log = path.join(node.directory, 'overload.log');
    const served = await Server.start('holdfast serve', [mainScript, '--config', node.config, 'serve'], log);
    try {
      await flood(node, served.port, shim, keySets);
    } finally {
      await served.stop();
    }
    console.log(table.toString());
  } finally {
    await node.dispose();
    await token.dispose();
    await shim.dispose();
  }
}

async function flood(
  node: TestNode,
  port: number,
  shim: Shim,
  keySets: Record<'flood' | 'quiet', KeySetWithKey>,
): Promise<void> {
  const ca = node.ca.certificate;
  const client = new XksClient(port, keySets.quiet.access, { ca, maxSockets: 256 });
  const stream = async (name: 'flood' | 'quiet', operation: 'decrypt' | 'encrypt') => {
    const { access, key } = keySets[name];
    const requests = await requestsOf(access, key, operation, { port, ca });
    return (rate: number): Stream => ({ name, rate, requests });
  };
  const flooding = await stream('flood', 'decrypt');
  const encrypting = await stream('flood', 'encrypt');
  const others = await stream('quiet', 'decrypt');
  const run = async (what: string, streams: Stream[]) => tell(what, streams, await sendAll(client, streams));
  // Code is compiled, connections are open, and hosts know what an operation takes.
  await sendAll(client, [flooding(perSecond)]);
  await shim.set([
    { call: 'C_Encrypt', delayMicroseconds: callMilliseconds * 1000 },
    { call: 'C_Decrypt', delayMicroseconds: callMilliseconds * 1000 },
  ]);
  await sendAll(client, [flooding(perSecond / 2)]);
  await run('half of what the token does', [flooding(perSecond / 2)]);
  await run('three times what it does', [flooding(perSecond * 3)]);
  await run('nobody floods', [others(quietRate)]);
  await run('a flood of decrypts', [flooding(perSecond * 3), others(quietRate)]);
  await run('a flood of encrypts', [encrypting(perSecond * 3), others(quietRate)]);
  await setQuotas(node, quota);
  await inTurn('a token of 20 ms', { client, others, flooding, quota, quietRate });
  await shim.clear();
  await setQuotas(node, fastQuota);
  await inTurn('a token as it is', { client, others, flooding, quota: fastQuota, quietRate: fastQuietRate });
  client.close();
}

interface Flood {
  client: XksClient;
  others: (rate: number) => Stream;
  flooding: (rate: number) => Stream;
  /** Of each key set, requests a second. */
  quota: number;
  /** Of the others, requests a second. */
  quietRate: number;
}

/**
 * What the quiet key set notices of one that sends ten times its quota, against one that stays within it: many short rounds of either in
 * turn, since the machine has its moods. The flood comes from a process of its own, or what is measured were our client's own queue.
 */
async function inTurn(
  what: string,
  { client, others, flooding, quota: most, quietRate: rate }: Flood,
): Promise<void> {
  const calm: Sent[][] = [];
  const flooded: Sent[][] = [];
  const round = async (perSecond: number): Promise<Sent[]> => {
    const { requests } = flooding(perSecond);
    const pause = (floodConnections * 1000) / perSecond;
    const load = { port: client.port, connections: floodConnections, seconds: cellSeconds, requests, pause };
    const [[sent = []]] = await Promise.all([sendAll(client, [others(rate)]), runLoad(load)]);
    return sent;
  };
  for (let turn = 0; turn < turns; turn++) {
    calm.push(await round(most * 0.8));
    flooded.push(await round(most * 10));
  }
  const p99s = [calm, flooded].map((rounds) => rounds.map((sent) => Number(quantile(good(sent), 0.99))));
  const [before = [], now = []] = p99s;
  const ratios = ratioWords(now.map((p99, turn) => p99 / (before[turn] ?? NaN)));
  const of = (rounds: Sent[][]) => {
    const all = rounds.flat();
    return `p50 ${quantile(good(all), 0.5)} ms, p99 ${quantile(good(all), 0.99)} ms, of ${all.length} ${count(all, 429)} refused, ${count(all, 503)} late`;
  };
  console.log(
    `${what}, quota ${most}/s, the quiet key set at ${rate}/s:\n  the other within its quota: ${of(calm)}\n` +
      `  the other at ten times its quota: ${of(flooded)}\n  p99 of a round against the one before it | quartiles: ${ratios}`,
  );
}

async function setQuotas(node: TestNode, most: number): Promise<void> {
  for (const name of ['flood', 'quiet']) await setQuota(node, name, most);
}

async function setQuota(node: TestNode, name: string, most: number): Promise<void> {
  await node.withStore(async (vault) => {
    const { id } = await vault.keySet(name);
    const named = { vaultId: vault.vaultId, sight: 'all' as const, id };
    await updateKeySet(vault.vaultContext, vault.act(), named, {
      quota: { requestsPerSecond: most, burst: most },
    });
  });
}

interface KeySetWithKey {
  access: KeySetAccess;
  /** External key id. */
  key: string;
}

async function keySet(node: TestNode, name: string): Promise<KeySetWithKey> {
  const access = await node.makeKeySet(name, { prefix: name });
  return { access, key: await node.makeKey(name, name) };
}

function tell(what: string, streams: readonly Stream[], sent: readonly Sent[][]): void {
  streams.forEach(({ name, rate }, index) => {
    const all = sent[index] ?? [];
    const times = (status: number) => all.filter((one) => one.status === status).map(({ took }) => took);
    const [good, throttled] = [times(200), times(429)];
    const lateShare = all.filter(({ took }) => took > late).length / Math.max(1, all.length);
    const row = [
      what,
      name,
      rate,
      Math.round(good.length / cellSeconds),
      throttled.length,
      times(503).length,
      times(0).length,
      quantile(good, 0.5),
      quantile(good, 0.99),
      quantile(throttled, 0.99),
      `${(100 * lateShare).toFixed(2)} %`,
    ];
    table.push(row);
    console.log(`  ${row.join(', ')}`);
  });
}
