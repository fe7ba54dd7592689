import type { SeenVersion } from '../store/act-transaction.ts';
import type { Authority, Store } from '../store/store.ts';
import type { Reading } from './edits.ts';
import type { TokenPools } from './tokens.ts';
import { VaultError } from './vault-error.ts';

/** What argon2id takes to hash a password. */
export interface PasswordCost {
  /** KiB. */
  memory: number;
  passes: number;
  parallelism: number;
}

/** What every act on the vault works with. */
export interface VaultContext {
  store: Store;
  tokens: TokenPools;
  /** The wall clock; a test's own where time is what it tests. */
  now: () => Date;
  /** This process, `node id/start`: what it leaves half done can be told from what another is doing. */
  instance: string;
  /** By which it does acts of its own; without, it always may. A schedule may while the lease of it is its own. */
  authority?: Authority;
  /** Told where an act has left work to the schedule; a process without one has nobody to tell. */
  onWorkLeft?: () => void;
  /** Of passwords that are hashed anew. A node has none of its own; tests that are not about passwords have a small one. */
  passwordCost?: PasswordCost;
}

/** One that writes nothing: for what only looks things up, or has the token do something. */
export type ReadingContext = Omit<VaultContext, 'store'> & { store: { db: Reading } };

/**
 * Which records of a vault someone may see: those of the admin groups they are in, or all. Looking for another's record
 * finds nothing, as if it were not there.
 */
export type Sight = 'all' | readonly string[];

/** Where an act looks for its record, and which records are seen from there. */
export interface Scope {
  vaultId: string;
  sight: Sight;
}

/** The row version that the caller has seen of the record; undefined where any is meant. */
export interface Expected {
  expected?: SeenVersion | undefined;
}

/** The record that an act is on. */
export interface Target extends Scope, Expected {
  id: string;
}

/** A vault, or what it has but one of. */
export interface VaultTarget extends Expected {
  vaultId: string;
}

/** Throws VaultError `precondition` where the record is not the one that the caller has seen. */
export function checkRowVersion(row: { row_version: number }, expected: SeenVersion | undefined): void {
  if (expected?.isOf(row) === false) throw changedMeanwhile();
}

/** The same where the record was read before this transaction, and what was found out meanwhile is of it as it was then. */
export function checkUnchanged(now: { row_version: number }, before: { row_version: number }): void {
  if (now.row_version !== before.row_version) throw changedMeanwhile();
}

export function changedMeanwhile(): VaultError {
  return new VaultError('precondition', 'it has been changed meanwhile; look at it again, then try again');
}
