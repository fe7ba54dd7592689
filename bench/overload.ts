import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Table from 'cli-table3';
import { updateKeySet } from '../src/keys/key-sets/key-sets.ts';
import { Shim } from '../testing/shim.ts';
import { TestNode } from '../testing/test-node.ts';
import { createSoftHsmToken } from '../testing/tokens.ts';
import { XksClient, type KeySetAccess, type SignedRequest } from '../testing/xks-client.ts';
import { cellSeconds } from './measure.ts';
import { mainScript, Server } from './processes.ts';
import { requestsOf } from './requests.ts';

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
/** AWS KMS has given up. */
const late = 240;

interface Stream {
  name: string;
  rate: number;
  requests: readonly SignedRequest[];
}

interface Sent {
  took: number;
  status: number;
}

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
  const others = (await stream('quiet', 'decrypt'))(quietRate);
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
  await run('nobody floods', [others]);
  await run('a flood of decrypts', [flooding(perSecond * 3), others]);
  await run('a flood of encrypts', [encrypting(perSecond * 3), others]);
  for (const name of ['flood', 'quiet']) await setQuota(node, name);
  await run('within their quotas', [flooding(quietRate), others]);
  await run('ten times its quota', [flooding(quota * 10), others]);
  client.close();
}

async function setQuota(node: TestNode, name: string): Promise<void> {
  await node.withStore(async (vault) => {
    const { id } = await vault.keySet(name);
    const named = { vaultId: vault.vaultId, sight: 'all' as const, id };
    await updateKeySet(vault.vaultContext, vault.act(), named, {
      quota: { requestsPerSecond: quota, burst: quota },
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

/** Sends each stream at its rate for {@link cellSeconds}; waits for all answers. */
async function sendAll(client: XksClient, streams: readonly Stream[]): Promise<Sent[][]> {
  return Promise.all(
    streams.map(async ({ rate, requests }) => {
      const began = performance.now();
      const sent: Promise<Sent>[] = [];
      for (let made = 0; made < rate * cellSeconds; made++) {
        const due = began + (made * 1000) / rate;
        if (due > performance.now()) await delay(due - performance.now());
        const request = requests[made % requests.length];
        if (request !== undefined)
          sent.push(
            client.send(request).then(
              ({ took, status }) => ({ took, status }),
              () => ({ took: performance.now() - due, status: 0 }),
            ),
          );
      }
      return Promise.all(sent);
    }),
  );
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

function quantile(values: readonly number[], p: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]?.toFixed(1) ?? '-';
}
