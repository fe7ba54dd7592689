import { z } from 'zod';
import { drainNode, removeNode, undrainNode } from '../fleet/node-acts.ts';
import { fleetNow, stateOf, type NodeTime } from '../fleet/nodes.ts';
import { leasesByNode, type NodeLeases } from '../fleet/node-leases.ts';
import { shownOf, type ShownToken } from '../fleet/shown-node.ts';
import type { NodeTable } from '../store/schema.ts';
import { readPage } from '../vault/page.ts';
import { VaultError } from '../vault/vault-error.ts';
import { time } from './keys/key-forms.ts';
import { pageOf, pageQuery, pageInput } from './page-query.ts';
import { route, shownPage, type Route } from './route.ts';
import type { AdminServices } from './services.ts';

const orders = {
  hostname: 'nodes.hostname',
  startedAt: 'nodes.started_at',
  lastSeenAt: 'nodes.last_seen_at',
} as const;

const tag = 'Nodes';
const write = { kind: 'permission', appliance: 'nodes.write' } as const;
const read = { kind: 'permission', appliance: 'appliance.read' } as const;
const one = z.strictObject({ nodeId: z.uuid().describe('Id of the node.') });

const shownToken = z.strictObject({
  name: z.string().describe('Its name in the configuration of the node.'),
  serial: z
    .string()
    .nullable()
    .describe('Serial number that the token reports; null until a token host has opened it.'),
  label: z.string().nullable().describe('Label that the token reports.'),
  firmware: z
    .string()
    .nullable()
    .describe(
      'Version of its firmware that the token reports; null until a token host has opened it, or if the node runs a version that does not report it.',
    ),
  model: z.string().describe('The vendor’s product, according to the profile.'),
  health: z
    .enum(['ACTIVE', 'DEGRADED', 'UNAVAILABLE'])
    .describe('ACTIVE: all token hosts of the node’s XKS workers serve; DEGRADED: some; UNAVAILABLE: none.'),
  hosts: z.int().describe('Token hosts that the XKS workers of the node are to have together.'),
  hostsUp: z.int().describe('How many of them serve.'),
});

const shownNode = z
  .strictObject({
    id: z.uuid().describe('Generated at its first start and kept in its state directory.'),
    hostname: z.string(),
    version: z
      .string()
      .describe(
        'Version of Holdfast that it runs, with the commit that it was built from: `0.4.0+1e526947c0de`.',
      ),
    state: z
      .enum(['UP', 'DRAINING', 'DOWN'])
      .describe(
        'UP: it has reported within the last minute; DRAINING: it has, and is drained; DOWN: it has not, or was stopped.',
      ),
    serves: z
      .boolean()
      .describe(
        'Whether it said, when it reported last, that it takes requests of AWS: it listens, has a token that can be used, and is neither drained nor about to end.',
      ),
    startedAt: time,
    lastSeenAt: time,
    stoppedAt: time.nullable().describe('When it was stopped; null while it runs, and where it was killed.'),
    drainedAt: time.nullable().describe('Since when it is drained; null where it is not.'),
    tokens: z
      .array(shownToken)
      .nullable()
      .describe('Its tokens; null where it runs a version that does not report them.'),
    database: z
      .strictObject({
        kind: z.enum(['sqlite', 'postgres']),
        durability: z
          .string()
          .nullable()
          .describe('What its configuration claims of the database (`store.durability`); null for a file.'),
        problems: z.array(z.string()).describe('What the database server does not do of that.'),
      })
      .nullable()
      .describe('The database as it finds it; null where it runs a version that does not report it.'),
    leases: z
      .strictObject({
        workers: z
          .int()
          .describe(
            'XKS workers that serve from memory under a lease; one that was killed is counted until its lease was waited for.',
          ),
        seconds: z.number().describe('Length of the lease.'),
        confirmedRevision: z
          .int()
          .nullable()
          .describe(
            'The revision of the store that all of them have confirmed; null if one has confirmed none yet.',
          ),
      })
      .nullable()
      .describe(
        'For a store in PostgreSQL; null for a file, and if no XKS worker of the node holds a lease.',
      ),
    clockOffsetMilliseconds: z
      .int()
      .nullable()
      .describe(
        'How far its clock is ahead of the database server’s; null for a file, or where not reported.',
      ),
    revision: z
      .int()
      .nullable()
      .describe('Revision of the store that it had read when it reported last; null where not reported.'),
  })
  .meta({ id: 'Node', description: 'A node that uses this database.' });

const columns = [
  ...(['nodes.id', 'nodes.hostname', 'nodes.version', 'nodes.started_at', 'nodes.last_seen_at'] as const),
  ...(['nodes.ended_at', 'nodes.drained_at', 'nodes.shown'] as const),
] as const;

