import type { KmsKeyFacts } from '../aws/kms-key-memory.ts';
import type { Change, Plan, Recorded } from '../controller/resource.ts';
import { driftOf } from './drift.ts';
import { cloudStatusOf } from './look.ts';
import {
  auditedKmsKey,
  kmsKeyEntry,
  type Applied,
  type KmsKey,
  type KmsKeyRow,
  type SeenKey,
} from './records.ts';
import { taskOf } from './tasks.ts';

/* What is recorded of a KMS key: after a step, and when it is given up. */

export const words = {
  /** Of a refusal of ours that does not say itself what to do. */
  remediation: 'put it right, then holdfast kms-key retry',
  busy: {
    message: 'another process is at this KMS key',
    remediation: 'try again in a moment; holdfast kms-key show tells how far it is',
  },
};

export type KmsKeyChange = Change<'kms_keys'>;

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

/** What was done in AWS, on the trail as an act of ours. */
export function done(verb: string, before: KmsKey, change: KmsKeyChange): Recorded<'kms_keys'> {
  const after = { ...before, ...change } as KmsKey;
  const entry = {
    ...kmsKeyEntry(verb, after),
    before: auditedKmsKey(before),
    after: auditedKmsKey(after),
  };
  return { change, entries: [entry], version: 'new', again: taskOf(after) !== undefined };
}

/** The KMS key record is given up; the row stays to say what became of the KMS key. */
export function goneAs(outcome: KmsKeyRow['outcome']): KmsKeyChange {
  return {
    ...settled,
    ...{ step: 'GONE', outcome, wanted: null, to_apply: '[]', search: null, next_check_at: null },
    ...(outcome === 'NEVER_MADE' || outcome === 'GONE_IN_AWS' ? { cloud_status: 'NOT_FOUND' } : {}),
  };
}

/** The KMS key record has its KMS key. One that nobody waits for any more gets no alias. */
export function taken(
  row: KmsKey,
  key: Pick<KmsKeyFacts, 'keyId' | 'arn'>,
  seen: SeenKey,
  how: 'made' | 'found' | 'left',
  now: Date,
): Recorded<'kms_keys'> {
  return done(how === 'made' ? 'made' : 'found', row, {
    ...{ key_id: key.keyId, key_arn: key.arn, search: null, seen: JSON.stringify(seen), unshown: '{}' },
    ...{ cloud_status: cloudStatusOf(seen.state), cloud_status_at: now.toISOString() },
    ...written(now),
    next_check_at: soonChecked(now),
    ...(row.origin === 'MANUAL' ? { origin: 'HOLDFAST' as const } : {}),
    step: row.alias === '' || how === 'left' ? 'DONE' : 'ALIAS',
    // What was asked for while it was being made.
    ...(how === 'left' ? {} : { to_apply: JSON.stringify(otherwise(row, seen)) }),
  });
}

function otherwise(row: KmsKey, seen: SeenKey): Applied[] {
  const found = driftOf({ ...row, seen: JSON.stringify(seen) }).map(({ what }) => what);
  return found.filter((what) => what === 'policy' || what === 'description' || what === 'tags');
}

/** There is nothing in AWS to be done any more; the row stays to say what became of the KMS key. */
export function gone(outcome: KmsKey['outcome']): Plan<'kms_keys', KmsKey> {
  return (now) => done('gone', now, goneAs(outcome));
}
