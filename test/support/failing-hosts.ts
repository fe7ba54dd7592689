import { randomBytes } from 'node:crypto';
import { CoreWaits } from './core-waits.ts';
import { Shim } from '../../testing/shim.ts';
import { waitUntil } from './steady-load.ts';
import { TestNode, type NodeOptions } from '../../testing/test-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { encryptBody, type XksClient, type XksResponse } from '../../testing/xks-client.ts';

/** How many token hosts the node has, two for each worker. */
export const hosts = 4;

/** A node whose token hosts can be made to fail. */
export interface Bench {
  node: TestNode;
  shim: Shim;
  key: string;
  /** One connection each; together they reach both workers. */
  clients: XksClient[];
  waits: CoreWaits;
}

type Teardown = (step: () => Promise<unknown> | void) => void;

export async function setUp(
  teardown: Teardown,
  settings: Record<string, number>,
  options: Partial<NodeOptions> = {},
): Promise<Bench> {
  const fixture = await createSoftHsmToken();
  teardown(async () => fixture.dispose());
  const shim = await Shim.create(fixture.module);
  teardown(async () => shim.dispose());
  const node = await TestNode.start({
    tokens: [{ fixture, shim, settings: { hosts, ...settings } }],
    workers: 2,
    ...options,
  });
  teardown(async () => node.dispose());
  const access = await node.makeKeySet('first', { prefix: 'first' });
  const key = await node.makeKey('first', 'key');
  const clients = Array.from({ length: 12 }, () => node.client(access, { maxSockets: 1 }));
  teardown(() => {
    for (const client of clients) client.close();
  });
  // Connections are up, and each worker has opened the credential's secret in the token.
  await Promise.all(clients.map(async (client) => client.health()));
  const { workers: pids } = node.processes();
  const waits = new CoreWaits(() => [[process.pid], pids]);
  teardown(() => waits.stop());
  return { node, shim, key, clients, waits };
}

/** A response with when it was sent, by performance.now(). */
export type Timed = XksResponse & { sent: number };

export async function encryptOverAll({ clients, key }: Bench): Promise<Timed[]> {
  return Promise.all(
    clients.map(async (client) => {
      const body = encryptBody(randomBytes(32), { cdiv: true });
      const request = await client.sign(`${client.access.uriPath}/keys/${key}/encrypt`, body);
      const sent = performance.now();
      return { ...(await client.send(request)), sent };
    }),
  );
}

export async function healthOverAll({ clients }: Bench): Promise<XksResponse[]> {
  return Promise.all(clients.map(async (client) => client.health()));
}

/** How many log lines there are that begin so. */
export function count({ node }: Bench, text: string): number {
  return node.log.filter(({ msg }) => msg.startsWith(text)).length;
}

/** Until every token host is there. */
export async function allThere(bench: Bench): Promise<void> {
  await waitUntil(() => count(bench, 'token host ready') - count(bench, 'token host gone') === hosts);
}

/** Until every connection has got a 200 for an encrypt, and then ACTIVE; resolves with how long that took. */
export async function backInService(bench: Bench): Promise<number> {
  const began = performance.now();
  const served = new Set<number>();
  await waitUntil(async () => {
    for (const [index, { status }] of (await encryptOverAll(bench)).entries())
      if (status === 200) served.add(index);
    return served.size === bench.clients.length;
  });
  await waitUntil(async () => {
    const health = await healthOverAll(bench);
    return health.every(({ body }) => body.ekmFleetDetails?.[0].healthStatus === 'ACTIVE');
  });
  return performance.now() - began;
}
