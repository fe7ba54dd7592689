import type { UseTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { wallClock } from '../clock.ts';
import { leaseBlocks, type KnownCounts, type Leased, type LeaseAsk } from '../keys/encryption-leases.ts';
import { writeUnfit, type UnfitNote } from '../keys/unfit-note.ts';
import {
  versionWritesInto,
  type ActivateAsk,
  type BeginAsk,
  type BegunVersion,
  type TakeBackAsk,
} from '../keys/limit-rotation-writes.ts';
import { addUses } from '../keys/used.ts';
import { addFailedRequests, type FailedRequests } from '../keys/failed-request-rows.ts';

/*
 * What serving AWS writes: blocks of encryptions that are counted ahead, that keys and credentials were used, which
 * requests failed, what was found of key objects, and the steps of a rotation at the limit. An XKS worker reads the store and asks for these; they
 * are written in the supervisor's thread, whose waiting for a disk or a lock stops nobody's answers.
 */

export type ServedWrite =
  | { kind: 'leases'; asks: LeaseAsk[] }
  | { kind: 'uses'; uses: UseTable[] }
  | { kind: 'failed-requests'; requests: FailedRequests[] }
  | { kind: 'unfit'; note: UnfitNote }
  | { kind: 'begin-version'; ask: BeginAsk }
  | { kind: 'activate-version'; ask: ActivateAsk }
  | { kind: 'take-back-version'; ask: TakeBackAsk };

/** What was written: for `leases` the answers in the order of the asks. */
export type ServedWritten =
  | { kind: 'leases'; leased: Leased[] }
  | { kind: 'uses' | 'failed-requests' | 'unfit' | 'take-back-version' }
  | { kind: 'begin-version'; begun: BegunVersion | null }
  | { kind: 'activate-version'; current: number };

/** What it takes of a store to write for XKS workers. */
export type ServedStore = Pick<Store, 'db' | 'bookkeep' | 'change'>;

/** So many rows are written in one transaction. */
const rowsPerBatch = 200;

/**
 * Each block is in the store, synced, before anybody may use it (promise 5). `by` is the process that asked, told by who
 * knows it: it faces the network, and what it says of itself proves nothing. `known` is what was leased before. Throws StoreError.
 */
export async function writeServed(
  store: ServedStore,
  write: ServedWrite,
  by: string,
  now: () => Date = wallClock,
  known?: KnownCounts,
): Promise<ServedWritten> {
  const versions = versionWritesInto(store, now, by);
  switch (write.kind) {
    case 'leases':
      return { kind: 'leases', leased: await leaseBlocks(store, write.asks, known) };
    case 'uses':
      for (let from = 0; from < write.uses.length; from += rowsPerBatch)
        await addUses(store, write.uses.slice(from, from + rowsPerBatch));
      return { kind: 'uses' };
    case 'failed-requests':
      for (let from = 0; from < write.requests.length; from += rowsPerBatch)
        await addFailedRequests(store, write.requests.slice(from, from + rowsPerBatch));
      return { kind: 'failed-requests' };
    case 'unfit':
      await writeUnfit(store, write.note);
      return { kind: 'unfit' };
    case 'begin-version':
      return { kind: 'begin-version', begun: await versions.begin(write.ask) };
    case 'activate-version':
      return { kind: 'activate-version', current: await versions.activate(write.ask) };
    case 'take-back-version':
      await versions.takeBack(write.ask);
      return { kind: 'take-back-version' };
  }
}
