import type { Act, AuditEntry } from '../../evidence/trail.ts';
import { record } from '../../evidence/trail.ts';
import type { AwsAccount } from '../aws/clients.ts';
import { isSettling } from '../aws/presence.ts';
import { leaveUnrecorded } from '../../store/act-transaction.ts';
import type { ActTransaction } from '../../store/store.ts';
import type { AwsContext } from '../accounts/context.ts';
import { saveRecord } from '../../vault/edit-record.ts';
import { nextTry } from '../controller/retry.ts';
import type { ExternalKeyStore, StoreChange } from './records.ts';
import { readProblem, type StoreProblem } from './wanted.ts';
import type { VaultContext } from '../../vault/context.ts';
import type { KeySet } from '../../keys/key-sets/key-set-records.ts';
import { holdLease, releaseLease } from '../../fleet/leases.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** What works on one external key store in AWS, alone at it. */
export interface Turn {
  context: AwsContext;
  act: Act;
  keySet: KeySet;
  aws: AwsAccount;
  /** A person asks for it now, or what was asked for earlier is gone on with. */
  by: 'operator' | 'watch';
}

/** All requests of one turn, with every repetition and time-out, are over before, milliseconds. */
const turnTime = 5 * 60_000;

const atWork = new Set<string>();

/**
 * Runs what works on one key store, one at a time: the lease holds off other processes, and falls to whoever comes next
 * where its holder was killed. Throws VaultError `conflict` where another is at it.
 */
export async function inTurn<T>(context: VaultContext, id: string, run: () => Promise<T>): Promise<T> {
  const name = `external-key-store ${id}`;
  // The lease alone would let the same process in twice.
  if (atWork.has(id)) throw anotherAtIt();
  atWork.add(id);
  try {
    if (!(await holdLease(context, name, turnTime))) throw anotherAtIt();
    try {
      return await run();
    } finally {
      await releaseLease(context, name);
    }
  } finally {
    atWork.delete(id);
  }
}

export function isAtWork(id: string): boolean {
  return atWork.has(id);
}

function anotherAtIt(): VaultError {
  return new VaultError(
    'conflict',
    'another act on this external key store is under way',
    'repeat it in a moment; holdfast external-key-store show tells how far it is',
  );
}

/**
 * Writes a change with its audit events. Throws VaultError `not-found` where the record is gone meanwhile, `precondition`
 * where it is another version.
 */
export async function saveIn(
  trx: ActTransaction,
  act: Act,
  row: ExternalKeyStore,
  change: StoreChange,
  entries: readonly AuditEntry[] = [],
): Promise<ExternalKeyStore> {
  const now = await trx
    .selectFrom('external_key_stores')
    .select('id')
    .where('id', '=', row.id)
    .executeTakeFirst();
  if (now === undefined) throw new VaultError('not-found', 'the external key store was deleted meanwhile');
  leaveUnrecorded(trx, 'work in AWS');
  const after = await saveRecord(trx, 'external_key_stores', row, change);
  for (const entry of entries) await record(trx, act, entry);
  return after;
}

export async function save(
  { context, act }: Pick<Turn, 'context' | 'act'>,
  row: ExternalKeyStore,
  change: StoreChange,
  entries: readonly AuditEntry[] = [],
): Promise<ExternalKeyStore> {
  return context.store.write(act, async (trx) => saveIn(trx, act, row, change, entries));
}

const soon = 5_000;
/** While it may show as it was before what we changed. */
const settling = 30_000;
const steady = 5 * 60_000;

/** When the watch looks at it next: seconds later while something is under way, else minutes; null for not at all. */
export function nextLook(
  row: Pick<ExternalKeyStore, 'state' | 'wanted'> & { updated_at?: string },
  now: Date,
  failed: { fault: string; times: number } | null = null,
): string | null {
  const underWay = row.wanted !== null || row.state === 'CONNECTING' || row.state === 'DISCONNECTING';
  if (row.state === 'NOT_FOUND' && row.wanted === null) return null;
  if (failed !== null) return nextTry(failed.fault, failed.times, now).toISOString();
  // Not all of a restarted node's at once.
  const changedAt = row.updated_at === undefined ? null : new Date(row.updated_at);
  const pause = isSettling(changedAt, now) ? settling : steady;
  const next = underWay ? soon : pause * (0.9 + Math.random() * 0.2);
  return new Date(now.getTime() + next).toISOString();
}

/** An error, as far as it is written down. */
export interface StoreFailure {
  operation?: string;
  /** As AwsError has it; `conflict` unless it is told. */
  fault?: string;
  code?: string;
  message: string;
  remediation?: string | undefined;
}

/** What went wrong, with how often in a row. */
export function problemOf(
  row: Pick<ExternalKeyStore, 'problem'>,
  error: StoreFailure,
  now: Date,
): StoreProblem {
  const { operation = '', fault = 'conflict', code = 'Holdfast', message, remediation = '' } = error;
  const before = readProblem(row);
  const again = before?.operation === operation && before.code === code;
  return {
    operation,
    fault,
    code,
    message,
    remediation,
    at: now.toISOString(),
    times: again ? before.times + 1 : 1,
  };
}