type ShownRow = Pick<
  NodeTable,
  'id' | 'hostname' | 'version' | 'started_at' | 'last_seen_at' | 'ended_at' | 'drained_at' | 'shown'
>;

export const nodeRoutes: readonly Route[] = [
  route({
    operation: 'listNodes',
    method: 'GET',
    path: '/nodes',
    tag,
    summary: 'List the nodes',
    access: read,
    query: z.strictObject(pageQuery(orders)),
    answer: pageOf(shownNode, 'Node'),
    handle: async ({ services, query }) => {
      const page = await readPage(
        services.store.db.selectFrom('nodes').select([...columns]),
        // Those that were not seen for 90 days are cleared away.
        'few',
        orders,
        'nodes.id',
        pageInput(query),
      );
      const known = await knownOf(services);
      return shownPage(page, (row) => show(row, known));
    },
  }),
  route({
    operation: 'getNode',
    method: 'GET',
    path: '/nodes/{nodeId}',
    tag,
    summary: 'Show a node',
    description: 'Each node reports every ten seconds.',
    access: read,
    params: one,
    answer: shownNode,
    problems: ['not-found'],
    handle: async ({ services, params }) => {
      const row = await services.store.db
        .selectFrom('nodes')
        .select([...columns])
        .where('id', '=', params.nodeId)
        .executeTakeFirst();
      if (row === undefined) throw new VaultError('not-found', 'no node of this database has this id');
      return { body: show(row, await knownOf(services)) };
    },
  }),
  route({
    operation: 'drainNode',
    method: 'POST',
    path: '/nodes/{nodeId}/drain',
    tag,
    summary: 'Drain a node',
    description:
      'Within ten seconds its `/ready` answers 503, so that load balancers send requests to other nodes; it goes on ' +
      'serving what still comes, and other nodes take over what is done by schedule. It stays drained over restarts, until ' +
      'it is undrained. While no other node says that it serves, it works as if it were not drained. Safe to repeat.',
    access: write,
    params: one,
    answer: shownNode,
    problems: ['not-found', 'conflict'],
    handle: async ({ services, act, params }) => ({
      body: show(await drainNode(services, act, params.nodeId), await knownOf(services)),
    }),
  }),
  route({
    operation: 'undrainNode',
    method: 'POST',
    path: '/nodes/{nodeId}/undrain',
    tag,
    summary: 'End the draining of a node',
    description: 'Within ten seconds it takes its part of the work again. Safe to repeat.',
    access: write,
    params: one,
    answer: shownNode,
    problems: ['not-found'],
    handle: async ({ services, act, params }) => ({
      body: show(await undrainNode(services, act, params.nodeId), await knownOf(services)),
    }),
  }),
  route({
    operation: 'removeNode',
    method: 'DELETE',
    path: '/nodes/{nodeId}',
    tag,
    summary: 'Remove a node that is no more',
    description: 'Refused while it is up. A node that is started again afterwards is listed again.',
    access: write,
    params: one,
    problems: ['not-found', 'conflict'],
    handle: async ({ services, act, params }) => {
      await removeNode(services, act, params.nodeId);
      return { status: 204 };
    },
  }),
];

/** What is the same for all nodes. */
interface Known {
  now: NodeTime;
  leases: ReadonlyMap<string, NodeLeases>;
}

async function knownOf(services: AdminServices): Promise<Known> {
  return { now: await fleetNow(services), leases: await leasesByNode(services.store.db) };
}

function show(row: ShownRow, { now, leases }: Known) {
  const shown = shownOf(row);
  const held = leases.get(row.id);
  const state = stateOf(row, now);
  return {
    ...{ id: row.id, hostname: row.hostname, version: row.version, state },
    serves: state !== 'DOWN' && shown?.serves === true,
    ...{ startedAt: row.started_at, lastSeenAt: row.last_seen_at },
    stoppedAt: state === 'DOWN' ? row.ended_at : null,
    drainedAt: row.drained_at,
    tokens: shown?.tokens.map(tokenOf) ?? null,
    database: shown?.database ?? null,
    leases:
      held === undefined
        ? null
        : { workers: held.workers, seconds: held.length / 1_000, confirmedRevision: held.confirmed },
    clockOffsetMilliseconds: shown?.clockOffset ?? null,
    revision: shown?.revision ?? null,
  };
}

function tokenOf(token: ShownToken): z.output<typeof shownToken> {
  const { name, serial, label, firmware = null, model, health, hosts, up } = token;
  return { name, serial, label, firmware, model, health, hosts, hostsUp: up };
}
