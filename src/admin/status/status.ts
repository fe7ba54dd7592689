import { z } from 'zod';
import { countLost } from '../../store/lost-changes.ts';
import type { Store } from '../../store/store.ts';
import { KmsKeyScan } from '../../cloud/kms-keys/scan.ts';
import { countStatus, type StatusScope } from './counts.ts';
import { findKmsKeyTroubles, findTroubles } from './troubles.ts';
import { findUnsettled } from '../../reconcile/unsettled-findings.ts';
import { tokensOf } from '../../vault/granted-tokens.ts';
import { findVault } from '../../vault/vaults.ts';
import { shownEnvironment } from '../environment.ts';
import { time, vaultId } from '../keys/key-forms.ts';
import { fleetNow, nodeOf, stateOf } from '../../fleet/nodes.ts';
import { lastHourOf, shownLastHour } from '../metrics/traffic.ts';
import { shownVitalHour, vitalHourOf } from '../metrics/vitals.ts';
import { callerOf, route, type Route } from '../route.ts';
import type { AdminServices, DiskFacts, NodeFacts } from '../services.ts';
import type { FindingOn } from './affected.ts';
import { ivFindings } from './iv-findings.ts';
import { leaseFindings, leasesOf } from './lease-findings.ts';
import { nodeFindings, onNode } from './node-findings.ts';
import { notAskedFindings } from './not-asked-findings.ts';
import { quotaStatus } from './quotas.ts';
import { reconciliationFindings, reconciliationNotes, shownNote } from './reconciliation.ts';
import { judged, type JudgedFinding } from './acknowledgements.ts';
import { showFinding, shownFinding } from './shown-finding.ts';
import {
  certificateFindings,
  diskFindings,
  durabilityFindings,
  lossFindings,
  storeFindings,
  tokenFindings,
  tokenStatuses,
  vaultFinding,
  type StatusFinding,
} from './findings.ts';

/** How long the KMS keys are waited for where they are looked through for the first time, milliseconds. */
const kmsKeyTimeout = 2_000;
const maxNodes = 50;

const counts = z.record(z.string(), z.int());
const frozenOf = z.strictObject({ total: z.int(), frozen: z.int() });

const shownStatus = z
  .strictObject({
    at: time,
    ok: z.boolean().describe('Nothing needs attention but what is acknowledged.'),
    findings: z
      .array(shownFinding)
      .describe('What needs attention, most serious first; those that are acknowledged too.'),
    notes: z
      .array(shownNote)
      .optional()
      .describe('For users of the appliance: what is worth knowing but needs no attention.'),
    version: z.string().describe('Of the node that responds.'),
    environment: shownEnvironment,
    nodes: z
      .array(
        z.strictObject({
          hostname: z.string(),
          version: z.string(),
          state: z.enum(['UP', 'DRAINING', 'DOWN']),
          lastSeenAt: time,
        }),
      )
      .optional()
      .describe('For users of the appliance.'),
    tokens: z
      .array(
        z.strictObject({
          name: z.string(),
          health: z.enum(['ACTIVE', 'DEGRADED', 'UNAVAILABLE']),
          hosts: z
            .int()
            .nullable()
            .describe('Token hosts of this node; null if its supervisor does not report them.'),
          hostsUp: z.int().nullable(),
          pinRefused: z.boolean(),
        }),
      )
      .describe('Tokens of the node that responds; in a vault, those that it may use.'),
    certificates: z
      .array(
        z.strictObject({
          listeners: z.array(z.enum(['xks', 'management'])),
          subject: z.string(),
          expiresAt: time,
        }),
      )
      .optional(),
    disk: z
      .strictObject({
        freeBytes: z.number(),
        totalBytes: z.number(),
        reserveBytes: z.number().describe('Kept free for disable, freeze and withdraw.'),
        wholeReserveBytes: z.number(),
      })
      .optional()
      .describe('Disk of the database.'),
    workerLeases: z
      .strictObject({
        workers: z.int().describe('XKS workers of the node that responds.'),
        held: z.int().describe('Those that hold a lease, and so serve from memory.'),
        seconds: z.number().describe('Length of the lease.'),
      })
      .optional()
      .describe('For a store in PostgreSQL.'),
    traffic: shownLastHour.optional(),
    vitals: shownVitalHour.optional(),
    auditEvents: z.int().optional().describe('Events in the trails of all vaults and of the appliance.'),
    schedules: z
      .array(z.strictObject({ name: z.string(), until: time }))
      .optional()
      .describe(
        'Scheduled work, and when the lease of the process that does it expires; a minute at a time.',
      ),
    vaults: frozenOf.optional(),
    keySets: frozenOf,
    cloudKeys: counts.describe('By state; DELETED ones are not counted.'),
    externalKeyStores: counts.describe('By state, as last seen in AWS.'),
    credentials: z.strictObject({ live: z.int() }),
    quotas: z
      .strictObject({
        refusedSince: time,
        refused: z.int().describe('Requests refused since then.'),
        near: z
          .int()
          .describe(
            'Key sets and CloudKeys that used at least four fifths of their quota in a minute, or had requests refused.',
          ),
        of: z
          .array(
            z.strictObject({
              kind: z.enum(['key-set', 'cloud-key']),
              name: z.string(),
              usedPercent: z.int().describe('Of the quota, in the last whole minute.'),
              refused: z.int(),
            }),
          )
          .optional()
          .describe('In a vault: which.'),
      })
      .nullable()
      .describe('Request quotas on the node that responds; null if its supervisor does not report them.'),
    kmsKeysSeenAt: time
      .nullable()
      .describe('When the status of KMS keys in AWS was last evaluated; null until the first time.'),
  })
  .meta({ id: 'Status' });

