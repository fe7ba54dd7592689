import { hostname } from 'node:os';
import { Scrape } from '../../metrics/exposition/scrape.ts';
import { answeredWithin } from '../../store/answered-within.ts';
import { StoreError } from '../../store/store-error.ts';
import type { Reading } from '../../vault/edits.ts';
import { route, type Route } from '../route.ts';
import type { AdminServices } from '../services.ts';
import { tellFacts } from './scrape-facts.ts';
import { tellNode, type VaultNames } from './scrape-node.ts';
import { readRecords, tellRecords, type Records } from './scrape-records.ts';

/** How long a scrape waits for what it asks of the store, milliseconds: Prometheus gives up after ten seconds. */
export const recordsPatience = 5_000;

export const metricsRoute: Route = route({
  operation: 'getMetrics',
  method: 'GET',
  path: '/metrics',
  tag: 'Status',
  summary: 'Get the metrics of this node',
  description:
    'For Prometheus, which asks each node by itself and not through a load balancer: text in its own format (0.0.4), or OpenMetrics 1.0 where `Accept` asks for it. docs/metrics.md lists the metrics. While the database cannot be asked, what the node has in memory is told to an API key that has scraped it a short while ago.',
  access: { kind: 'permission', appliance: 'metrics.read' },
  withoutStore: true,
  answersText: ['text/plain', 'application/openmetrics-text'],
  handle: async ({ services, client, withoutStore }) => ({
    text: await metricsOf(services, withoutStore === true).then(async (scrape) =>
      scrape.expose(client.accept),
    ),
  }),
});

/** Of which vault each key set was when the store said so last. */
const lastVaults = new WeakMap<Reading, VaultNames>();

async function metricsOf(services: AdminServices, withoutStore: boolean): Promise<Scrape> {
  const { gathered, store, version } = services;
  const counted = gathered?.metrics.count();
  const [facts, records] = await Promise.all([
    services.nodeFacts?.(),
    withoutStore ? undefined : recordsOf(services, counted),
    counted,
  ]);
  if (records !== undefined) {
    lastVaults.set(store.db, records.vaults);
    gathered?.metrics.requests.forget(records.gone);
  }
  const scrape = new Scrape();
  const node = { node_id: gathered?.nodeId ?? '', hostname: hostname() };
  scrape.tell('holdfast_build_info', { version, ...node }, 1);
  if (gathered !== undefined) tellNode(scrape, gathered.metrics, lastVaults.get(store.db) ?? new Map());
  tellFacts(scrape, services, facts);
  scrape.tell('holdfast_store_up', {}, records === undefined ? 0 : 1);
  const isRefusing = services.whyUnwritable?.() !== undefined;
  // Whether one that does not answer would take a write nobody knows.
  scrape.tell('holdfast_store_writable', {}, isRefusing ? 0 : records === undefined ? undefined : 1);
  if (records !== undefined) tellRecords(scrape, records, services.now());
  return scrape;
}

/** Undefined where the store does not answer in time: what is in memory is told all the same. */
async function recordsOf(
  services: AdminServices,
  counted: Promise<void> | undefined,
): Promise<Records | undefined> {
  try {
    return await answeredWithin(recordsPatience, readRecords(services, counted));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    services.log.warn({ problem: error.message }, 'metrics are told without those of the store');
    return undefined;
  }
}
