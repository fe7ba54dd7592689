import { z } from 'zod';
import { quantile } from '../../metrics/latency.ts';
import { addVitals, emptyVitals, type TokenVitals, type VitalCell } from '../../metrics/series/vital-cell.ts';
import { VaultError } from '../../vault/vault-error.ts';
import { time } from '../keys/key-forms.ts';
import { route, type Route } from '../route.ts';
import type { AdminServices } from '../services.ts';
import { rangeNames, rangeQuery, stepsOf, type SeriesRange } from './ranges.ts';
import { nodesOf, shownNodes } from './told-nodes.ts';

const day = 86_400_000;
const percent = z.number().nullable();
const milliseconds = z.number().nullable();

export const shownDays = z
  .number()
  .nullable()
  .describe(
    'Days that were left of the certificate of the XKS listener that expires first, of any node; null where no node told.',
  );

const vital = {
  looks: z.int().describe('How often the nodes looked at themselves: each does every 15 seconds.'),
  tokens: z
    .array(
      z.strictObject({
        name: z.string(),
        fitPercent: percent.describe(
          'Token hosts that served and answered in time, of 100 that there are to be: on average.',
        ),
        leastFitPercent: percent.describe('The same, where and when it was worst.'),
        waiting: z.int().describe('Most requests of AWS that waited for a token host of one node.'),
        estimatedWaitMs: milliseconds.describe(
          'Longest time that the last of these had to wait, as estimated then; null where no token host was fit.',
        ),
        p99WaitMs: milliseconds.describe(
          '99 in 100 requests to the token waited no longer, in queues and on their way; null without requests.',
        ),
      }),
    )
    .describe('By name in the configuration of the nodes.'),
  leasesHeldPercent: percent.describe(
    'XKS workers that held a lease, and so served from memory, of 100; null for a store in a file.',
  ),
  leastLeasePercent: percent.describe(
    'What was left of a lease where and when it was least, of its length: 0 where one had ended. A worker renews its lease when a third of it is gone.',
  ),
  storeUpPercent: percent.describe('Looks in which the database answered within five seconds, of 100.'),
  storeAverageMs: milliseconds.describe('What it took to answer a question about one row, on average.'),
  storeSlowestMs: milliseconds.describe('What it took at the most.'),
  budgetPercent: percent.describe(
    'Encryptions that were used of the 2^32 that a key version may do, of that current version which has used most: told from a sixteenth on, 0 below; null where the database did not say.',
  ),
  certificateDays: shownDays,
};

const shownVital = z.strictObject(vital);
type Vital = z.infer<typeof shownVital>;

const shownVitals = z
  .strictObject({
    range: z.enum(rangeNames),
    from: time,
    to: time,
    stepSeconds: z.int(),
    nodes: shownNodes,
    ...vital,
    points: z
      .array(z.strictObject({ at: time.describe('Beginning of the step.'), ...vital }))
      .describe('Step by step, earliest first; the last is not over yet.'),
  })
  .meta({
    id: 'Vitals',
    description: 'How the nodes were over time: tokens, leases, the database, budgets, certificates.',
  });

export type Vitals = z.infer<typeof shownVitals>;

export const vitalsRoute: Route = route({
  operation: 'getVitals',
  method: 'GET',
  path: '/vitals',
  tag: 'Status',
  summary: 'Show how the nodes were over time',
  description:
    'Token hosts, waits for a token, leases of XKS workers, the database, used encryptions and certificates, as each node finds them every 15 ' +
    'seconds: of the last hour in steps of 15 seconds, of a day by five minutes and of 30 days by the hour. Of all nodes ' +
    'together it is what was worst.',
  access: { kind: 'permission', appliance: 'metrics.read' },
  query: z.strictObject({
    ...rangeQuery,
    node: z.uuid().optional().describe('Id of a node, for that one alone.'),
  }),
  answer: shownVitals,
  problems: ['not-found'],
  handle: async ({ services, query: { range, node } }) => {
    if (node !== undefined) await mustBeKnown(services, node);
    return { body: await vitalsOf(services, range, node) };
  },
});

