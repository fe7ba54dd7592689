import { z } from 'zod';
import { showEvent } from '../../evidence/event.ts';
import { eventOrders, listEvents } from './audit-event-list.ts';
import { time, vaultId } from '../keys/key-forms.ts';
import { pageOf, pageQuery, pageInput } from '../page-query.ts';
import { route, shownPage, type Route } from '../route.ts';

const tag = 'Audit trail';

const filters = {
  sequence: z.coerce
    .number()
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('Only the event with this number.'),
  action: z
    .string()
    .max(100)
    .optional()
    .describe(
      'Only this action, such as `cloud-key.disable`, or, with a trailing dot, all that start with it, such as ' +
        '`cloud-key.`.',
    ),
  actor: z.string().max(100).optional().describe('Only events of this user or API key, by id or name.'),
  target: z.string().max(250).optional().describe('Only events about this target, by id or name.'),
  outcome: z.enum(['done', 'refused']).optional().describe('Only what was done, or only what was refused.'),
  requestId: z
    .string()
    .max(100)
    .optional()
    .describe('Only events of this request, by the id that its answer (`X-Request-Id`) and the log have.'),
  from: z.iso.datetime({ offset: true }).optional().describe('At or after this time.'),
  to: z.iso.datetime({ offset: true }).optional().describe('Before this time.'),
  ...pageQuery(eventOrders),
  sort: z
    .enum(['-sequence', 'sequence'])
    .default('-sequence')
    .describe(
      'Newest first, or with `sequence` oldest first; ordered by the time of the events if a clock was set back.',
    ),
};

const changed = z
  .record(z.string(), z.unknown())
  .nullable()
  .describe('The fields that changed; null if there are none.');

const shownEvent = z
  .strictObject({
    sequence: z.int().describe('Increases with every event of the appliance and its vaults.'),
    at: time.describe('When it was done.'),
    beganAt: time
      .nullable()
      .describe('When its request arrived or its schedule started it: earlier than `at` if it had to wait.'),
    actor: z.strictObject({
      kind: z.enum(['user', 'api-key', 'system', 'command', 'nobody']),
      id: z.string(),
      name: z.string(),
      vaultId: z
        .string()
        .optional()
        .describe(
          'Vault of the user or API key, empty for those of the appliance, since names may repeat. Missing in ' +
            'events from before 0.5.',
        ),
    }),
    address: z.string().describe('Source address of the request; empty for acts of Holdfast itself.'),
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
    summary: 'List audit events of the appliance',
    description: 'What is done in a vault is in the trail of that vault, which only its own users can see.',
    access: { kind: 'permission', appliance: 'appliance.read' },
    query: z.strictObject({
      ...filters,
      deletedVault: vaultId.optional().describe('Read the trail of this deleted vault instead.'),
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
    summary: 'List audit events of a vault',
    access: { kind: 'permission', vault: 'audit.read' },
    params: z.strictObject({ vaultId }),
    query: z.strictObject(filters),
    answer: pageOf(shownEvent, 'AuditEvent'),
    handle: async ({ services, params, query }) =>
      shownPage(await listEvents(services, params.vaultId, { ...query, ...pageInput(query) }), showEvent),
  }),
];
