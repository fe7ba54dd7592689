import { z } from 'zod';
import { showEvent } from '../../evidence/event.ts';
import { eventOrders, listEvents } from './audit-event-list.ts';
import { time, vaultId } from '../keys/key-forms.ts';
import { pageOf, pageQuery, pageInput } from '../page-query.ts';
import { route, shownPage, type Route } from '../route.ts';

const tag = 'Audit trail';

const filters = {
  action: z
    .string()
    .max(100)
    .optional()
    .describe('Only this action, such as `cloud-key.disable`, or all whose name begins with `cloud-key.`.'),
  actor: z.string().max(100).optional().describe('Only acts of this user, by id or name.'),
  target: z.string().max(250).optional().describe('Only acts on this, by id or name.'),
  outcome: z.enum(['done', 'refused']).optional().describe('Only what was done, or what was refused.'),
  from: z.iso.datetime({ offset: true }).optional().describe('From this moment on.'),
  to: z.iso.datetime({ offset: true }).optional().describe('Before this moment.'),
  ...pageQuery(eventOrders),
  sort: z
    .enum(['-sequence', 'sequence'])
    .default('-sequence')
    .describe(
      'The newest first, or with `sequence` the oldest; where a clock was set back, by the time of the events.',
    ),
};

const changed = z
  .record(z.string(), z.unknown())
  .nullable()
  .describe('What differs between before and after; null where there is nothing to tell.');

const shownEvent = z
  .strictObject({
    sequence: z.int().describe('Rises with every event of the appliance and its vaults.'),
    at: time.describe('When it was done.'),
    beganAt: time
      .nullable()
      .describe('When its request came, or its schedule began it: earlier than `at` where it had to wait.'),
    actor: z.strictObject({
      kind: z.enum(['user', 'api-key', 'system', 'command', 'nobody']),
      id: z.string(),
      name: z.string(),
      vaultId: z
        .string()
        .optional()
        .describe(
          'Of a user or an API key: which vault they are of, empty for those of the appliance, whose names may be the same. ' +
            'Missing in events of before 0.5.',
        ),
    }),
    address: z.string().describe('Where the request came from; empty for acts of Holdfast itself.'),
    requestId: z.string(),
    action: z.string(),
    outcome: z.enum(['done', 'refused']),
    target: z.strictObject({ kind: z.string(), id: z.string(), name: z.string() }),
    before: changed,
    after: changed,
  })
  .meta({ id: 'AuditEvent' });

export const auditEventRoutes: readonly Route[] = [
  route({
    operation: 'listApplianceAuditEvents',
    method: 'GET',
    path: '/audit-events',
    tag,
    summary: 'List what was done on the appliance',
    description: 'What is done in a vault is in the trail of the vault, and seen by its users alone.',
    access: { kind: 'permission', appliance: 'appliance.read' },
    query: z.strictObject({
      ...filters,
      deletedVault: vaultId
        .optional()
        .describe('The trail of this vault instead, which has no users any more since it was deleted.'),
    }),
    answer: pageOf(shownEvent, 'ApplianceAuditEvent'),
    handle: async ({ services, query }) =>
      shownPage(
        await listEvents(services, '', { ...query, ...pageInput(query) }, query.deletedVault),
        showEvent,
      ),
  }),
  route({
    operation: 'listAuditEvents',
    method: 'GET',
    path: '/vaults/{vaultId}/audit-events',
    tag,
    summary: 'List what was done in a vault',
    access: { kind: 'permission', vault: 'audit.read' },
    params: z.strictObject({ vaultId }),
    query: z.strictObject(filters),
    answer: pageOf(shownEvent, 'AuditEvent'),
    handle: async ({ services, params, query }) =>
      shownPage(await listEvents(services, params.vaultId, { ...query, ...pageInput(query) }), showEvent),
  }),
];
