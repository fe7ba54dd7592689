import { record, type Act } from '../evidence/trail.ts';
import type { NodeTable } from '../store/schema.ts';
import type { ActTransaction } from '../store/store.ts';
import { beginsWith } from '../vault/begins-with.ts';
import type { VaultContext } from '../vault/context.ts';
import { VaultError } from '../vault/vault-error.ts';
import { fleetNow, isUp, takesRequests } from './nodes.ts';

/**
 * Has a node get no new work: it tells load balancers so, and does nothing by schedule, while it serves what comes. Safe to repeat.
 * It stays so over restarts. Refused where no other node says that it serves, and so would take the work.
 */
export async function drainNode(context: VaultContext, act: Act, id: string): Promise<NodeTable> {
  const now = await fleetNow(context);
  return context.store.write(act, async (trx) => {
    const nodes = await trx.selectFrom('nodes').selectAll().execute();
    const node = found(nodes, id);
    if (node.drained_at !== null) return node;
    if (!nodes.some((other) => other.id !== id && takesRequests(other, now)))
      throw new VaultError(
        'conflict',
        `no node but ${node.hostname} is up, with a usable token, and not drained: nothing would take its requests`,
        'one that was started or undrained just now serves within ten seconds: try again; else see holdfast node list; to end this one, stop it',
      );
    return put(trx, act, 'node.drain', node, trx.at.toISOString());
  });
}

/** Ends that. Safe to repeat. */
export async function undrainNode({ store }: VaultContext, act: Act, id: string): Promise<NodeTable> {
  return store.write(act, async (trx) => {
    const node = found(await trx.selectFrom('nodes').selectAll().where('id', '=', id).execute(), id);
    return node.drained_at === null ? node : put(trx, act, 'node.undrain', node, null);
  });
}

/** Forgets a node that is no more. Whatever work it held is free for the taking. Refused where it is up. */
export async function removeNode(context: VaultContext, act: Act, id: string): Promise<void> {
  const now = await fleetNow(context);
  await context.store.write(act, async (trx) => {
    const node = found(await trx.selectFrom('nodes').selectAll().where('id', '=', id).execute(), id);
    if (isUp(node, now))
      throw new VaultError(
        'conflict',
        `node ${node.hostname} is up: it was seen at ${node.last_seen_at}`,
        'stop it first; one that was killed is DOWN a minute later',
      );
    await trx.deleteFrom('nodes').where('id', '=', id).execute();
    await trx
      .deleteFrom('leases')
      .where((eb) => beginsWith(eb.ref('holder'), `${id}/`))
      .execute();
    const { hostname, version, last_seen_at: lastSeenAt } = node;
    await record(trx, act, {
      ...{ action: 'node.remove', vaultId: '', target: targetOf(node) },
      before: { hostname, version, lastSeenAt },
    });
  });
}

function found(nodes: readonly NodeTable[], id: string): NodeTable {
  const node = nodes.find((one) => one.id === id);
  if (node === undefined)
    throw new VaultError('not-found', 'no node of this database has this id', 'holdfast node list');
  return node;
}

async function put(
  trx: ActTransaction,
  act: Act,
  action: string,
  node: NodeTable,
  drained_at: string | null,
): Promise<NodeTable> {
  await trx.updateTable('nodes').set({ drained_at }).where('id', '=', node.id).execute();
  await record(trx, act, {
    ...{ action, vaultId: '', target: targetOf(node) },
    before: { drainedAt: node.drained_at },
    after: { drainedAt: drained_at },
  });
  return { ...node, drained_at };
}

function targetOf({ id, hostname }: NodeTable) {
  return { kind: 'node', id, name: hostname };
}