async function mustBeKnown({ store }: Pick<AdminServices, 'store'>, id: string): Promise<void> {
  const row = await store.db.selectFrom('nodes').select('id').where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new VaultError('not-found', 'no node of this database has this id');
}

/** What `range` has of all nodes, or of the one with this id, up to now. */
export async function vitalsOf(
  services: Pick<AdminServices, 'gathered' | 'now' | 'store' | 'instance'>,
  range: SeriesRange,
  nodeId?: string,
): Promise<Vitals> {
  const { gathered, now } = services;
  const to = now().getTime();
  const { step, first, begins } = stepsOf(range, to);
  const scope = nodeId === undefined ? 'all' : { nodeId };
  const cells = (await gathered?.vitals.read(scope, step, first)) ?? new Map<number, VitalCell>();
  return {
    range,
    from: new Date(first).toISOString(),
    to: new Date(to).toISOString(),
    stepSeconds: step,
    nodes: await nodesOf(services, step, true),
    ...shown(wholeOf(cells, begins), to),
    points: begins.map((at) =>
      Object.assign({ at: new Date(at).toISOString() }, shown(cells.get(at) ?? emptyVitals(), at)),
    ),
  };
}

/** In short, for the status. */
export const shownVitalHour = shownVital.describe(
  'For users of the appliance: how the nodes were in the last hour, of all that have told.',
);

/** Undefined where nobody looks. */
export async function vitalHourOf(
  services: Pick<AdminServices, 'gathered' | 'now'>,
): Promise<Vital | undefined> {
  const { gathered, now } = services;
  if (gathered === undefined) return undefined;
  const to = now().getTime();
  const { step, first, begins } = stepsOf('1h', to);
  return shown(wholeOf(await gathered.vitals.read('all', step, first), begins), to);
}

/** Of all steps together; of a certificate that was replaced meanwhile nothing. */
function wholeOf(cells: ReadonlyMap<number, VitalCell>, begins: readonly number[]): VitalCell {
  const whole = emptyVitals();
  let certificate: number | null = null;
  for (const at of begins) {
    const cell = cells.get(at);
    if (cell === undefined) continue;
    addVitals(whole, cell);
    certificate = cell.certificate ?? certificate;
  }
  return { ...whole, certificate };
}

function shown({ looks, tokens, leases, store, budget, certificate }: VitalCell, at: number): Vital {
  const asked = store.answers + store.away;
  return {
    looks,
    tokens: Object.entries(tokens)
      .map(([name, of]) => shownToken(name, of))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    leasesHeldPercent: leases === null ? null : ratio(leases.held, leases.workers),
    leastLeasePercent: leases === null ? null : hundredths(100 * leases.least),
    storeUpPercent: ratio(store.answers, asked),
    storeAverageMs: store.answers === 0 ? null : rounded(store.sum / store.answers),
    storeSlowestMs: store.answers === 0 ? null : rounded(store.slowest),
    budgetPercent: budget === null ? null : hundredths(100 * budget),
    certificateDays: daysUntil(certificate, at),
  };
}

function shownToken(
  name: string,
  { hosts, fit, leastFit, waiting, estimated, waits }: TokenVitals,
): Vital['tokens'][number] {
  const p99 = quantile(waits.buckets, 0.99);
  return {
    name,
    fitPercent: ratio(fit, hosts),
    leastFitPercent: hundredths(100 * leastFit),
    waiting,
    estimatedWaitMs: estimated === null ? null : rounded(estimated),
    p99WaitMs: p99 === null ? null : rounded(p99),
  };
}

/** Of 100; null of none. Down: what is not whole is not told as 100. */
function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : hundredths((100 * part) / whole);
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

function hundredths(value: number): number {
  return Math.floor(value * 100) / 100;
}

/** Between two times, milliseconds since the epoch; below zero where it is past. */
export function daysUntil(certificate: number | null, at: number): number | null {
  return certificate === null ? null : hundredths((certificate - at) / day);
}
