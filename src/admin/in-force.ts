import { z } from 'zod';
import { InForce, patience } from '../fleet/in-force.ts';
import { readRevision, tellRevision, toldRevisionForm } from '../fleet/told-revision.ts';
import { route, type Route } from './route.ts';

const count = z.int().min(0);

const shownInForce = z
  .strictObject({
    inForce: z
      .boolean()
      .describe(
        'Whether every node goes by all that had been done by then: when the request began, or up to the revision that was asked for.',
      ),
    revision: z
      .string()
      .nullable()
      .describe(
        'Up to which revision of the store that is told. Null where the last change has no mark by which it could be asked for again.',
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
    summary: 'Tell whether what was done is in force on every node',
    description:
      'After an answer `not-in-force`: what was done stays done, and here is when every node goes by it. With its `Holdfast-Revision` as `revision` no change that came later is waited for. Waits up to five seconds for nodes that have not confirmed it. `not-found`: the store does not list that revision. It has gone back in time and lost it, is another one, or has moved on by more than 2,000 revisions.',
    access: { kind: 'own' },
    query: z.strictObject({
      revision: z
        .string()
        .regex(toldRevisionForm)
        .optional()
        .describe(
          'As `Holdfast-Revision` told it with the answer of what was done; without it, all that was done counts.',
        ),
    }),
    answer: shownInForce,
    problems: ['not-found'],
    handle: async ({ services, query: { revision } }) => {
      const inForce = InForce.of(services.store);
      const { nodes, revision: told } =
        revision === undefined
          ? await inForce.wait(patience)
          : await inForce.waitFor(readRevision(revision), patience);
      const of = (state: (typeof nodes)[number]['state']) => nodes.filter((node) => node.state === state);
      const waiting = of('waiting');
      return {
        body: {
          inForce: waiting.length === 0,
          revision: told === undefined ? null : tellRevision(told),
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
