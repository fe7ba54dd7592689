import { isDeepStrictEqual } from 'node:util';
import { isGone } from '../aws/presence.ts';
import type { Problem } from '../controller/problem.ts';
import type { Moment, Observed, Plan, Recorded, Resource, Turn } from '../controller/resource.ts';
import { nextTry } from '../controller/retry.ts';
import { readsMayBeStale } from './alias.ts';
import { goneAs, type KmsKeyChange } from './changes.ts';
import { kmsOf } from './connection.ts';
import { driftOf } from './drift.ts';
import { cloudStatusOf, readKey, seenGone } from './look.ts';
import {
  isManual,
  kmsKeyEntry,
  problemOf,
  sightingOf,
  type KmsKey,
  type KmsKeyRow,
  type SeenKey,
} from './records.ts';
import { kmsKeyTurns } from './resource.ts';
import { believed, mayBeStaleOf } from './unshown.ts';

/* What AWS has is read back after each change and every hour, and kept as it was seen. */

/**
 * AWS is asked about each KMS key once an hour, milliseconds: for 2,000 keys that is 8,000 requests an hour, 2.2 a
 * second on average, of the 500 (ListAliases) to 2,000 (DescribeKey) a second that AWS allows an account and Region by
 * default.
 */
export const checkInterval = 60 * 60_000;

/** What may be stale, and what is otherwise after a change of ours, is looked at again after so long, milliseconds. */
const staleInterval = 30_000;

/** The longest of the short pauses. */
const maxTries = 10;

const reads = new Set(['DescribeKey', 'GetKeyPolicy', 'ListAliases', 'ListResourceTags']);

/** KMS keys as they are only looked at, whatever is wanted of them. */
export const kmsKeyLooks: Resource<'kms_keys', KmsKey, SeenKey> = {
  ...kmsKeyTurns,
  lookOperation: () => 'DescribeKey',
  observe,
  mirror,
  next: () => undefined,
  pauseOf: (row) => ({ problem: problemOf(row), attempts: 0, until: row.next_check_at }),
  // When the next look is goes with the failure.
  paused: () => ({}),
  failed: ({ problem, now }) => planned(now, (row) => ofFailure(row, problem, now)),
  isSame: () => false,
};

/** How the KMS key is there; nothing is asked where there is none, or nothing here signs in to AWS. */
async function observe({ context }: Turn, row: KmsKey): Promise<Observed<SeenKey>> {
  if (row.key_id === '' || isManual(row)) return { kind: 'unasked' };
  const found = await readKey(await kmsOf(context, row), row.key_id, sightingOf(row), context.now());
  return isGone(found) ? { kind: 'gone', gone: found } : { kind: 'seen', seen: found };
}

type KmsKeyPlan = Plan<'kms_keys', KmsKey>;

/** What a look changes of the record, the time of the next with it. */
function planned(at: Date, changeOf: (now: KmsKey) => KmsKeyChange): KmsKeyPlan {
  const next_check_at = new Date(at.getTime() + jittered(checkInterval)).toISOString();
  return (now) => told(now, { next_check_at, ...changeOf(now) });
}

function mirror(_: KmsKey, observed: Observed<SeenKey>, { now: at }: Moment): KmsKeyPlan | undefined {
  if (observed.kind === 'gone')
    return planned(at, (now) => ({
      ...asSeen(now, { seen: seenGone(observed.gone), unshown: '{}' }, at),
      // What was scheduled for deletion and is gone: there is nothing left to point at.
      ...(now.cloud_wish === 'PENDING_DELETION' ? goneAs('GONE_IN_AWS') : {}),
    }));
  if (observed.kind !== 'seen') return undefined;
  return planned(at, (now) => {
    const shown = believed(now, observed.seen, at);
    return { ...asSeen(now, shown, at), seen_at: at.toISOString(), ...aliasOfLinked(now, shown.seen) };
  });
}

function ofFailure(row: KmsKey, problem: Problem, at: Date): KmsKeyChange {
  if (problem.fault === 'settling')
    return { next_check_at: nextTry(problem.fault, maxTries, at).toISOString() };
  return {
    // A problem of what was asked for says more.
    ...(row.problem === null || isOfReading(row) ? { problem: JSON.stringify(problem) } : {}),
    ...(problem.fault === 'throttled' ? {} : { cloud_status: 'UNKNOWN' as const }),
  };
}

function asSeen(row: KmsKey, { seen, unshown }: ReturnType<typeof believed>, at: Date): KmsKeyChange {
  const after = { ...row, seen: JSON.stringify(seen), unshown };
  const stale = mayBeStaleOf(after);
  const mayChange = stale.length > 0 || (readsMayBeStale(row, at) && driftOf(after).length > 0);
  return {
    ...{ seen: after.seen, unshown },
    ...(isOfReading(row) ? { problem: null } : {}),
    // What AWS said of that last it said before.
    ...(stale.some(({ what }) => what === 'state')
      ? {}
      : { cloud_status: cloudStatusOf(seen.state), cloud_status_at: at.toISOString() }),
    ...(mayChange ? { next_check_at: new Date(at.getTime() + staleInterval).toISOString() } : {}),
  };
}

/** What AWS has otherwise than before moves the ETag; drift that is new stands in the trail. */
function told(before: KmsKey, change: KmsKeyChange): Recorded<'kms_keys'> {
  const after = { ...before, ...change } as KmsKey;
  const shown = (row: KmsKey) => [
    ...[row.step, row.seen, row.cloud_status, row.problem === null],
    mayBeStaleOf(row),
  ];
  const drift = driftOf(after);
  const isNew = drift.length > 0 && !isDeepStrictEqual(drift, driftOf(before));
  return {
    change,
    ...(isDeepStrictEqual(shown(before), shown(after)) ? {} : { version: 'new' }),
    entries: [
      ...(after.step === 'GONE'
        ? [{ ...kmsKeyEntry('gone', after), after: { outcome: after.outcome } }]
        : []),
      ...(isNew ? [{ ...kmsKeyEntry('drift', after), after: { drift } }] : []),
    ],
  };
}

/** The alias of a linked key is the one that AWS has; a list of aliases that was made just before may not have shown it. */
function aliasOfLinked(row: KmsKey, { aliases }: SeenKey): KmsKeyChange {
  const [alias] = aliases ?? [];
  const isTold = row.origin !== 'LINKED' || row.alias !== '' || row.former_aliases !== '[]';
  return isTold || alias === undefined ? {} : { alias };
}

function isOfReading(row: KmsKeyRow): boolean {
  const problem = problemOf(row);
  return problem !== null && reads.has(problem.operation);
}

function jittered(interval: number): number {
  return Math.round(interval * (0.9 + Math.random() * 0.2));
}
