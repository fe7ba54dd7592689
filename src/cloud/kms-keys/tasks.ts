import { isManual, toApplyOf, type KmsKey } from './records.ts';

/** What is to be done next for a KMS key record; undefined where nothing is. */
export type Task = 'prove' | 'leave' | 'make' | 'settle' | 'alias' | 'apply';

export function taskOf(row: KmsKey): Task | undefined {
  if (row.step === 'GONE') return undefined;
  if (row.leaving !== 'KEEP' && isUnproven(row)) return 'prove';
  if (row.leaving !== null) return 'leave';
  if (row.step === 'KEY') return 'make';
  if (isManual(row)) return undefined;
  if (row.wanted !== null) return 'settle';
  if (row.step === 'ALIAS') return 'alias';
  return toApplyOf(row).length > 0 ? 'apply' : undefined;
}

/** Pasted while nothing here signed in to AWS: it may be any KMS key, of whomever. */
function isUnproven(row: KmsKey): boolean {
  return row.origin === 'MANUAL' && row.key_id !== '' && !isManual(row);
}

/** What of AWS's a failure is of, where the error does not tell. */
export function operationOf(row: KmsKey): string {
  if (row.step === 'KEY') return 'CreateKey';
  return row.step === 'ALIAS' ? 'CreateAlias' : 'UpdateKey';
}
