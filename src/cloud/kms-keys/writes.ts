import { leaveUnrecorded } from '../../store/act-transaction.ts';
import { record } from '../../evidence/trail.ts';
import type { VaultContext } from '../../vault/context.ts';
import { nextTry } from '../controller/retry.ts';
import { bumpRecord, noteOn } from '../../vault/edit-record.ts';
import { toKmsKeyProblem } from './problems.ts';
import {
  auditedKmsKey,
  kmsKeyById,
  kmsKeyEntry,
  problemOf,
  type KmsKey,
  type KmsKeyProblem,
  type KmsKeyRow,
} from './records.ts';
import { systemAct } from '../../vault/system-act.ts';

export type KmsKeyChange = Partial<Omit<KmsKeyRow, 'id' | 'vault_id' | 'cloud_key_id' | 'created_at'>>;

/** After something was made or changed AWS is asked how it shows it, milliseconds: aliases and tags take a while. */
const firstCheck = 5 * 60_000;

export function soonChecked(now: Date): string {
  return new Date(now.getTime() + firstCheck).toISOString();
}

/** AWS has confirmed a change of the KMS key: so it has the key, and may show it as it was for a while. */
export function written(now: Date): Pick<KmsKeyRow, 'seen_at' | 'written_at'> {
  return { seen_at: now.toISOString(), written_at: now.toISOString() };
}

/** Nothing stands against it any more. */
export const settled = { problem: null, attempts: 0, next_attempt_at: null } as const;

/**
 * What was done in AWS, written down: `plan` sees the row as it is now, since somebody may have changed what they want
 * meanwhile, and answers undefined where nothing is to be written. With `verb` it is on the record, as an act of ours.
 * False where nothing was written, or the KMS key record is gone.
 */
export async function writeDone(
  context: VaultContext,
  id: string,
  plan: (row: KmsKey) => KmsKeyChange | undefined,
  verb?: string,
): Promise<boolean> {
  const act = systemAct(context, 'aws');
  return context.store.write(act, async (trx) => {
    leaveUnrecorded(trx, 'work in AWS');
    const before = await kmsKeyById(trx, id);
    if (before === undefined || before.step === 'GONE') return false;
    const change = plan(before);
    if (change === undefined) return false;
    const after = await bumpRecord(trx, 'kms_keys', before, change);
    if (verb === undefined) return true;
    await record(trx, act, {
      ...kmsKeyEntry(verb, after),
      before: auditedKmsKey(before),
      after: auditedKmsKey(after),
    });
    return true;
  });
}

/**
 * A try that failed: what with, and when it is tried again; nothing of that where somebody has meanwhile asked for something,
 * which is tried at once. Answers the problem.
 */
export async function writeFailure(
  context: VaultContext,
  row: Pick<KmsKey, 'id' | 'attempts' | 'problem' | 'next_attempt_at'>,
  error: unknown,
  operation: string,
  keyArn?: string,
): Promise<KmsKeyProblem> {
  const now = context.now();
  const failed = toKmsKeyProblem(error, operation, now);
  const before = problemOf(row);
  // Of the same kind: one lost answer after ten looks at what AWS does not show yet is the first.
  const isSame =
    before?.fault === failed.fault || (before?.fault === 'searching' && failed.fault === 'settling');
  const times = isSame ? (before?.times ?? row.attempts) + 1 : 1;
  const problem = { ...failed, times, ...(keyArn === undefined ? {} : { keyArn }) };
  const next_attempt_at = nextTry(problem.fault, times, now).toISOString();
  await context.store.bookkeep('work in AWS', async (trx) =>
    noteOn(trx, 'kms_keys')
      .set({ attempts: row.attempts + 1, next_attempt_at, problem: JSON.stringify(problem) })
      .where('id', '=', row.id)
      .where('step', '<>', 'GONE')
      .where('next_attempt_at', 'is not distinct from', row.next_attempt_at)
      .execute(),
  );
  return problem;
}

/** Why nothing is done for now; null where it goes on in its turn. */
export async function writeProblem(
  context: VaultContext,
  id: string,
  problem: KmsKeyProblem | null,
  change: Partial<Pick<KmsKeyRow, 'attempts' | 'next_attempt_at'>>,
): Promise<void> {
  await context.store.bookkeep('work in AWS', async (trx) =>
    noteOn(trx, 'kms_keys')
      .set({ ...change, problem: problem === null ? null : JSON.stringify(problem) })
      .where('id', '=', id)
      .where('step', '<>', 'GONE')
      .execute(),
  );
}

/** The KMS key record is given up; the row stays to say what became of the KMS key. */
export async function writeGone(
  context: VaultContext,
  row: Pick<KmsKey, 'id'>,
  outcome: KmsKeyRow['outcome'],
): Promise<void> {
  await writeDone(context, row.id, () => goneAs(outcome), 'gone');
}

export function goneAs(outcome: KmsKeyRow['outcome']): KmsKeyChange {
  return {
    ...settled,
    ...{ step: 'GONE', outcome, wanted: null, to_apply: '[]', search: null, next_check_at: null },
    ...(outcome === 'NEVER_MADE' || outcome === 'GONE_IN_AWS' ? { cloud_status: 'NOT_FOUND' } : {}),
  };
}