export type Status = z.infer<typeof shownStatus>;

const description =
  'An overview, and what needs attention. Neither a token nor AWS is called: what is shown of them is what ' +
  'was last seen.';

export const statusRoutes: readonly Route[] = [
  route({
    operation: 'getStatus',
    method: 'GET',
    path: '/status',
    tag: 'Status',
    summary: 'Show the state of the appliance',
    description: `${description} Of what is inside vaults numbers and no names.`,
    access: { kind: 'permission', appliance: 'appliance.read' },
    answer: shownStatus,
    handle: async (call) => {
      const { services } = call;
      // An API key may have the one permission and not the other.
      const mayCount = callerOf(call).permissions.has('metrics.read');
      return { body: await (mayCount ? withLastHour : statusOf)(services, 'appliance') };
    },
  }),
  route({
    operation: 'getVaultStatus',
    method: 'GET',
    path: '/vaults/{vaultId}/status',
    tag: 'Status',
    summary: 'Show the state of a vault',
    description: `${description} Of what the caller sees.`,
    access: { kind: 'permission', vault: 'vault.read' },
    params: z.strictObject({ vaultId }),
    answer: shownStatus,
    handle: async (call) => {
      const { services, params } = call;
      const { sight } = callerOf(call);
      return { body: await withLastHour(services, { vaultId: params.vaultId, sight }) };
    },
  }),
];

const scans = new WeakMap<Store['db'], KmsKeyScan>();

/** With what has a look of its own: requests, and how the nodes were. */
async function withLastHour(services: AdminServices, scope: StatusScope): Promise<Status> {
  const [status, traffic, vitals] = await Promise.all([
    statusOf(services, scope),
    lastHourOf(services, scope),
    scope === 'appliance' ? vitalHourOf(services) : undefined,
  ]);
  return {
    ...status,
    ...(traffic === undefined ? {} : { traffic }),
    ...(vitals === undefined ? {} : { vitals }),
  };
}

/** Of the appliance, or of what somebody sees of a vault; without the last hour. */
export async function statusOf(services: AdminServices, scope: StatusScope): Promise<Status> {
  const counted = await countStatus(services, scope);
  const { tokens, kmsKeys, appliance, quotas, findings } = await look(services, scope);
  return {
    at: services.now().toISOString(),
    ok: findings.every(({ acknowledgements }) => acknowledgements.length > 0),
    findings: findings.map(showFinding),
    version: services.version,
    environment: services.environment ?? null,
    tokens,
    ...appliance?.shown,
    ...(counted.vaults === undefined ? {} : { vaults: counted.vaults, auditEvents: counted.auditEvents }),
    keySets: counted.keySets,
    cloudKeys: counted.cloudKeys,
    externalKeyStores: counted.externalKeyStores,
    credentials: counted.credentials,
    quotas: quotas.shown ?? null,
    kmsKeysSeenAt: kmsKeys.at,
  };
}

/** What needs attention of it, and what is acknowledged. */
export async function findingsOf(services: AdminServices, scope: StatusScope): Promise<JudgedFinding[]> {
  return (await look(services, scope)).findings;
}

