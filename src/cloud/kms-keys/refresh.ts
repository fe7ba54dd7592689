import { leaveUnrecorded } from '../../store/act-transaction.ts';
import { isDeepStrictEqual } from 'node:util';
import { record } from '../../evidence/trail.ts';
import { KmsKeys } from '../aws/kms-keys.ts';
import { awsAccountOf, type AwsContext } from '../accounts/context.ts';
import { bumpRecord, saveRecord } from '../../vault/edit-record.ts';
import { readsMayBeStale } from './alias.ts';
import { driftOf } from './drift.ts';
import { isGone, type Gone } from '../aws/presence.ts';
import { nextTry } from '../controller/retry.ts';
import { cloudStatusOf, readKey, seenGone } from './look.ts';
import { accountOfStore } from './policy.ts';
import { toKmsKeyProblem } from './problems.ts';
import {
  isManual,
  kmsKeyById,
  kmsKeyEntry,
  problemOf,
  sightingOf,
  type KmsKey,
  type KmsKeyRow,
  type SeenKey,
} from './records.ts';
import type { Attempt } from './state-machine.ts';
import { inTurn } from './turns.ts';
import { believed, mayBeStaleOf } from './unshown.ts';
import { goneAs, type KmsKeyChange } from './writes.ts';
import { systemAct } from '../../vault/system-act.ts';

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

/** Asks AWS how the KMS key is there, and writes down what it says. Never throws. */
export async function refreshKmsKey(context: AwsContext, id: string): Promise<Attempt> {
  return inTurn(context.store, id, async () => {
    try {
      const row = await kmsKeyById(context.store.db, id);
      if (row === undefined || row.step === 'GONE' || row.key_id === '' || isManual(row))
        return { fault: undefined };
      return await ask(context, row);
    } catch (error) {
      // The store itself: the next look finds the KMS key record as it was.
      return { fault: 'internal', error };
    }
  });
}

async function ask(context: AwsContext, row: KmsKey): Promise<Attempt> {
  let found: SeenKey | Gone;
  try {
    const account = await accountOfStore(context.store.db, row.external_key_store_id);
    if (account === undefined) return { fault: undefined };
    const kms = new KmsKeys(await awsAccountOf(context, account, row.region), row.region);
    found = await readKey(kms, row.key_id, sightingOf(row), context.now());
  } catch (error) {
    const problem = toKmsKeyProblem(error, 'DescribeKey', context.now());
    if (problem.fault === 'settling') {
      const next_check_at = nextTry(problem.fault, maxTries, context.now()).toISOString();
      await write(context, row.id, () => ({ next_check_at }));
      return { fault: undefined };
    }
    await write(context, row.id, (now) => ({
      // A problem of what was asked for says more.
      ...(now.problem === null || isOfReading(now) ? { problem: JSON.stringify(problem) } : {}),
      ...(problem.fault === 'throttled' ? {} : { cloud_status: 'UNKNOWN' as const }),
    }));
    return problem.fault === 'internal' ? { fault: problem.fault, error } : { fault: problem.fault };
  }
  await write(context, row.id, (now): KmsKeyChange => {
    const at = context.now();
    const { seen, unshown } = isGone(found)
      ? { seen: seenGone(found), unshown: '{}' }
      : believed(now, found, at);
    const after = { ...now, seen: JSON.stringify(seen), unshown };
    const isStateStale = mayBeStaleOf(after).some(({ what }) => what === 'state');
    const mayChange =
      mayBeStaleOf(after).length > 0 || (readsMayBeStale(now, at) && driftOf(after).length > 0);
    return {
      ...(isGone(found) ? {} : { seen_at: at.toISOString(), ...aliasOfLinked(now, seen) }),
      ...{ seen: after.seen, unshown },
      ...(isOfReading(now) ? { problem: null } : {}),
      // What AWS said of that last it said before.
      ...(isStateStale ? {} : { cloud_status: cloudStatusOf(seen.state), cloud_status_at: at.toISOString() }),
      ...(mayChange ? { next_check_at: new Date(at.getTime() + staleInterval).toISOString() } : {}),
      // What was scheduled for deletion and is gone: there is nothing left to point at.
      ...(isGone(found) && now.cloud_wish === 'PENDING_DELETION' ? goneAs('GONE_IN_AWS') : {}),
    };
  });
  return { fault: undefined };
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

/** What AWS has otherwise than before moves the ETag; drift that is new stands in the trail. */
async function write(context: AwsContext, id: string, plan: (row: KmsKey) => KmsKeyChange): Promise<void> {
  const next = new Date(context.now().getTime() + jittered(checkInterval)).toISOString();
  const act = systemAct(context, 'aws');
  await context.store.write(act, async (trx) => {
    leaveUnrecorded(trx, 'work in AWS');
    const before = await kmsKeyById(trx, id);
    if (before === undefined || before.step === 'GONE') return;
    const change = plan(before);
    const after = { ...before, next_check_at: next, ...change };
    const shown = (row: KmsKey) => [
      ...[row.step, row.seen, row.cloud_status, row.problem === null],
      mayBeStaleOf(row),
    ];
    const moved = !isDeepStrictEqual(shown(before), shown(after));
    const write = moved ? bumpRecord : saveRecord;
    await write(trx, 'kms_keys', before, { next_check_at: next, ...change });
    if (after.step === 'GONE')
      await record(trx, act, { ...kmsKeyEntry('gone', after), after: { outcome: after.outcome } });
    const drift = driftOf(after);
    if (drift.length > 0 && !isDeepStrictEqual(drift, driftOf(before)))
      await record(trx, act, { ...kmsKeyEntry('drift', after), after: { drift } });
  });
}

function jittered(interval: number): number {
  return Math.round(interval * (0.9 + Math.random() * 0.2));
}
