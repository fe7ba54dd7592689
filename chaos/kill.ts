import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../testing/random.ts';
import { childrenOf, type TestNode } from '../testing/test-node.ts';
import type { Database } from './database.ts';
import { isThere, sendSignal, type Fleet, type FleetDatabase } from './fleet.ts';

/** What of a fleet is killed. */
const kinds = ['worker', 'management', 'host', 'supervisor', 'node', 'database process'] as const;

const called = { worker: 'workers', management: 'management', host: 'hosts' } as const;

/** How long the rest of a node whose supervisor was killed may take to end by itself, and one to come back, milliseconds. */
const patience = 60_000;

/** Kills one process of the fleet, whichever, and resolves with what it was once another runs in its place. */
export async function killAny(
  fleet: Fleet<Database>,
  random: Random,
  tell: (what: string) => void,
): Promise<void> {
  const kind = random.pick(kinds);
  const index = random.between(0, fleet.nodes.length - 1);
  tell(kind === 'database process' ? kind : `node-${index + 1}, ${kind}`);
  if (kind === 'database process') await killBackend(fleet, random);
  else if (kind === 'node' || kind === 'supervisor') await killNode(fleet, index, kind);
  else await killOne(fleet, index, kind);
}

/** PostgreSQL ends all sessions then, and recovers as after a crash. */
async function killBackend({ database: { primary } }: Fleet<Database>, random: Random): Promise<void> {
  sendSignal(random.pick(childrenOf(primary.pid)), 'SIGKILL');
  await until(async () => {
    try {
      await primary.asSuperuser('SELECT 1');
      return true;
    } catch {
      return false;
    }
  });
}

async function killNode(
  fleet: Fleet<FleetDatabase>,
  index: number,
  kind: 'node' | 'supervisor',
): Promise<void> {
  const node = fleet.node(index);
  const pids = [node.pid, ...childrenOf(node.pid)];
  fleet.lives.end(index);
  for (const pid of kind === 'node' ? pids : [node.pid]) sendSignal(pid, 'SIGKILL');
  await serveAgain(fleet, node, pids);
  fleet.lives.begin(index);
}

export async function killOne(
  fleet: Fleet<FleetDatabase>,
  index: number,
  kind: keyof typeof called,
): Promise<void> {
  const node = fleet.node(index);
  const now = () => node.processes()[called[kind]];
  await until(() => now().length > 0);
  const before = now();
  if (kind === 'worker') fleet.lives.end(index);
  for (const pid of before) sendSignal(pid, 'SIGKILL');
  await until(() => !before.some(isThere));
  if (kind === 'worker') fleet.lives.begin(index);
  await until(() => now().length >= before.length);
}

/** Serves again, once nothing of what it was before is left: a node whose supervisor was killed ends by itself. */
export async function serveAgain(
  fleet: Fleet<FleetDatabase>,
  node: TestNode,
  pids: readonly number[],
): Promise<void> {
  await until(() => !pids.some(isThere));
  await fleet.serve(node);
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + patience; !(await holds()); await delay(20))
    if (performance.now() > end) throw new Error('what was killed has no successor');
}
