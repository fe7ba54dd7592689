import { hostname } from 'node:os';
import { Scrape } from '../../metrics/exposition/scrape.ts';
import { route, type Route } from '../route.ts';
import type { AdminServices } from '../services.ts';
import { statusOf } from '../status/status.ts';
import { tellNode } from './scrape-node.ts';
import { tellRecords } from './scrape-records.ts';

export const metricsRoute: Route = route({
  operation: 'getMetrics',
  method: 'GET',
  path: '/metrics',
  tag: 'Status',
  summary: 'Get the metrics of this node',
  description:
    'For Prometheus, which asks each node by itself and not through a load balancer: text in its own format (0.0.4), or OpenMetrics 1.0 where `Accept` asks for it. docs/metrics.md lists the metrics.',
  access: { kind: 'permission', appliance: 'metrics.read' },
  answersText: ['text/plain', 'application/openmetrics-text'],
  handle: async ({ services, client }) => ({
    text: await metricsOf(services).then(async (scrape) => scrape.expose(client.accept)),
  }),
});

async function metricsOf(services: AdminServices): Promise<Scrape> {
  const { gathered, store, version } = services;
  const scrape = new Scrape();
  const [facts, status] = await Promise.all([
    services.nodeFacts?.(),
    statusOf(services, 'appliance'),
    gathered?.metrics.look(),
  ]);
  const keySets = await store.db
    .selectFrom('key_sets')
    .innerJoin('vaults', 'vaults.id', 'key_sets.vault_id')
    .where('vaults.deleted_at', 'is', null)
    .where('key_sets.removed_at', 'is', null)
    .select(['key_sets.id', 'vaults.name'])
    .execute();
  const vaults = new Map(keySets.map(({ id, name }) => [id, name]));
  gathered?.metrics.requests.keepOnly(new Set(vaults.keys()));
  const node = { node_id: gathered?.nodeId ?? '', hostname: hostname() };
  scrape.tell('holdfast_build_info', { version, ...node }, 1);
  if (gathered !== undefined) tellNode(scrape, gathered.metrics, vaults);
  await tellRecords(scrape, services, { status, facts, vaults });
  return scrape;
}
