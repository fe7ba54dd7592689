import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeCertificates, makeToken, writeSafely } from '../../src/cli/node/quickstart-parts.ts';
import { freePort } from '../../testing/free-port.ts';
import { Haproxy } from '../../testing/haproxy.ts';
import { PostgresCluster } from '../../testing/postgres.ts';
import { FleetNode } from './node.ts';
import { stepsOf, type Fleet } from './steps.ts';

/*
 * `make fleet`: two nodes over one PostgreSQL and one SoftHSM token, behind HAProxy as packaging/haproxy.cfg has it; one of them
 * is killed, and a key is disabled. All of it is real and on free ports of this machine. Ends by itself and leaves nothing.
 */

/** Far longer than AWS waits: one machine, perhaps a busy one, is the whole fleet here, and it is not about time. */
const answerWithin = 10_000;

const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-fleet-'));
const nodes: FleetNode[] = [];
let fleet: Fleet | undefined;
let haproxy: Haproxy | undefined;
let cluster: PostgresCluster | undefined;

async function prepare(): Promise<Fleet> {
  const files = path.join(directory, 'files');
  mkdirSync(files, { mode: 0o700 });
  await makeToken(directory);
  await makeCertificates(directory, files);
  writeSafely(path.join(files, 'admin.password'), randomBytes(24).toString('base64url'));
  cluster = await PostgresCluster.create();
  const { database } = await cluster.database();
  const common = { directory, cluster, database, answerWithin };
  const pair = [
    new FleetNode('node-1', common, { xks: await freePort(), admin: await freePort() }),
    new FleetNode('node-2', common, { xks: await freePort(), admin: await freePort() }),
  ] as const;
  nodes.push(...pair);
  for (const node of pair) {
    await node.prepare();
    await node.serve();
  }
  const ca = path.join(directory, 'tls', 'ca.pem');
  haproxy = await Haproxy.start({
    directory,
    port: await freePort(),
    nodes: pair.map(({ port }) => port),
    ca,
  });
  return { directory, ca, nodes: pair, haproxy, externalKeyId: '' };
}

async function play(): Promise<void> {
  const began = performance.now();
  console.log('\nfleet: starting PostgreSQL, two nodes over one SoftHSM token, and HAProxy ...');
  fleet = await prepare();
  console.log(`       all are up (${seconds(began)}).`);
  const steps = stepsOf(fleet);
  for (const [index, { title, run }] of steps.entries()) {
    const from = performance.now();
    console.log(`\n${index + 1}/${steps.length}  ${title}`);
    for (const line of await run()) console.log(`     ${line}`);
    console.log(`     (${seconds(from)})`);
  }
  console.log(`\nfleet: ${steps.length} of ${steps.length} steps, ${seconds(began)}`);
  console.log('       Next: docs/fleet.md; and make chaos, where faults come at random and a checker judges');
}

let leaving: Promise<void> | undefined;

async function leave(): Promise<void> {
  leaving ??= (async () => {
    fleet?.kms?.close();
    await haproxy?.stop();
    await Promise.all(nodes.map(async (node) => node.stop()));
    await cluster?.stop('crash');
    await rm(directory, { recursive: true, force: true });
  })();
  return leaving;
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    process.exitCode = 130;
    void leave().finally(() => process.exit());
  });

try {
  await play();
} catch (error) {
  if (leaving === undefined) {
    console.error(`\nfleet: ${(error as Error).message}`);
    for (const node of nodes)
      for (const line of node.complaints) console.error(`       the log of ${node.name}: ${line}`);
    process.exitCode = 1;
  }
} finally {
  await leave();
}
