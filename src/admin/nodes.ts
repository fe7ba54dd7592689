import { z } from 'zod';
import { upFor } from '../fleet/nodes.ts';
import { readPage } from '../vault/page.ts';
import { time } from './keys/key-forms.ts';
import { pageOf, pageQuery, pageInput } from './page-query.ts';
import { route, shownPage, type Route } from './route.ts';

const orders = {
  hostname: 'nodes.hostname',
  startedAt: 'nodes.started_at',
  lastSeenAt: 'nodes.last_seen_at',
} as const;

const shownNode = z
  .strictObject({
    id: z.uuid().describe('Generated at its first start and kept in its state directory.'),
    hostname: z.string(),
    version: z
      .string()
      .describe(
        'Version of Holdfast that it runs, with the commit that it was built from: `0.4.0+1e526947c0de`.',
      ),
    state: z.enum(['UP', 'DOWN']).describe('UP: it has reported within the last minute.'),
    startedAt: time,
    lastSeenAt: time,
  })
  .meta({ id: 'Node', description: 'A node that uses this database.' });

export const nodeRoutes: readonly Route[] = [
  route({
    operation: 'listNodes',
    method: 'GET',
    path: '/nodes',
    tag: 'Nodes',
    summary: 'List the nodes',
    access: { kind: 'permission', appliance: 'appliance.read' },
    query: z.strictObject(pageQuery(orders)),
    answer: pageOf(shownNode, 'Node'),
    handle: async ({ services, query }) => {
      const now = services.now().getTime();
      const page = await readPage(
        services.store.db
          .selectFrom('nodes')
          .select(['nodes.id', 'nodes.hostname', 'nodes.version', 'nodes.started_at', 'nodes.last_seen_at']),
        // Those that were not seen for 90 days are cleared away.
        'few',
        orders,
        'nodes.id',
        pageInput(query),
      );
      return shownPage(page, ({ id, hostname, version, started_at, last_seen_at }) => ({
        id,
        hostname,
        version,
        state: now - Date.parse(last_seen_at) <= upFor ? 'UP' : 'DOWN',
        startedAt: started_at,
        lastSeenAt: last_seen_at,
      }));
    },
  }),
];
