import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import Table from 'cli-table3';
import { listEvents, type EventWish } from '../src/admin/audit-event-list.ts';
import { SqliteStore } from '../src/store/sqlite.ts';
import { versionLabel, versionObjectId } from '../src/token/own-keys.ts';
import { listCloudKeys, type CloudKeyFilter } from '../src/vault/cloud-keys.ts';
import type { House } from '../src/vault/house.ts';
import { clearAway } from '../src/vault/housekeeping.ts';
import { listKeySets } from '../src/vault/key-sets.ts';
import type { PageWish } from '../src/vault/page.ts';
import { reconcile } from '../src/vault/reconcile.ts';
import { Schedules } from '../src/vault/schedules.ts';
import { systemAct } from '../src/vault/system-act.ts';
import { TokenRooms } from '../src/vault/token-rooms.ts';
import { listVaults } from '../src/vault/vaults.ts';
import { byHand } from '../test/support/by-hand.ts';
import { memoryDirectory } from '../test/support/memory-directory.ts';
import { memoryToken } from '../test/support/memory-token.ts';
import { TestNode } from '../test/support/test-node.ts';
import { createSoftHsmToken } from '../test/support/tokens.ts';
import { requestMetadata, XksClient, type SignedRequest } from '../test/support/xks-client.ts';
import { fillLarge, firstVault, type LargeStore } from './larger-store.ts';
import { mainScript, Server } from './processes.ts';
import { runLoad } from './wrk.ts';

/*
 * BENCH_ONLY=growth: what a node's work costs as what it keeps grows, and how long it stops an event loop at the most.
 * BENCH_STAGES (small,middle) picks the sizes; `large` takes minutes. Lists and background work run in this process, over a
 * store like a node's and a token in memory, so that what is measured is ours; start, memory and load are a node's.
 */

const stages: Readonly<Record<string, LargeStore>> = {
  small: { vaults: 10, keys: 100, events: 10_000 },
  middle: { vaults: 1_000, keys: 10_000, events: 100_000 },
  large: { vaults: 10_000, keys: 100_000, events: 1_000_000 },
};

/** So many key objects are in the token that reconcile compares. */
const mostObjects = 20_000;
const connections = 16;
const now = new Date('2031-05-05T12:00:00.000Z');

interface Cell {
  milliseconds: number;
  /** The longest time that the event loop stood still, milliseconds. */
  stall?: number;
  more?: string;
}

type Results = Map<string, Cell>;

export async function benchGrowth(seconds: number): Promise<void> {
  const names = (process.env['BENCH_STAGES'] ?? 'small,middle').split(',');
  const columns: [string, Results][] = [];
  for (const name of names) {
    const size = stages[name];
    if (size === undefined) throw new RangeError(`BENCH_STAGES: no stage ${name}`);
    const results: Results = new Map();
    await storeWork(size, results);
    await nodeWork(size, seconds, results);
    columns.push([
      `${size.keys.toLocaleString('en')} CloudKeys, ${size.vaults.toLocaleString('en')} vaults, ${size.events.toLocaleString('en')} events`,
      results,
    ]);
  }
  const table = new Table({
    head: ['what', ...columns.map(([name]) => `${name}: ms (longest stall)`)],
    style: { head: [], border: [] },
    colWidths: [46, ...columns.map(() => 34)],
    wordWrap: true,
  });
  const rows = new Set(columns.flatMap(([, results]) => [...results.keys()]));
  for (const row of rows) table.push([row, ...columns.map(([, results]) => shown(results.get(row)))]);
  console.log(table.toString());
}

function shown(cell: Cell | undefined): string {
  if (cell === undefined) return '-';
  const stall = cell.stall === undefined ? '' : ` (${cell.stall.toFixed(0)})`;
  return `${cell.milliseconds.toFixed(1)}${stall}${cell.more === undefined ? '' : ` ${cell.more}`}`;
}

/** How long `work` takes, and for how long it stops the event loop at the most. */
async function timed(work: () => Promise<unknown>): Promise<Cell> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  // It counts from one of its own ticks to the next, and not from a reset.
  await new Promise((resolve) => setTimeout(resolve, 5));
  delays.reset();
  await new Promise((resolve) => setTimeout(resolve, 5));
  const began = performance.now();
  await work();
  const milliseconds = performance.now() - began;
  await new Promise((resolve) => setTimeout(resolve, 5));
  delays.disable();
  return { milliseconds, stall: delays.max / 1e6 };
}

