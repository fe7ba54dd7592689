import { z } from 'zod';
import {
  assertDeletedVault,
  createPruning,
  getPruning,
  listPrunings,
  prunableBefore,
  prunedBefore,
  pruningOrders,
  type AuditPruning,
} from '../../schedules/audit-prunings.ts';
import { nodeOf } from '../../fleet/nodes.ts';
import { time, vaultId } from '../keys/key-forms.ts';
import { pageOf, pageQuery, pageInput } from '../page-query.ts';
import { route, shownPage, type Access, type Call, type Route } from '../route.ts';
import type { AdminServices } from '../services.ts';

const tag = 'Audit trail';
const path = '/audit-prunings';
const vaultPath = `/vaults/{vaultId}${path}`;
const pruningId = z.uuid();

/*
 * Who may: whoever can read the events has them to copy, and nobody else. The appliance does not see into a vault, so its
 * administrators cannot have archived what is done there; they prune the appliance's own trail, and those of deleted
 * vaults, which have nobody else. Auditors read and archive: what they watch over they do not delete.
 */
const readAppliance = { kind: 'permission', appliance: 'appliance.read' } as const satisfies Access;
const readVault = { kind: 'permission', vault: 'audit.read' } as const satisfies Access;

const deletedVault = vaultId.optional().describe('The trail of this deleted vault instead.');
const moment = z.iso.datetime({ offset: true });

const shownTrail = z
  .strictObject({
    vault: z
      .strictObject({ id: z.string(), name: z.string() })
      .nullable()
      .describe('Whose trail it is; null for the appliance.'),
    node: z.strictObject({ id: z.string(), version: z.string() }).describe('The node that answers.'),
    now: time.describe('The current time of the node.'),
    keepAtLeastDays: z
      .int()
      .describe('Events younger than this are not pruned; `audit.keep_at_least_days` of the node.'),
    prunableBefore: time.describe('Events before this time may be pruned.'),
    prunedBefore: time.nullable().describe('How far the trail has been pruned; null if never.'),
  })
  .meta({ id: 'AuditTrail' });

const shownPruning = z
  .strictObject({
    id: pruningId,
    vaultId: z.uuid().nullable().describe('The vault whose trail it is; null for the appliance.'),
    state: z
      .enum(['VERIFYING', 'DELETING', 'DONE', 'REFUSED'])
      .describe(
        '`VERIFYING` while the node compares its events with the digest, `DELETING` once they match.',
      ),
    problem: z.string().nullable().describe('Why it was refused; nothing was deleted then.'),
    from: time.nullable().describe('Start of the range; null for the beginning.'),
    before: time.describe('End of the range, exclusive.'),
    count: z.int().describe('Number of events in the archive.'),
    sha256: z.string().describe('SHA-256 of their lines in the archive.'),
    first: z.strictObject({ sequence: z.int(), at: time }).nullable().describe('The first event.'),
    last: z.strictObject({ sequence: z.int(), at: time }).nullable().describe('The last event.'),
    deleted: z.int().describe('Number of events deleted so far.'),
    kept: z
      .int()
      .describe(
        'Number of events kept: from those of the creation, rotation and deletion of keys the node knows which ' +
          'key objects it may destroy.',
      ),
    actor: z.strictObject({
      kind: z.enum(['user', 'api-key', 'system', 'command', 'nobody']),
      id: z.string(),
      name: z.string(),
    }),
    askedAt: time,
    endedAt: time.nullable(),
  })
  .meta({
    id: 'AuditPruning',
    description: 'Which events were deleted from a trail, and who requested it. Kept permanently.',
  });

