import { AwsError } from '../aws/aws-error.ts';
import type { KmsKeys } from '../aws/kms-keys.ts';
import { lastsAfterSeen, mayBeThere, notYetShown } from '../aws/presence.ts';
import {
  Waiting,
  type Moment,
  type Next,
  type Observed,
  type Resource,
  type Step,
  type Turn,
} from '../controller/resource.ts';
import type { Reading } from '../../vault/edits.ts';
import { hasAlias, sendAlias } from './alias.ts';
import { applyStep } from './apply.ts';
import { done, words, written, type KmsKeyChange } from './changes.ts';
import { accountIn, kmsOf } from './connection.ts';
import { findStep } from './finding.ts';
import { lookForLink } from './look.ts';
import { goneStep, lookAtMaking, makingStep, type Making } from './making.ts';
import {
  dateOf,
  formerAliasesOf,
  isManual,
  kmsKeyById,
  problemOf,
  seenOf,
  sightingOf,
  toApplyOf,
  type KmsKey,
} from './records.ts';
import { wantedStep } from './settle.ts';
import { operationOf, taskOf } from './tasks.ts';
import { confirmed } from './unshown.ts';

/*
 * What is to be done in AWS for a KMS key record, one step after another: the key, its alias, what was asked for. Done
 * again each comes to the same: AWS has one KMS key for each external key in a key store, and an alias once.
 */

/** What the next step depends on besides the record. */
interface Seen {
  making?: Making;
  alias?: AliasSeen;
}

/** KMS key records and their turns, whether they are worked on or looked at. */
export const kmsKeyTurns = {
  kind: 'kms-key',
  table: 'kms_keys',
  whenBusy: 'queue',
  holds: 'for-changes',
  words,
  read: async (db: Reading, id: string): Promise<KmsKey | undefined> => {
    const row = await kmsKeyById(db, id);
    return row?.step === 'GONE' ? undefined : row;
  },
} as const;

export const kmsKeyResource: Resource<'kms_keys', KmsKey, Seen> = {
  ...kmsKeyTurns,
  lookOperation: operationOf,
  nextOperation: operationOf,
  observe: async (turn, row) => {
    const task = taskOf(row);
    if (task === 'make') return { kind: 'seen', seen: { making: await lookAtMaking(turn, row) } };
    if (task === 'alias') return { kind: 'seen', seen: { alias: await lookAtAlias(turn, row) } };
    return { kind: 'unasked' };
  },
  mirror: () => undefined,
  next,
  pauseOf: (row) => {
    const problem = problemOf(row);
    return { problem, attempts: problem?.times ?? row.attempts, until: row.next_attempt_at };
  },
  paused: (row, { problem, attempts, until }) => ({
    problem: problem === null ? null : JSON.stringify(problem),
    attempts: attempts === 0 ? 0 : problem?.fault === 'searching' ? row.attempts : row.attempts + 1,
    next_attempt_at: until,
  }),
  told,
  // One lost answer after ten looks at what AWS does not show yet is the first; what is found, and not shown, goes on.
  isSame: (before, failed) =>
    before?.fault === failed.fault || (before?.fault === 'searching' && failed.fault === 'settling'),
};

function next(turn: Turn, row: KmsKey, observed: Observed<Seen>, at: Moment): Next<'kms_keys', KmsKey> {
  const { making, alias } = observed.kind === 'seen' ? observed.seen : {};
  const [toApply] = toApplyOf(row);
  switch (taskOf(row)) {
    case undefined:
      return undefined;
    case 'prove':
      return proveStep(turn, row);
    case 'leave':
      return leaveStep(turn, row);
    case 'make':
      return making && makingStep(turn, row, making, at);
    case 'settle':
      return row.wanted === null ? undefined : wantedStep(turn, row, row.wanted);
    case 'alias':
      return alias && aliasStep(turn, row, alias);
    case 'apply':
      return toApply && applyStep(turn, row, toApply);
  }
}

/** Nothing is done to a KMS key that was taken at somebody's word before AWS says that it is the CloudKey's. */
function proveStep({ context }: Turn, row: KmsKey): Step<'kms_keys', KmsKey> {
  return {
    operation: operationOf(row),
    changes: false,
    call: async () => {
      const { aws } = await accountIn(context, row);
      await lookForLink(aws, row.region, row.key_id, row);
      return (now) => {
        const at = context.now().toISOString();
        const change: KmsKeyChange = {
          ...(now.key_id === row.key_id ? { origin: 'LINKED' as const } : {}),
          ...{ seen_at: at, next_check_at: at },
        };
        return { ...done('link', now, change), keepsPause: true };
      };
    },
  };
}

