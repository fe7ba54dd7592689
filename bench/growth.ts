import type { KeyContext } from '../src/keys/followers.ts';
import { awsFollower } from '../src/cloud/kms-keys/cloud-key-follower.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { listEvents, type EventInput } from '../src/admin/audit/audit-event-list.ts';
import { SqliteStore } from '../src/store/sqlite/sqlite.ts';
import { versionLabel, versionObjectId } from '../src/token/own-keys.ts';
import { listCloudKeys, type CloudKeyFilter } from '../src/keys/cloud-keys.ts';
import { clearAway } from '../src/schedules/housekeeping.ts';
import { listKeySets, updateKeySet } from '../src/keys/key-sets/key-sets.ts';
import { listKmsKeys, type KmsKeyFilter } from '../src/cloud/kms-keys/records.ts';
import type { PageInput } from '../src/vault/page.ts';
import { reconcile } from '../src/reconcile/reconcile.ts';
import { Schedules } from '../src/schedules/schedules.ts';
import { systemAct } from '../src/vault/system-act.ts';
import { TokenPools } from '../src/vault/tokens.ts';
import { unfinishedSteps } from '../src/schedules/unfinished-steps.ts';
import { finishWork } from '../src/vault/unfinished-work.ts';
import { deleteVault } from '../src/tenancy/vault-deletion.ts';
import { listVaults } from '../src/vault/vaults.ts';
import { memoryDirectory } from '../testing/memory-directory.ts';
import { memoryToken } from '../testing/memory-token.ts';
import { nodeWork } from './growth-node.ts';
import type { Cell, Results } from './growth-results.ts';
import { fillLarge, firstVault, type LargeStore } from './larger-store.ts';
import { StallWatch } from './stalls.ts';

/*
 * BENCH_ONLY=growth: what a node's work costs as what it keeps grows, and how long it stops an event loop at the most.
 * BENCH_STAGES (small,middle) picks the sizes, by name or as vaults:keys:events:objects; `large` takes some
 * ten minutes. Lists and background work run in this process, over a store like a node's and a token in
 * memory, so that what is measured is ours; start, memory, load and the stalls of each process are a node's, with real key
 * objects in SoftHSM.
 */

const stages: Readonly<Record<string, Required<LargeStore>>> = {
  small: { vaults: 10, keys: 100, events: 10_000, objects: 40 },
  middle: { vaults: 1_000, keys: 10_000, events: 100_000, objects: 2_000 },
  large: { vaults: 10_000, keys: 100_000, events: 1_000_000, objects: 20_000 },
};

/** So many key objects are in the token that reconcile compares. */
const maxObjects = 20_000;
const now = new Date('2031-05-05T12:00:00.000Z');

