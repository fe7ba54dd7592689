import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import Table from 'cli-table3';
import { listEvents } from '../src/admin/audit/audit-event-list.ts';
import { SqliteStore } from '../src/store/sqlite/sqlite.ts';
import { listCloudKeys, type CloudKeyFilter } from '../src/keys/cloud-keys.ts';
import { listKeySets } from '../src/keys/key-sets/key-sets.ts';
import type { Page, PageInput } from '../src/vault/page.ts';
import { memoryDirectory } from '../testing/memory-directory.ts';
import { fillStore, type StoreSize } from './large-store.ts';

/*
 * What a page of a list costs in a small store and in large ones: within the vault functions, without HTTP. A page has
 * fifty rows at the most, so the small store's ten keys are less to read; what must not grow is the cost of what is
 * not on the page.
 */

const sizes: Record<string, StoreSize> = {
  '10 keys': { vaults: 1, keySets: 1, keysOfKeySet: 10, auditEvents: 20 },
  '200 vaults of 10': { vaults: 200, keySets: 1, keysOfKeySet: 10, auditEvents: 20 },
  '2,000 in one vault': { vaults: 1, keySets: 200, keysOfKeySet: 10, auditEvents: 4000 },
};

interface Subject {
  store: SqliteStore;
  now: () => Date;
  vaultId: string;
}

type List = (subject: Subject) => Promise<unknown>;
const page = (input: Partial<PageInput> = {}): PageInput => ({ limit: 50, ...input });

/** Of the last page only the last step is timed: how to get there is another's cost. */
const lists: Record<string, (subject: Subject) => Promise<List> | List> = {
  'key sets': () => async (of) => listKeySets(of, of.vaultId, 'all', {}, page()),
  'key sets, last page': async (subject) => {
    const read = async (of: Subject, input: PageInput) => listKeySets(of, of.vaultId, 'all', {}, input);
    const cursor = await lastCursor((input) => read(subject, input), page());
    return async (of) => read(of, page(cursor));
  },
  CloudKeys: () => async (of) => keysOf(of, {}, page()),
  'CloudKeys by name': () => async (of) => keysOf(of, { name: 'orders-' }, page()),
  'CloudKeys by state': () => async (of) => keysOf(of, { state: 'DISABLED' }, page()),
  'CloudKeys by region': () => async (of) => keysOf(of, { region: 'eu-central-1' }, page()),
  'CloudKeys, last changed first': () => async (of) => keysOf(of, {}, page({ sort: '-updatedAt' })),
  'CloudKeys, last page': async (subject) => {
    const cursor = await lastCursor((input) => keysOf(subject, {}, input), page());
    return async (of) => keysOf(of, {}, page(cursor));
  },
  'audit events': () => async (of) => eventsOf(of, page()),
  'audit events by action': () => async (of) => eventsOf(of, page(), { action: 'cloud-key.disable' }),
  'audit events, last page': async (subject) => {
    const cursor = await lastCursor((input) => eventsOf(subject, input), page());
    return async (of) => eventsOf(of, page(cursor));
  },
};

/** Prints a table of median times, milliseconds, and how they are to the small store's. */
export async function benchLists(): Promise<void> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-bench-lists-'));
  const subjects: [string, Subject][] = [];
  try {
    for (const [name, size] of Object.entries(sizes)) {
      const store = await SqliteStore.init(path.join(directory, `${subjects.length}.db`));
      const vaults = await fillStore(store, size);
      const vaultId = vaults[Math.floor(vaults.length / 2)] ?? '';
      subjects.push([name, { store, now: () => new Date(), vaultId }]);
    }
    const table = new Table({
      head: [
        'list, page of 50',
        ...subjects.flatMap(([name], i) => (i === 0 ? [`${name}, ms`] : [`${name}, ms`, '×'])),
      ],
      style: { head: [], border: [] },
    });
    for (const [name, prepare] of Object.entries(lists)) {
      const runs = await Promise.all(
        subjects.map(async ([, subject]) => ({ subject, run: await prepare(subject) })),
      );
      const times = await medians(runs);
      const first = times[0] ?? NaN;
      table.push([
        name,
        ...times.flatMap((time, i) =>
          i === 0 ? [time.toFixed(2)] : [time.toFixed(2), (time / first).toFixed(1)],
        ),
      ]);
    }
    console.log(table.toString());
  } finally {
    for (const [, { store }] of subjects) await store.close();
    await rm(directory, { recursive: true });
  }
}

/** In turn, so that a noisy moment meets all of them. */
async function medians(runs: readonly { subject: Subject; run: List }[]): Promise<number[]> {
  const samples: number[][] = runs.map(() => []);
  for (let round = 0; round < 110; round++)
    for (const [i, { subject, run }] of runs.entries()) {
      const began = performance.now();
      await run(subject);
      // The first ones compile.
      if (round >= 10) samples[i]?.push(performance.now() - began);
    }
  return samples.map((times) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN);
}

async function keysOf(of: Subject, filter: CloudKeyFilter, input: PageInput): Promise<Page<unknown>> {
  return listCloudKeys(of, of.vaultId, 'all', filter, input);
}

/** The newest first, as its route has it. */
async function eventsOf(
  of: Subject,
  input: PageInput,
  filter: { action?: string } = {},
): Promise<Page<unknown>> {
  return listEvents(of, of.vaultId, { sort: '-sequence', ...input, ...filter });
}

/** The cursor of the last page; none where there is one page only. */
async function lastCursor(
  read: (input: PageInput) => Promise<Page<unknown>>,
  input: PageInput,
): Promise<{ cursor?: string }> {
  let last: { cursor?: string } = {};
  for (;;) {
    const { next } = await read({ ...input, ...last });
    if (next === null) return last;
    last = { cursor: next };
  }
}