/** The KMS key record is being given up, with or without the deletion of its KMS key. */
function leaveStep(turn: Turn, row: KmsKey): Step<'kms_keys', KmsKey> {
  if (row.key_id === '')
    return row.create_sent === 0 || isManual(row) ? goneStep('NEVER_MADE') : findStep(turn, row);
  if (row.leaving === 'KEEP' || isManual(row)) return goneStep('KEPT');
  if (row.wanted === 'SCHEDULE_DELETION') return wantedStep(turn, row, row.wanted);
  return goneStep(row.cloud_status === 'NOT_FOUND' ? 'GONE_IN_AWS' : 'DELETION_SCHEDULED');
}

interface AliasSeen {
  kms: KmsKeys;
  /** `in-turn`: from here it waits for AWS's quota, and holds up none that is only looked at. */
  is: 'made' | 'in-turn' | 'to-be-made';
}

/** A host of AWS's shows the key, and the next may not know it: after so many in a row few do, and no request is for nothing. */
const looksWhileBusy = 3;

async function lookAtAlias({ context }: Turn, row: KmsKey): Promise<AliasSeen> {
  const kms = await kmsOf(context, row);
  if (await hasAlias(kms, row, context.now())) return { kms, is: 'made' };
  const isBusy = kms.isBusy('CreateAlias');
  // Reading costs nothing of the few requests a second that CreateAlias has, while AWS does not show the key.
  for (let looks = 0; looks < (isBusy ? looksWhileBusy : 1); looks++) await kms.describe(row.key_id);
  return { kms, is: isUnshown(row) && isBusy ? 'in-turn' : 'to-be-made' };
}

/** It has waited for AWS to show something: due.ts. */
function isUnshown(row: KmsKey): boolean {
  const last = problemOf(row);
  return last?.fault === 'settling' || last?.fault === 'unreachable';
}

function aliasStep({ context }: Turn, row: KmsKey, { kms, is }: AliasSeen): Next<'kms_keys', KmsKey> {
  if (is === 'in-turn') return new Waiting(null, null, 'none');
  return {
    operation: operationOf(row),
    changes: is !== 'made',
    call: async () => {
      const isMoved = is !== 'made' && (await sendAlias(kms, row));
      return (now) => {
        const isSame = now.alias === row.alias && now.step === 'ALIAS';
        const change = isSame
          ? { take_alias: 0 }
          : // Another alias was asked for meanwhile: this one has to go again.
            {
              former_aliases: JSON.stringify([...formerAliasesOf(now), row.alias]),
              to_apply: JSON.stringify([...new Set([...toApplyOf(now), 'alias'])]),
            };
        const at = context.now();
        return {
          ...done(isMoved ? 'alias-taken' : 'alias-made', now, {
            ...{ ...written(at), ...withAlias(now, row.alias, at), ...change },
            step: 'DONE',
          }),
          keepsPause: !isSame,
        };
      };
    },
  };
}

function withAlias(row: KmsKey, alias: string, now: Date): KmsKeyChange {
  const seen = seenOf(row);
  if (seen === null) return {};
  const aliases = [...new Set([...(seen.aliases ?? []), alias])].toSorted();
  return { ...confirmed(row, { aliases }, now), seen: JSON.stringify({ ...seen, aliases }) };
}

/** Where AWS does not find something: not shown yet, or gone, and then the way out. */
function told(_: Turn, row: KmsKey, error: unknown, { now }: Moment): unknown {
  if (!(error instanceof AwsError) || error.fault !== 'not-found') return error;
  if (error.code === 'CustomKeyStoreNotFoundException') {
    const store = { madeAt: dateOf(row.store_made_at), seenAt: dateOf(row.store_seen_at) };
    return mayBeThere(store, lastsAfterSeen.any, now) ? notYetShown(error) : error;
  }
  // The external key is looked for by AWS at the proxy: nothing of AWS's own.
  if (error.code !== 'NotFoundException' || row.key_id === '') return error;
  if (mayBeThere(sightingOf(row), lastsAfterSeen.kmsKey, now)) return notYetShown(error);
  const { code, operation, requestId } = error;
  return new AwsError('not-found', code, operation, {
    message: `AWS has the KMS key, or its alias, no more: ${operation} (${code})`,
    remediation:
      row.seen_at === null
        ? 'see that account, Region and id of the KMS key are right'
        : 'where the KMS key was deleted in AWS: holdfast kms-key delete, then create',
    requestId,
  });
}