const input = {
  from: moment.nullable().default(null).describe('Start of the range; null for the beginning of the trail.'),
  before: moment.describe('End of the range, exclusive; no later than `prunableBefore` of the trail.'),
  count: z.int().min(1).max(Number.MAX_SAFE_INTEGER).describe('Number of events in the archive.'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe(
      'SHA-256 of all of them in order of time and sequence, each as canonical JSON (RFC 8785) with a line feed after it, in lower-case hexadecimal digits.',
    ),
};

const query = {
  ...pageQuery(pruningOrders),
  sort: z
    .enum(['-askedAt', 'askedAt'])
    .default('-askedAt')
    .describe('Newest first, or with `askedAt` oldest first.'),
};

const descriptionOfCreate =
  'For a client that holds a verified archive of the events. The node computes the same digest over the ' +
  'events in the range that are older than the request, and refuses if it differs: no event is deleted ' +
  'that was not archived. They are then deleted in small steps; `GET` shows the progress. A trail has one ' +
  'pruning at a time.';

export const auditPruningRoutes: readonly Route[] = [
  route({
    operation: 'getApplianceAuditTrail',
    method: 'GET',
    path: '/audit-trail',
    tag,
    summary: 'Show the audit trail of the appliance',
    access: readAppliance,
    query: z.strictObject({ deletedVault }),
    answer: shownTrail,
    handle: async ({ services, query }) => ({
      body: await trailOf(services, await scopeOf(services, query)),
    }),
  }),
  route({
    operation: 'listApplianceAuditPrunings',
    method: 'GET',
    path,
    tag,
    summary: 'List the prunings of the appliance’s audit trail',
    access: readAppliance,
    query: z.strictObject({ ...query, deletedVault }),
    answer: pageOf(shownPruning, 'ApplianceAuditPruning'),
    handle: async ({ services, query }) =>
      shownPage(await listPrunings(services, await scopeOf(services, query), pageInput(query)), shown),
  }),
  route({
    operation: 'createApplianceAuditPruning',
    method: 'POST',
    path,
    tag,
    summary: 'Prune the audit trail of the appliance, or of a deleted vault',
    description: descriptionOfCreate,
    access: { kind: 'permission', appliance: 'appliance-audit.prune' },
    body: z.strictObject({ ...input, deletedVault }),
    answer: shownPruning,
    creates: { again: async ({ services }, id) => made(await getPruning(services, '', id), '') },
    handle: async (call) => pruned(call, await scopeOf(call.services, call.body), ''),
  }),
  route({
    operation: 'getApplianceAuditPruning',
    method: 'GET',
    path: `${path}/{pruningId}`,
    tag,
    summary: 'Show a pruning of the audit trail of the appliance, or of a deleted vault',
    access: readAppliance,
    params: z.strictObject({ pruningId }),
    answer: shownPruning,
    handle: async ({ services, params }) => ({
      body: shown(await getPruning(services, '', params.pruningId)),
    }),
  }),
  route({
    operation: 'getAuditTrail',
    method: 'GET',
    path: '/vaults/{vaultId}/audit-trail',
    tag,
    summary: 'Show the audit trail of a vault',
    access: readVault,
    params: z.strictObject({ vaultId }),
    answer: shownTrail,
    handle: async ({ services, params }) => ({ body: await trailOf(services, params.vaultId) }),
  }),
  route({
    operation: 'listAuditPrunings',
    method: 'GET',
    path: vaultPath,
    tag,
    summary: 'List the prunings of a vault’s audit trail',
    access: readVault,
    params: z.strictObject({ vaultId }),
    query: z.strictObject(query),
    answer: pageOf(shownPruning, 'AuditPruning'),
    handle: async ({ services, params, query }) =>
      shownPage(await listPrunings(services, params.vaultId, pageInput(query)), shown),
  }),
  route({
    operation: 'createAuditPruning',
    method: 'POST',
    path: vaultPath,
    tag,
    summary: 'Prune the audit trail of a vault',
    description: descriptionOfCreate,
    access: { kind: 'permission', vault: 'audit.prune' },
    params: z.strictObject({ vaultId }),
    body: z.strictObject(input),
    answer: shownPruning,
    creates: {
      again: async ({ services, params }, id) =>
        made(await getPruning(services, params.vaultId, id), params.vaultId),
    },
    handle: async (call) => pruned(call, call.params.vaultId, call.params.vaultId),
  }),
  route({
    operation: 'getAuditPruning',
    method: 'GET',
    path: `${vaultPath}/{pruningId}`,
    tag,
    summary: 'Show a pruning of the audit trail of a vault',
    access: readVault,
    params: z.strictObject({ vaultId, pruningId }),
    answer: shownPruning,
    handle: async ({ services, params }) => ({
      body: shown(await getPruning(services, params.vaultId, params.pruningId)),
    }),
  }),
];

/** The trail that the appliance is asked for. */
async function scopeOf(
  services: AdminServices,
  input: { deletedVault?: string | undefined },
): Promise<string> {
  if (input.deletedVault === undefined) return '';
  await assertDeletedVault(services, input.deletedVault);
  return input.deletedVault;
}

async function trailOf(services: AdminServices, vault: string): Promise<z.input<typeof shownTrail>> {
  const now = services.now();
  const { keepAtLeastDays } = services.pruning;
  const found = await services.store.db
    .selectFrom('vaults')
    .select(['id', 'name'])
    .where('id', '=', vault)
    .executeTakeFirst();
  return {
    vault: found ?? null,
    node: { id: nodeOf(services.instance), version: services.version },
    now: now.toISOString(),
    keepAtLeastDays,
    prunableBefore: prunableBefore(now, keepAtLeastDays),
    prunedBefore: await prunedBefore(services, vault),
  };
}

/** Makes it in the trail `vault`, where `within` is the vault of the request's path. */
async function pruned(
  {
    services,
    act,
    body,
  }: Pick<Call<unknown, unknown, z.output<z.ZodObject<typeof input>>>, 'services' | 'act' | 'body'>,
  vault: string,
  within: string,
) {
  const pruning = await createPruning(
    services,
    act,
    vault,
    { ...body, byAppliance: within === '' },
    services.pruning.keepAtLeastDays,
  );
  services.pruning.wake();
  return made(pruning, within);
}

function made(pruning: AuditPruning, within: string) {
  const location = within === '' ? `${path}/${pruning.id}` : `/vaults/${within}${path}/${pruning.id}`;
  return { status: 201, location, body: shown(pruning) };
}

function shown(row: AuditPruning): z.input<typeof shownPruning> {
  const place = (sequence: number | null, at: string | null) =>
    sequence === null || at === null ? null : { sequence, at };
  return {
    id: row.id,
    vaultId: row.vault_id === '' ? null : row.vault_id,
    state: row.state,
    problem: row.problem,
    from: row.from_at === '' ? null : row.from_at,
    before: row.before_at,
    count: row.count,
    sha256: row.sha256,
    first: place(row.first_sequence, row.first_at),
    last: place(row.last_sequence, row.last_at),
    deleted: row.deleted,
    kept: row.kept,
    actor: { kind: row.actor_kind, id: row.actor_id, name: row.actor_name },
    askedAt: row.asked_at,
    endedAt: row.ended_at,
  };
}
