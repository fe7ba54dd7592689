import { z } from 'zod';
import { leaveLostChanges, type LostChangeRow } from '../fleet/lost-change-acts.ts';
import { applyLostChanges } from '../reconcile/lost-changes.ts';
import { lostKinds } from '../store/lost-changes.ts';
import { parseTaken, refusals } from '../store/taken.ts';
import { readPage } from '../vault/page.ts';
import { time } from './keys/key-forms.ts';
import { pageOf, pageInput, pageQuery } from './page-query.ts';
import { route, shownPage, type Route } from './route.ts';

const orders = { noticedAt: 'lost_changes.noticed_at' } as const;

const id = z.string().regex(/^[0-9a-f]{24}$/, 'must be the id of a lost change');

const shownLostChange = z
  .strictObject({
    id,
    kind: z
      .enum(lostKinds)
      .describe(
        '`everything`: too much to be named. `nothing`: an act that changed nothing of what AWS is served by.',
      ),
    name: z
      .string()
      .describe(
        'External key id of a CloudKey, access key id of a credential, id of a key set or vault; else empty.',
      ),
    refused: z
      .enum([...refusals, 'UNKNOWN'])
      .nullable()
      .describe(
        'The state for which requests were refused after it, and are refused still; null where they were not. UNKNOWN: a node of ' +
          'an older version made it, and it counts as refused.',
      ),
    expiresAt: z.string().nullable().describe('When it expired, or was to expire, after it.'),
    without: z
      .array(z.enum(['ENCRYPT', 'DECRYPT']))
      .describe('What the CloudKey could not be used for after it.'),
    revision: z.int().describe('Revision of the store that it was, in the history that is lost.'),
    nodeId: z.string().describe('Node that knew it, and reported it first.'),
    hostname: z.string(),
    noticedAt: time,
    decidedAt: time.nullable(),
    decision: z
      .enum(['applied', 'as-in-store'])
      .nullable()
      .describe(
        '`applied`: what it took away was taken away again; `as-in-store`: the older state of the store counts.',
      ),
  })
  .meta({
    id: 'LostChange',
    description: 'The last change of something that the store has lost by going back in time.',
  });

const ids = z.array(id).min(1).max(1000);
const tag = 'Lost changes';
const write = { kind: 'permission', appliance: 'lost-changes.decide' } as const;

export const lostChangeRoutes: readonly Route[] = [
  route({
    operation: 'listLostChanges',
    method: 'GET',
    path: '/lost-changes',
    tag,
    summary: 'List what the store has lost',
    description: 'Newest last; with `open` those on which nobody has decided.',
    access: { kind: 'permission', appliance: 'appliance.read' },
    query: z.strictObject({
      ...pageQuery(orders),
      open: z.enum(['true', 'false']).default('true').describe('Only those on which nobody has decided.'),
    }),
    answer: pageOf(shownLostChange, 'LostChange'),
    handle: async ({ services, query: { open, ...query } }) => {
      const page = await readPage(
        services.store.db
          .selectFrom('lost_changes')
          .selectAll()
          .$if(open === 'true', (all) => all.where('decided_at', 'is', null)),
        'few',
        orders,
        'lost_changes.id',
        pageInput(query),
      );
      return shownPage(page, show);
    },
  }),
  route({
    operation: 'applyLostChanges',
    takesAway: true,
    despiteLoss: true,
    method: 'POST',
    path: '/lost-changes/apply',
    tag,
    summary: 'Take away again what was taken away in what the store has lost',
    description:
      'CloudKeys are disabled, given back their earlier expiry or their fewer usages; key sets and vaults are frozen; credentials are ' +
      'withdrawn. Nothing is destroyed: a CloudKey whose deletion was scheduled, or done, is DISABLED. Once no lost change is open, ' +
      'changes are accepted again.',
    access: write,
    body: z.strictObject({
      lostChanges: z.union([z.literal('all'), ids]).describe('All that are open, or these.'),
    }),
    answer: z
      .strictObject({
        decided: z.int().describe('Number of lost changes that this decided.'),
        changed: z
          .int()
          .describe(
            'Number of records that were changed by it; the others are refused already, or are not there.',
          ),
      })
      .meta({ id: 'LostChangesApplied' }),
    problems: ['not-found'],
    handle: async ({ services, act, body }) => ({
      body: await applyLostChanges(services, act, body.lostChanges),
    }),
  }),
  route({
    operation: 'leaveLostChanges',
    despiteLoss: true,
    method: 'POST',
    path: '/lost-changes/leave',
    tag,
    summary: 'Let the older state of the store count',
    description:
      'What was taken away in these lost changes is usable again, as the store has it. Each is named: there is no way to do so for all at once.',
    access: write,
    body: z.strictObject({ lostChanges: ids }),
    answer: z
      .strictObject({ decided: z.int().describe('Number of lost changes that this decided.') })
      .meta({ id: 'LostChangesLeft' }),
    problems: ['not-found'],
    handle: async ({ services, act, body }) => ({
      body: await leaveLostChanges(services, act, body.lostChanges),
    }),
  }),
];

function show(row: LostChangeRow) {
  const taken = parseTaken(row.taken);
  const known = taken === 'unknown' ? {} : taken;
  return {
    ...{ id: row.id, kind: row.kind, name: row.name },
    refused: taken === 'unknown' ? ('UNKNOWN' as const) : (known.refused ?? null),
    expiresAt: known.expiresAt ?? null,
    without: known.without ?? [],
    ...{ revision: row.revision, nodeId: row.node_id, hostname: row.hostname },
    ...{ noticedAt: row.noticed_at, decidedAt: row.decided_at, decision: row.decision },
  };
}
