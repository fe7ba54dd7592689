import { serves } from '../store/read-back.ts';
import type { UseTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { wallClock } from '../clock.ts';
import { blockSize, refuseAt } from '../keys/encryption-limits.ts';
import type { ActivateAsk, BeginAsk, BegunVersion, TakeBackAsk } from './limit-rotation.ts';
import { versionWritesInto } from './limit-rotation-writes.ts';

/*
 * What serving AWS writes: blocks of encryptions that are counted ahead, that keys and credentials were used, what was
 * found of key objects, and the steps of a rotation at the limit. An XKS worker reads the store and asks for these; they
 * are written in the supervisor's thread, whose waiting for a disk or a lock stops nobody's answers.
 */

/** Asks for one block of encryptions with a version of a CloudKey. */
export interface LeaseAsk {
  cloudKeyId: string;
  version: number;
}

/** How many encryptions of the version are leased with this block; null where no further block may be. */
export type Leased = number | null;

/** That the key object of a version is not the key on record; without `unfit` that it is. */
export interface UnfitNote {
  cloudKeyId: string;
  version: number;
  /** `since`: ISO 8601, UTC. */
  unfit?: { since: string; why: string } | undefined;
}

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

export async function writeUnfit(
  store: Pick<Store, 'bookkeep'>,
  { cloudKeyId, version, unfit }: UnfitNote,
): Promise<void> {
  await store.bookkeep(async (trx) =>
    trx
      .updateTable('key_versions')
      .set({ unfit_since: unfit?.since ?? null, unfit_why: unfit?.why ?? null })
      .where('cloud_key_id', '=', cloudKeyId)
      .where('version', '=', version)
      // The first time is kept.
      .where('unfit_since', unfit === undefined ? 'is not' : 'is', null)
      .execute(),
  );
}

async function leaseBlocks(store: Pick<Store, 'bookkeep'>, asks: readonly LeaseAsk[]): Promise<Leased[]> {
  const leased: Leased[] = [];
  for (let from = 0; from < asks.length; from += rowsAtOnce)
    leased.push(...(await leaseSome(store, asks.slice(from, from + rowsAtOnce))));
  return leased;
}

async function leaseSome(store: Pick<Store, 'bookkeep'>, asks: readonly LeaseAsk[]): Promise<Leased[]> {
  return store.bookkeep(async (trx) => {
    serves(trx);
    const leased: Leased[] = [];
    for (const { cloudKeyId, version } of asks) {
      const row = await trx
        .updateTable('key_versions')
        .set((eb) => ({ encryptions_leased: eb('encryptions_leased', '+', blockSize) }))
        .where('cloud_key_id', '=', cloudKeyId)
        .where('version', '=', version)
        .where('encryptions_leased', '<=', refuseAt - blockSize)
        .returning('encryptions_leased')
        .executeTakeFirst();
      leased.push(row?.encryptions_leased ?? null);
    }
    return leased;
  });
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
