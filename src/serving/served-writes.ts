import type { UseTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { wallClock } from '../clock.ts';
import { leaseBlocks, type Leased, type LeaseAsk } from '../keys/encryption-leases.ts';
import { writeUnfit, type UnfitNote } from '../keys/unfit-note.ts';
import type { ActivateAsk, BeginAsk, BegunVersion, TakeBackAsk } from './limit-rotation.ts';
import { versionWritesInto } from './limit-rotation-writes.ts';

/*
 * What serving AWS writes: blocks of encryptions that are counted ahead, that keys and credentials were used, what was
 * found of key objects, and the steps of a rotation at the limit. An XKS worker reads the store and asks for these; they
 * are written in the supervisor's thread, whose waiting for a disk or a lock stops nobody's answers.
 */

export type ServedWrite =
  | { kind: 'leases'; asks: LeaseAsk[] }
  | { kind: 'uses'; uses: UseTable[] }
  | { kind: 'unfit'; note: UnfitNote }
  | { kind: 'begin-version'; ask: BeginAsk }
  | { kind: 'activate-version'; ask: ActivateAsk }
  | { kind: 'take-back-version'; ask: TakeBackAsk };

/** What was written: for `leases` the answers in the order of the asks. */
export type ServedWritten =
  | { kind: 'leases'; leased: Leased[] }
  | { kind: 'uses' | 'unfit' | 'take-back-version' }
  | { kind: 'begin-version'; begun: BegunVersion | null }
  | { kind: 'activate-version'; current: number };

/** What it takes of a store to write for XKS workers. */
export type ServedStore = Pick<Store, 'db' | 'bookkeep' | 'change'>;

/** So many rows are written in one transaction. */
const rowsAtOnce = 200;

/**
 * Each block is in the store, synced, before anybody may use it (promise 5). `by` is the process that asked, told by who
 * knows it: it faces the network, and what it says of itself proves nothing. Throws StoreError.
 */
export async function writeServed(
  store: ServedStore,
  write: ServedWrite,
  by: string,
  now: () => Date = wallClock,
): Promise<ServedWritten> {
  const versions = versionWritesInto(store, now, by);
  switch (write.kind) {
    case 'leases':
      return { kind: 'leases', leased: await leaseBlocks(store, write.asks) };
    case 'uses':
      for (let from = 0; from < write.uses.length; from += rowsAtOnce)
        await addUses(store, write.uses.slice(from, from + rowsAtOnce));
      return { kind: 'uses' };
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

async function addUses(store: Pick<Store, 'bookkeep'>, rows: readonly UseTable[]): Promise<void> {
  if (rows.length === 0) return;
  await store.bookkeep(async (trx) =>
    trx
      .insertInto('uses')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['kind', 'id']).doUpdateSet((eb) => {
          // Another worker may have written what came later.
          const newer = <C extends 'last_at' | 'last_address'>(column: C) =>
            eb
              .case()
              .when('excluded.last_at', '>=', eb.ref('uses.last_at'))
              .then(eb.ref(`excluded.${column}`))
              .else(eb.ref(`uses.${column}`))
              .end();
          return {
            count: eb('uses.count', '+', eb.ref('excluded.count')),
            last_at: newer('last_at'),
            last_address: newer('last_address'),
          };
        }),
      )
      .execute(),
  );
}
