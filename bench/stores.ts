import path from 'node:path';
import type { NodeOptions } from '../testing/node-files.ts';
import { PostgresCluster } from '../testing/postgres.ts';
import { TestNode } from '../testing/test-node.ts';
import { createSoftHsmToken } from '../testing/tokens.ts';
import { benchPair, type Asked, type Side } from './pairs.ts';
import { mainScript, Server } from './processes.ts';

/*
 * BENCH_ONLY=stores: what it costs a request that the store is a database. One node on PostgreSQL against one on SQLite; two nodes on
 * one PostgreSQL, which share the connections, against one; and the snapshot that is served from under a lease against a look at the
 * database at each request, as without a lease. The server is on this machine and reached by TLS; what it takes of the processor counts
 * as its nodes'.
 */

/** As a node's configuration has it; undefined for a file. */
type StoreTable = NodeOptions['store'];

export async function benchStores(): Promise<void> {
  await compare([aNode, onPostgres(aNode)], { names: ['SQLite', 'PostgreSQL'] });
  await compare([onPostgres(aNode), onPostgres(twoNodes)], {
    names: ['one node', 'two nodes'],
    connections: [16, 64],
  });
  const asked = { names: ['asked each time', 'snapshot'], operations: ['metadata', 'decrypt'] } as const;
  await compare([onPostgres(inProcess('store')), onPostgres(inProcess('snapshot'))], asked);
}

type Start = (made: AsyncDisposableStack, store: StoreTable) => Promise<Side>;

async function compare(
  [first, second]: readonly [Start, Start],
  options: Parameters<typeof benchPair>[2],
): Promise<void> {
  await using made = new AsyncDisposableStack();
  await benchPair(await first(made, undefined), await second(made, undefined), options);
}

/** With a server of its own, so that what this takes of the processor is this side's. */
function onPostgres(start: Start): Start {
  return async (made) => {
    const cluster = await PostgresCluster.create();
    made.defer(async () => cluster.dispose());
    const { host, port, database, user } = await cluster.database('template0', 'tls');
    const { proxies, pids } = await start(made, {
      ...{ kind: 'postgres', address: host, port, database, user, durability: 'single' },
      ...{ password_file: cluster.passwordFile, ca: cluster.ca.certificate },
    });
    return { proxies, pids: [...pids, cluster.pid] };
  };
}

async function aNode(made: AsyncDisposableStack, store: StoreTable): Promise<Side> {
  const [node, key] = await nodesWithKey(made, store, 1);
  return serve(made, node, key);
}

async function twoNodes(made: AsyncDisposableStack, store: StoreTable): Promise<Side> {
  const [nodes, key] = await nodesWithKey(made, store, 2);
  return serve(made, nodes, key);
}

/** The token in the process that serves, which has a lease or asks the store: `holdfast serve` on a database always has one. */
function inProcess(by: 'snapshot' | 'store'): Start {
  return async (made, store) => {
    const [nodes, key] = await nodesWithKey(made, store, 1);
    return serve(made, nodes, key, (config) => [path.join(import.meta.dirname, 'in-process.ts'), config, by]);
  };
}

type Key = Pick<Asked, 'access' | 'key'>;

/** So many nodes on one store and one token, with a key. */
async function nodesWithKey(
  made: AsyncDisposableStack,
  store: StoreTable,
  count: number,
): Promise<[TestNode[], Key]> {
  const fixture = await createSoftHsmToken();
  made.defer(async () => fixture.dispose());
  // The processes that load the token themselves find it there.
  Object.assign(process.env, fixture.environment);
  const nodes: TestNode[] = [];
  for (let i = 0; i < count; i++) {
    const node = await TestNode.create({
      tokens: [{ fixture, settings: { hosts: 2 } }],
      workers: 2,
      realTimes: true,
      ...(store === undefined ? {} : { store }),
    });
    made.defer(async () => node.dispose());
    nodes.push(node);
  }
  const [first] = nodes;
  if (first === undefined) throw new RangeError('no node');
  const access = await first.makeKeySet('bench', { prefix: 'bench' });
  const key = await first.makeKey('bench', 'one');
  await first.closeVault();
  return [nodes, { access, key }];
}

async function serve(
  made: AsyncDisposableStack,
  nodes: readonly TestNode[],
  key: Key,
  words = (config: string) => [mainScript, '--config', config, 'serve'],
): Promise<Side> {
  const proxies: Asked[] = [];
  const pids: number[] = [];
  for (const node of nodes) {
    const log = path.join(node.directory, 'stores.log');
    const server = await Server.start('a node', words(node.config), log);
    made.defer(async () => server.stop());
    proxies.push({ port: server.port, ca: node.ca.certificate, ...key });
    pids.push(server.pid);
  }
  return { proxies, pids };
}