export async function benchGrowth(seconds: number): Promise<void> {
  const names = (process.env['BENCH_STAGES'] ?? 'small,middle').split(',');
  const columns: [string, Results][] = [];
  for (const name of names) {
    const began = performance.now();
    const size = stages[name] ?? stageOf(name);
    const results: Results = new Map();
    await storeWork(size, results);
    await nodeWork(size, { now, seconds, results });
    console.log(`  ${name}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
    columns.push([
      `${size.keys.toLocaleString('en')} CloudKeys, ${size.vaults.toLocaleString('en')} vaults, ${size.events.toLocaleString('en')} events, ${size.objects.toLocaleString('en')} key objects`,
      results,
    ]);
  }
  const rows = new Set(columns.flatMap(([, results]) => [...results.keys()]));
  console.log('\nms (longest stall of an event loop, ms: by the clock; by the processor)\n');
  console.log(`| what | ${columns.map(([name]) => name).join(' | ')} |`);
  console.log(`| --- |${columns.map(() => ' ---: |').join('')}`);
  for (const row of rows)
    console.log(`| ${row} | ${columns.map(([, results]) => shown(results.get(row))).join(' | ')} |`);
}

function stageOf(text: string): Required<LargeStore> {
  const [vaults = NaN, keys = NaN, events = NaN, objects = NaN] = text.split(':').map(Number);
  if (![vaults, keys, events, objects].every((count) => Number.isInteger(count) && count > 0))
    throw new RangeError(`BENCH_STAGES: no stage ${text}; as numbers it is vaults:keys:events:objects`);
  return { vaults, keys, events, objects };
}

function shown(cell: Cell | undefined): string {
  if (cell === undefined) return '-';
  const { milliseconds, stall, more } = cell;
  return [
    ...(Number.isNaN(milliseconds) ? [] : [milliseconds.toFixed(1)]),
    ...(stall === undefined ? [] : [`(${stall.clock.toFixed(0)}; ${stall.processor.toFixed(0)})`]),
    ...(more === undefined ? [] : [more]),
  ].join(' ');
}

/** How long `work` takes, and for how long it stops the event loop at the most. */
async function timed(work: () => Promise<unknown>): Promise<Cell> {
  const watch = new StallWatch();
  // It counts from one of its own ticks to the next.
  await new Promise((resolve) => setTimeout(resolve, 5));
  const began = performance.now();
  await work();
  const milliseconds = performance.now() - began;
  await new Promise((resolve) => setTimeout(resolve, 5));
  return { milliseconds, stall: watch.stop() };
}

// oxlint-disable-next-line max-lines-per-function -- a list of measurements
async function storeWork(size: LargeStore, results: Results): Promise<void> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-bench-growth-'));
  const store = await SqliteStore.init(path.join(directory, 'holdfast.db'));
  try {
    fillLarge(path.join(directory, 'holdfast.db'), size, now);
    const current = await store.db
      .selectFrom('cloud_keys')
      .select(['id', 'key_set_id', 'external_key_id'])
      .limit(maxObjects)
      .execute();
    const token = memoryToken(
      current.map(({ id, key_set_id, external_key_id }) => ({
        id: versionObjectId(id, 2),
        label: versionLabel(key_set_id, external_key_id, 2),
      })),
    );
    const vaultContext: KeyContext = {
      store,
      tokens: new TokenPools([token]),
      now: () => now,
      instance: 'bench/1',
      followers: [awsFollower],
    };
    for (const [name, list] of Object.entries(lists(vaultContext))) {
      await list();
      results.set(`first page: ${name}`, await timed(list));
    }
    const memory = process.memoryUsage().rss;
    const compared = await timed(async () =>
      reconcile(vaultContext, systemAct(vaultContext, 'bench'), { askedBy: 'bench' }),
    );
    const grown = Math.max(0, process.memoryUsage().rss - memory) / 2 ** 20;
    results.set(`reconcile, ${current.length} key objects`, {
      ...compared,
      more: `+${grown.toFixed(0)} MiB`,
    });
    results.set('housekeeping', await timed(async () => clearAway(vaultContext)));
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined } as never;
    const schedules = new Schedules({ context: vaultContext, log });
    let more = '';
    const due = await timed(async () => {
      const run = await schedules.runOnce();
      more = `${run.keysExpired} keys, ${run.credentialsExpired} credentials`;
    });
    results.set('a tenth of all keys expires at once', { ...due, more });
    results.set('a look with nothing due', await timed(async () => schedules.runOnce()));
    const act = systemAct(vaultContext, 'bench');
    const plan = async () =>
      updateKeySet(vaultContext, act, { vaultId: firstVault, sight: 'all', id: 's0' }, { rotationDays: 90 });
    results.set('a new schedule of half of all keys: answered', await timed(plan));
    results.set('… and worked off', await timed(async () => finishWork(vaultContext, unfinishedSteps)));
    await store.db
      .updateTable('cloud_keys')
      .set({ state: 'DISABLED' })
      .where(
        'key_set_id',
        'in',
        store.db.selectFrom('key_sets').select('id').where('vault_id', '=', firstVault),
      )
      .where('state', '=', 'AVAILABLE')
      .execute();
    const end = async () => deleteVault(vaultContext, act, firstVault, firstVault, undefined);
    results.set('the deletion of the vault with half of all keys: answered', await timed(end));
    results.set('… and worked off ', await timed(async () => finishWork(vaultContext, unfinishedSteps)));
    const { largest } = store.writes;
    results.set('the largest write transaction', {
      milliseconds: largest.took,
      more: `${largest.rows} rows`,
    });
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
}

/** The documented filters, each alone; in the vault that has most. */
function lists(vaultContext: KeyContext): Record<string, () => Promise<unknown>> {
  const page: PageInput = { limit: 50 };
  const keys =
    (filter: CloudKeyFilter, input: PageInput = page) =>
    async () =>
      listCloudKeys(vaultContext, firstVault, 'all', filter, input);
  const kms = (filter: KmsKeyFilter) => async () =>
    listKmsKeys(vaultContext, firstVault, 'all', filter, page);
  const events = (input: Partial<EventInput>) => async () =>
    listEvents(vaultContext, firstVault, { ...page, sort: '-sequence', ...input });
  return {
    vaults: async () => listVaults(vaultContext, page),
    'key sets': async () => listKeySets(vaultContext, firstVault, 'all', {}, page),
    CloudKeys: keys({}),
    'CloudKeys by name': keys({ name: 'k7' }),
    'CloudKeys by state': keys({ state: 'DISABLED' }),
    'CloudKeys by region': keys({ region: 'eu-central-1' }),
    'CloudKeys by a state that none has': keys({ state: 'PENDING_DELETION' }),
    'CloudKeys by a Region that none has': keys({ region: 'eu-west-9' }),
    'CloudKeys of no state and Region, last changed first': keys(
      { state: 'PENDING_DELETION', region: 'eu-west-9' },
      { ...page, sort: '-updatedAt' },
    ),
    'CloudKeys of a group that has none': async () =>
      listCloudKeys(vaultContext, firstVault, ['nobody'], {}, page),
    'KMS keys': kms({}),
    'KMS keys by a status that none has': kms({ cloudStatus: 'PENDING_DELETION' }),
    'KMS keys by a step that none has': kms({ step: 'KEY' }),
    'KMS keys by a Region that none has': kms({ region: 'eu-west-9' }),
    'CloudKeys, newest first': keys({}, { ...page, sort: '-createdAt' }),
    'CloudKeys, last changed first': keys({}, { ...page, sort: '-updatedAt' }),
    'audit events': events({}),
    'audit events by action': events({ action: 'cloud-key.enable' }),
    'audit events by actor': events({ actor: 'user-3' }),
    'audit events, refused': events({ outcome: 'refused' }),
    'audit events by an actor and an outcome that meet nowhere': events({
      actor: 'user-1',
      outcome: 'refused',
      action: 'nothing',
    }),
    'audit events of the last day': events({ from: new Date(now.getTime() - 86_400_000).toISOString() }),
  };
}
