import { z } from 'zod';
import { InForce, patience } from '../fleet/in-force.ts';
import { route, type Route } from './route.ts';

const count = z.int().min(0);

const shownInForce = z
  .strictObject({
    inForce: z
      .boolean()
      .describe(
        'Whether every node goes by all that had been done when the request began, and no other is waited for.',
      ),
    nodes: count.describe(
      'Nodes whose XKS workers serve from memory. 0 where all ask the store at each request: then all is in force at once.',
    ),
    confirmed: count.describe('How many of them have confirmed it, and finished what began before.'),
    ended: count.describe('How many were not heard and serve nothing from memory any more.'),
    waiting: z
      .array(
        z.strictObject({
          nodeId: z.string().describe('Id of the node.'),
          hostname: z.string(),
          seconds: z.number().describe('After so long it serves nothing from memory any more, heard or not.'),
        }),
      )
      .describe('Nodes that are waited for.'),
  })
  .meta({ id: 'InForce', description: 'Where what was done is in force.' });

export const inForceRoutes: readonly Route[] = [
  route({
    operation: 'getInForce',
    method: 'GET',
    path: '/in-force',
    tag: 'Nodes',
    summary: 'Tell whether all that was done is in force on every node',
    description:
      'After an answer `not-in-force`: what was done stays done, and here is when every node goes by it. Waits up to five seconds for nodes that have not confirmed it.',
    access: { kind: 'own' },
    answer: shownInForce,
    handle: async ({ services }) => {
      const { nodes } = await InForce.of(services.store).wait(patience);
      const of = (state: (typeof nodes)[number]['state']) => nodes.filter((node) => node.state === state);
      const waiting = of('waiting');
      return {
        body: {
          inForce: waiting.length === 0,
          nodes: nodes.length,
          confirmed: of('confirmed').length,
          ended: of('ended').length,
          waiting: waiting.map(({ id, hostname, left }) => ({
            nodeId: id,
            hostname,
            seconds: Math.ceil(left / 100) / 10,
          })),
        },
      };
    },
  }),
];