async function storeWork(size: LargeStore, results: Results): Promise<void> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-bench-growth-'));
  const store = await SqliteStore.init(path.join(directory, 'holdfast.db'));
  try {
    fillLarge(path.join(directory, 'holdfast.db'), size, now);
    const current = await store.db
      .selectFrom('cloud_keys')
      .select(['id', 'key_set_id', 'external_key_id'])
      .limit(mostObjects)
      .execute();
    const token = memoryToken(
      current.map(({ id, key_set_id, external_key_id }) => ({
        id: versionObjectId(id, 2),
        label: versionLabel(key_set_id, external_key_id, 2),
      })),
    );
    const house: House = { store, tokens: new TokenRooms([token]), now: () => now, instance: 'bench/1' };
    for (const [name, list] of Object.entries(lists(house))) {
      await list();
      results.set(`first page: ${name}`, await timed(list));
    }
    const memory = process.memoryUsage().rss;
    const compared = await timed(async () =>
      reconcile(house, systemAct(house, 'bench'), { askedBy: 'bench' }),
    );
    const grown = Math.max(0, process.memoryUsage().rss - memory) / 2 ** 20;
    results.set(`reconcile, ${current.length} key objects`, {
      ...compared,
      more: `+${grown.toFixed(0)} MiB`,
    });
    results.set('housekeeping', await timed(async () => clearAway(house)));
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined } as never;
    const node = { id: 'bench', hostname: 'bench', version: '0' };
    const schedules = new Schedules({ house, log, node });
    let more = '';
    const due = await timed(async () => {
      const run = await schedules.runOnce();
      more = `${run.keysExpired} keys, ${run.credentialsExpired} credentials`;
    });
    results.set('a tenth of all keys expires at once', { ...due, more });
    results.set('a look with nothing due', await timed(async () => schedules.runOnce()));
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
}

/** The documented filters, each alone; in the vault that has most. */
function lists(house: House): Record<string, () => Promise<unknown>> {
  const page: PageWish = { limit: 50 };
  const keys =
    (filter: CloudKeyFilter, wish: PageWish = page) =>
    async () =>
      listCloudKeys(house, firstVault, 'all', filter, wish);
  const events = (wish: Partial<EventWish>) => async () =>
    listEvents(house, firstVault, { ...page, sort: '-sequence', ...wish });
  return {
    vaults: async () => listVaults(house, page),
    'key sets': async () => listKeySets(house, firstVault, 'all', {}, page),
    CloudKeys: keys({}),
    'CloudKeys by name': keys({ name: 'k7' }),
    'CloudKeys by state': keys({ state: 'DISABLED' }),
    'CloudKeys by region': keys({ region: 'eu-central-1' }),
    'CloudKeys, newest first': keys({}, { ...page, sort: '-createdAt' }),
    'CloudKeys, last changed first': keys({}, { ...page, sort: '-updatedAt' }),
    'audit events': events({}),
    'audit events by action': events({ action: 'cloud-key.enable' }),
    'audit events by actor': events({ actor: 'user-3' }),
    'audit events, refused': events({ outcome: 'refused' }),
    'audit events of the last day': events({ from: new Date(now.getTime() - 86_400_000).toISOString() }),
  };
}

async function nodeWork(size: LargeStore, seconds: number, results: Results): Promise<void> {
  const fixture = await createSoftHsmToken();
  const node = await TestNode.create({
    tokens: [{ fixture, settings: { hosts: 2 } }],
    workers: 2,
    realTimes: true,
  });
  let server: Server | undefined;
  try {
    const access = await node.makeKeySet('bench', { prefix: 'bench' });
    const storePath = path.join(node.directory, 'state', 'holdfast.db');
    fillLarge(storePath, size, now, 'bench');
    const store = await SqliteStore.open(storePath);
    try {
      const began = performance.now();
      const words = [mainScript, '--config', node.config, 'serve'];
      server = await Server.start('holdfast serve', words, path.join(node.directory, 'growth.log'));
      results.set('start until ready', {
        milliseconds: performance.now() - began,
        more: `${server.residentMiB.toFixed(0)} MiB`,
      });
      const names = await store.db
        .selectFrom('cloud_keys')
        .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
        .select('external_key_id')
        .where('key_sets.name', '=', 'bench')
        .where('cloud_keys.state', '=', 'AVAILABLE')
        .limit(10_000)
        .execute();
      const client = new XksClient(server.port, access, { ca: node.ca.certificate });
      const requests: SignedRequest[] = [];
      for (const { external_key_id } of names)
        requests.push(
          await client.sign(`${access.uriPath}/keys/${external_key_id}/metadata`, {
            requestMetadata: requestMetadata('DescribeKey'),
          }),
        );
      client.close();
      await underLoad(server, requests, seconds);
      results.set('GetKeyMetadata, keys in use', await underLoad(server, requests, seconds));
      const changes = setInterval(() => void change(store), 1000);
      results.set('GetKeyMetadata, a change each second', await underLoad(server, requests, seconds));
      clearInterval(changes);
    } finally {
      await store.close();
    }
  } finally {
    await server?.stop();
    await node.dispose();
    await fixture.dispose();
  }
}

/** The p99 of a request. */
async function underLoad(server: Server, requests: readonly SignedRequest[], seconds: number): Promise<Cell> {
  const before = server.cpuSeconds;
  const load = await runLoad({ port: server.port, connections, seconds, requests });
  const cpu = ((server.cpuSeconds - before) * 1e6) / load.requests;
  const errors = load.errors === 0 ? '' : `, ${load.errors} errors`;
  const more = `p99; ${requests.length} keys, ${load.perSecond.toFixed(0)}/s, ${cpu.toFixed(0)} µs CPU, ${server.residentMiB.toFixed(0)} MiB${errors}`;
  return { milliseconds: load.p99, more };
}

/** An act on one CloudKey, as workers hear of it. */
async function change(store: SqliteStore): Promise<void> {
  await store.change(byHand, async (trx) =>
    trx
      .updateTable('cloud_keys')
      .set((eb) => ({ quota_rate: 1_000_000, row_version: eb('row_version', '+', 1) }))
      .where('external_key_id', '=', 'e0')
      .execute(),
  );
}
