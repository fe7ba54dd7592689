import type { Transaction } from 'kysely';
import { StoreError } from './store-error.ts';
import type { Tables } from './schema.ts';

/** For what a transaction may use the space that the store keeps in reserve; see space-reserve.ts. */
export type ReservedFor = 'restriction' | 'sign-in' | 'serving';

interface Promised {
  what: string;
  stands: () => Promise<boolean>;
}

const promises = new WeakMap<object, Promised[]>();
const purposes = new WeakMap<object, ReservedFor>();

/**
 * Whatever the database does by itself when a row is written, this holds when the transaction commits, or it does not
 * commit: `stands` is asked last of all. `what` names it for the operator.
 */
export function willStand(trx: Transaction<Tables>, what: string, stands: () => Promise<boolean>): void {
  const known = promises.get(trx);
  if (known === undefined) promises.set(trx, [{ what, stands }]);
  else known.push({ what, stands });
}

/**
 * The transaction takes power away: disables, freezes, withdraws, expires, deletes. It is read back before it is
 * answered, and where the disk is full it has the space that is kept for it.
 */
export function restricts(trx: Transaction<Tables>, what: string, stands: () => Promise<boolean>): void {
  purposes.set(trx, 'restriction');
  willStand(trx, what, stands);
}

/** The transaction signs somebody in, who may have come to disable a key: it has a part of the reserved space too. */
export function signsIn(trx: Transaction<Tables>): void {
  if (!purposes.has(trx)) purposes.set(trx, 'sign-in');
}

/** The transaction is what keys that are in use cannot be served without: it has the same part. */
export function serves(trx: Transaction<Tables>): void {
  purposes.set(trx, 'serving');
}

/** For the store: what the transaction may use the reserve for. */
export function purposeOf(trx: Transaction<Tables>): ReservedFor | undefined {
  return purposes.get(trx);
}

/** For the store, last in the transaction. Throws StoreError `changed-back`. */
export async function readBack(trx: Transaction<Tables>): Promise<void> {
  for (const { what, stands } of promises.get(trx) ?? [])
    if (!(await stands()))
      throw new StoreError(
        'changed-back',
        `${what} is not in the store as it was written: nothing was done`,
        'something in the database changes it back; holdfast serve --check names what is not of Holdfast there',
      );
}