/** What is seen of tokens, quotas and KMS keys besides: the status shows it. */
export async function look(services: AdminServices, scope: StatusScope) {
  const { store, now } = services;
  const facts = await services.nodeFacts?.();
  const own = scope !== 'appliance';
  const scan = scans.get(store.db) ?? new KmsKeyScan(store.db, now);
  scans.set(store.db, scan);
  const kmsKeys = await findKmsKeyTroubles(services, scope, scan, kmsKeyTimeout);
  const names = own
    ? tokensOf(await findVault(store.db, scope.vaultId))
    : services.tokenFacts.map(({ name }) => name);
  const tokens = tokenStatuses(services, names, facts);
  const troubles = [...(await findTroubles(services, scope)), ...kmsKeys.found];
  const appliance = own ? undefined : await applianceOf(services, facts);
  const quotas = await quotaStatus(services, scope, facts);
  const found = [
    // What stops every act stands first.
    ...(own
      ? []
      : [
          ...storeFindings(services.whyUnwritable?.()),
          ...lossFindings(await countLost(store.db)),
          ...durabilityFindings(services.durabilityProblems?.()),
        ]),
    ...tokenFindings(tokens, facts, !own),
    ...(appliance?.findings ?? []),
    ...troubles.map((trouble) => vaultFinding(trouble, own)),
    ...quotas.findings,
  ];
  const findings = await judged(services, own ? scope.vaultId : '', found);
  return { tokens, kmsKeys, appliance, quotas, findings };
}

// oxlint-disable-next-line max-lines-per-function -- one field of the answer after another
async function applianceOf(services: AdminServices, facts: NodeFacts | undefined) {
  const now = services.now();
  const fleet = await fleetNow(services);
  const disk = diskOf(services);
  const nodes = await services.store.db
    .selectFrom('nodes')
    .selectAll()
    .orderBy('last_seen_at', 'desc')
    .limit(maxNodes)
    .execute();
  const leases = await services.store.db
    .selectFrom('leases')
    .select(['name', 'until'])
    .where('until', '>', now.toISOString())
    .orderBy('name')
    .limit(maxNodes)
    .execute();
  const unsettled = await findUnsettled(services);
  const own = nodes.find(({ id }) => id === nodeOf(services.instance));
  // A node that has not shown itself yet has no page either.
  const here: FindingOn = own === undefined ? 'appliance' : onNode(own);
  const findings: StatusFinding[] = [
    ...(facts === undefined && services.nodeFacts !== undefined ? [supervisorSilent(here)] : []),
    ...certificateFindings(facts, now, here),
    ...diskFindings(disk, here),
    ...(await ivFindings(services)),
    ...reconciliationFindings(unsettled),
    ...(await notAskedFindings(
      services.store.db,
      services.tokenFacts.map(({ name }) => name),
    )),
    ...leaseFindings(services.gathered?.metrics.leases, here),
    ...nodeFindings(nodes, fleet),
  ];
  return {
    findings,
    shown: {
      notes: reconciliationNotes(unsettled),
      nodes: nodes.map((node) => ({
        hostname: node.hostname,
        version: node.version,
        state: stateOf(node, fleet),
        lastSeenAt: node.last_seen_at,
      })),
      ...(facts === undefined
        ? {}
        : {
            certificates: facts.certificates.map(({ listeners, subject, expiresAt }) => ({
              ...{ listeners, subject, expiresAt },
            })),
          }),
      ...(disk === undefined
        ? {}
        : {
            disk: {
              freeBytes: disk.free,
              totalBytes: disk.total,
              reserveBytes: disk.reserve,
              wholeReserveBytes: disk.wholeReserve,
            },
          }),
      ...leasesOf(services.gathered?.metrics.leases),
      schedules: leases,
    },
  };
}

function supervisorSilent(on: FindingOn): StatusFinding {
  return {
    trouble: 'SUPERVISOR_SILENT',
    where: 'node',
    on,
    message: 'the supervisor of this node does not answer: of its tokens and certificates less is known',
    remediation: 'on the node: systemctl status holdfast',
  };
}

/** A disk that cannot be asked tells nothing: whatever else is wrong with it shows. */
export function diskOf(services: Pick<AdminServices, 'disk'>): DiskFacts | undefined {
  try {
    return services.disk?.();
  } catch {
    return undefined;
  }
}
