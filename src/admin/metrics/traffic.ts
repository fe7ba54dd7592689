import { z } from 'zod';
import { quantile } from '../../metrics/latency.ts';
import {
  addToCell,
  emptyCell,
  lateOf,
  requestsOf,
  retryableOf,
  type Cell,
} from '../../metrics/series/cell.ts';
import { beginOf, detailStep } from '../../metrics/series/steps.ts';
import type { TrafficScope } from '../../metrics/series/traffic-rows.ts';
import { time, vaultId } from '../keys/key-forms.ts';
import { callerOf, route, type Route } from '../route.ts';
import type { AdminServices } from '../services.ts';
import { rangeNames, rangeQuery, stepsOf, type SeriesRange } from './ranges.ts';
import { nodesOf, shownNodes } from './told-nodes.ts';
import { daysUntil, shownDays } from './vitals.ts';

const milliseconds = z.number().nullable();
const sums = {
  requests: z.int().describe('Answered to AWS.'),
  failed: z.int().describe('Of these, with an error.'),
  retryable: z
    .int()
    .describe(
      'Of these, with an error that AWS KMS retries and counts against the reliability of the proxy: ThrottlingException, InternalException, DependencyTimeoutException.',
    ),
  late: z.int().describe('Answered after more than 250 ms: AWS KMS had given up.'),
  p50Ms: milliseconds.describe('Half of them took no longer, milliseconds; null without requests.'),
  p99Ms: milliseconds.describe('99 in 100 took no longer.'),
  errors: z.record(z.string(), z.int()).describe('By error of the XKS API.'),
};

const reliabilityPercent = z
  .number()
  .nullable()
  .describe('Requests that were not answered with a retryable error, of 100; null without requests.');
const requestsPerSecond = z.number().describe('In the last whole minute.');

const shownTraffic = z
  .strictObject({
    range: z.enum(rangeNames),
    from: time,
    to: time,
    stepSeconds: z.int(),
    nodes: shownNodes,
    reliabilityPercent,
    requestsPerSecond,
    ...sums,
    certificateExpiresAt: time
      .nullable()
      .describe('When the first of the certificates that AWS is shown by the node that responds expires.'),
    points: z
      .array(
        z.strictObject({
          at: time.describe('Beginning of the step.'),
          ...sums,
          certificateDays: shownDays,
        }),
      )
      .describe('Step by step, earliest first; the last is not over yet.'),
  })
  .meta({ id: 'Traffic', description: 'Requests of AWS KMS over time, and how they were answered.' });

export type Traffic = z.infer<typeof shownTraffic>;

const query = z.strictObject(rangeQuery);

const description =
  'Of all nodes of this database, over restarts: of the last hour in steps of 15 seconds, of a day by five minutes and of 30 days by the ' +
  'hour. What other nodes have counted in the last 15 seconds or so is not in it yet.';

export const trafficRoutes: readonly Route[] = [
  route({
    operation: 'getTraffic',
    method: 'GET',
    path: '/traffic',
    tag: 'Status',
    summary: 'Show the requests of AWS over time',
    description: `${description} Those of all vaults, and those that were not authenticated.`,
    access: { kind: 'permission', appliance: 'metrics.read' },
    query,
    answer: shownTraffic,
    handle: async ({ services, query: { range } }) => ({
      body: await trafficOf(services, 'appliance', range),
    }),
  }),
  route({
    operation: 'getVaultTraffic',
    method: 'GET',
    path: '/vaults/{vaultId}/traffic',
    tag: 'Status',
    summary: 'Show the requests of AWS to a vault over time',
    description: `${description} Those to key sets of the admin groups that the caller sees.`,
    access: { kind: 'permission', vault: 'vault.read' },
    params: z.strictObject({ vaultId }),
    query,
    answer: shownTraffic,
    handle: async (call) => {
      const { services, params, query: asked } = call;
      const { sight } = callerOf(call);
      return { body: await trafficOf(services, { vaultId: params.vaultId, sight }, asked.range) };
    },
  }),
];

/** In short, for the status. */
export const shownLastHour = z
  .strictObject({
    requests: sums.requests,
    reliabilityPercent,
    requestsPerSecond,
    p99Ms: sums.p99Ms,
    nodes: shownNodes,
  })
  .describe('Requests of AWS in the last hour, of all nodes that have told theirs.');

/** Undefined where nobody counts. */
export async function lastHourOf(
  services: SeriesServices,
  scope: TrafficScope,
): Promise<z.infer<typeof shownLastHour> | undefined> {
  if (services.gathered === undefined) return undefined;
  const traffic = await trafficOf(services, scope, '1h');
  return {
    requests: traffic.requests,
    reliabilityPercent: traffic.reliabilityPercent,
    requestsPerSecond: traffic.requestsPerSecond,
    p99Ms: traffic.p99Ms,
    nodes: traffic.nodes,
  };
}

/** What the series are told of. */
export type SeriesServices = Pick<AdminServices, 'gathered' | 'now' | 'nodeFacts' | 'store' | 'instance'>;

/** What `range` has of the scope, up to now. */
export async function trafficOf(
  services: SeriesServices,
  scope: TrafficScope,
  range: SeriesRange,
): Promise<Traffic> {
  const { gathered, now, nodeFacts } = services;
  // At once: both are told by the supervisor, and where that is silent one wait is enough.
  const [facts] = await Promise.all([nodeFacts?.(), gathered?.metrics.look()]);
  const to = now().getTime();
  const { step, first, begins } = stepsOf(range, to);
  const vitals = await gathered?.vitals.read('all', step, first);
  const cells = (await gathered?.series.read(scope, step, first)) ?? new Map<number, Cell>();
  const whole = emptyCell();
  // A clock that was set back has left cells of what is yet to come.
  for (const at of begins) addToCell(whole, cells.get(at) ?? emptyCell());
  const expiries = (facts?.certificates ?? [])
    .filter(({ listeners }) => listeners.includes('xks'))
    .map(({ expiresAt }) => expiresAt);
  const requests = requestsOf(whole);
  return {
    range,
    from: new Date(first).toISOString(),
    to: new Date(to).toISOString(),
    stepSeconds: step,
    nodes: await nodesOf(services, step, scope === 'appliance'),
    reliabilityPercent: requests === 0 ? null : (100 * (requests - retryableOf(whole))) / requests,
    requestsPerSecond: (await lastMinute(gathered, scope, to)) / 60,
    ...shown(whole),
    certificateExpiresAt: expiries.toSorted()[0] ?? null,
    points: begins.map((at) =>
      Object.assign({ at: new Date(at).toISOString() }, shown(cells.get(at) ?? emptyCell()), {
        certificateDays: daysUntil(vitals?.get(at)?.certificate ?? null, at),
      }),
    ),
  };
}

/** Requests in the last four whole steps. */
async function lastMinute(
  gathered: AdminServices['gathered'],
  scope: TrafficScope,
  now: number,
): Promise<number> {
  const open = beginOf(now, detailStep);
  const cells = await gathered?.series.read(scope, detailStep, open - 60_000);
  return [...(cells ?? [])].reduce((sum, [at, cell]) => (at < open ? sum + requestsOf(cell) : sum), 0);
}

function shown(cell: Cell) {
  const { buckets, errors } = cell;
  return {
    requests: requestsOf(cell),
    failed: Object.values(errors).reduce((sum, count) => sum + count, 0),
    retryable: retryableOf(cell),
    late: lateOf(cell),
    p50Ms: rounded(quantile(buckets, 0.5)),
    p99Ms: rounded(quantile(buckets, 0.99)),
    errors,
  };
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 100) / 100;
}
