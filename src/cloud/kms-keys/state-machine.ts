import { AwsError } from '../aws/aws-error.ts';
import { KmsKeys } from '../aws/kms-keys.ts';
import { isAwsCode } from '../aws/kms-errors.ts';
import { awsAccountOf, type AwsContext } from '../accounts/context.ts';
import { hasAlias, sendAlias, type AliasResult } from './alias.ts';
import { applyOne } from './apply.ts';
import { toldOf } from './absence.ts';
import { lookForLink, seenAs } from './look.ts';
import { accountOfStore, askedFacts, generatedPolicy } from './policy.ts';
import { keyInUse } from './problems.ts';
import { isReady, readinessOf } from './readiness.ts';
import {
  formerAliasesOf,
  isManual,
  kmsKeyById,
  problemOf,
  seenOf,
  tagsOf,
  toApplyOf,
  type KmsKey,
} from './records.ts';
import { settleWanted } from './settle.ts';
import { awaitedKey, gone, kmsOf, lookFor, takeKey } from './taking.ts';
import { inTurn, type Attempt } from './turns.ts';
import { confirmed } from './unshown.ts';
import {
  settled,
  writeDone,
  writeFailure,
  writeGone,
  writeProblem,
  written,
  type KmsKeyChange,
} from './writes.ts';
import { VaultError } from '../../vault/vault-error.ts';

export type { Attempt } from './turns.ts';

/*
 * What is to be done in AWS for a KMS key record, one step after another, each written down once it is done: the key,
 * its alias, what was asked for. The record comes before the request, so that whatever is cut off between is done
 * again, and done again comes to the same: AWS has one KMS key for each external key in a key store, and an alias once.
 */

/** More steps than a KMS key record can have at once: none is done twice in one attempt. */
const maxSteps = 12;

/** Does what there is to do for the KMS key record until it is done or something stands against it. Never throws. */
export async function advanceKmsKey(context: AwsContext, id: string): Promise<Attempt> {
  return inTurn(context.store, id, async () => {
    try {
      for (let step = 0; step < maxSteps; step++) {
        const row = await kmsKeyById(context.store.db, id);
        if (row === undefined) return { fault: undefined };
        const attempt = await nextStep(context, row);
        if (attempt !== 'done') return attempt;
      }
      return { fault: undefined };
    } catch (error) {
      // The store itself: nothing could be written down, and the next look finds the KMS key record as it was.
      return { fault: 'internal', error };
    }
  });
}

/** One step; `done` where there may be another. */
async function nextStep(context: AwsContext, row: KmsKey): Promise<'done' | Attempt> {
  const task = taskOf(row);
  if (task === undefined) return { fault: undefined };
  try {
    return await task(context, row);
  } catch (error) {
    const { fault } = await writeFailure(context, row, await toldOf(context, row, error), operationOf(row));
    return fault === 'internal' ? { fault, error } : { fault };
  }
}

type Task = (context: AwsContext, row: KmsKey) => Promise<'done' | Attempt>;

function taskOf(row: KmsKey): Task | undefined {
  if (row.step === 'GONE') return undefined;
  if (row.leaving !== 'KEEP' && isUnproven(row)) return prove;
  if (row.leaving !== null) return leave;
  if (row.step === 'KEY') return makeKey;
  if (isManual(row)) return undefined;
  if (row.wanted !== null) return settle;
  if (row.step === 'ALIAS') return makeAlias;
  return toApplyOf(row).length > 0 ? apply : undefined;
}

/** Pasted while nothing here signed in to AWS: it may be any KMS key, of whomever. */
function isUnproven(row: KmsKey): boolean {
  return row.origin === 'MANUAL' && row.key_id !== '' && !isManual(row);
}

/** Nothing is done to a KMS key that was taken at somebody's word before AWS says that it is the CloudKey's. */
async function prove(context: AwsContext, row: KmsKey): Promise<'done'> {
  const account = await accountOfStore(context.store.db, row.external_key_store_id);
  if (account === undefined) throw new VaultError('conflict', 'the key store has no CSP account');
  await lookForLink(await awsAccountOf(context, account, row.region), row.region, row.key_id, row);
  await writeDone(
    context,
    row.id,
    (now): KmsKeyChange => ({
      ...(now.key_id === row.key_id ? { origin: 'LINKED' as const } : {}),
      seen_at: context.now().toISOString(),
      next_check_at: context.now().toISOString(),
    }),
    'link',
  );
  return 'done';
}

/** What of AWS's a failure is of, where the error does not tell. */
function operationOf(row: KmsKey): string {
  if (row.step === 'KEY') return 'CreateKey';
  return row.step === 'ALIAS' ? 'CreateAlias' : 'UpdateKey';
}

// oxlint-disable-next-line complexity -- one case for each thing that AWS may say
async function makeKey(context: AwsContext, row: KmsKey): Promise<'done' | Attempt> {
  const readiness = await readinessOf(context, row);
  // Nobody wants it any more: what may have been made of it all the same is looked for, so that it is not unseen.
  if (readiness === 'over')
    return row.create_sent === 0 || isManual(row) ? gone(context, row) : lookFor(context, row);
  if (isManual(row)) return { fault: undefined };
  if (!isReady(readiness)) {
    await writeProblem(context, row.id, readiness, { attempts: 0, next_attempt_at: null });
    return { fault: undefined };
  }
  const awaited = await awaitedKey(context, row);
  if (awaited !== undefined) return lookFor(context, row, awaited.unshown);
  const account = await accountOfStore(context.store.db, row.external_key_store_id);
  if (account === undefined) throw new VaultError('conflict', 'the key store has no CSP account');
  const aws = await awsAccountOf(context, account, row.region);
  const kms = new KmsKeys(aws, row.region);
  if (row.create_sent === 1 && row.problem !== null && kms.isBusy('CreateKey'))
    return inItsTurn(context, row);
  const policy =
    row.policy_source === 'DOCUMENT'
      ? row.policy
      : generatedPolicy(readiness.cloudKey, await askedFacts(aws, account, row), row.policy_source);
  // Before the request: from now on there may be a KMS key.
  const sentAt = context.now().toISOString();
  const isWritten = await writeDone(context, row.id, (now) =>
    isAsRead(now, row) ? { create_sent: 1, create_sent_at: sentAt, policy } : undefined,
  );
  // Somebody wants another key than this: the step begins anew with what they want.
  if (!isWritten) return 'done';
  try {
    const { custom_key_store_id: customKeyStoreId, external_key_id: xksKeyId, description } = row;
    const tags = tagsOf(row);
    const input = { customKeyStoreId, xksKeyId, description, tags, policy };
    const made = await kms.create(input);
    await takeKey(context, row, made, seenAs(made, { policy, aliases: [], tags }), 'made');
    return 'done';
  } catch (error) {
    // It was not obeyed: what stands is what was sent before.
    const { create_sent, create_sent_at } = row;
    const isRefused = error instanceof AwsError && error.certain;
    const isThere = isAwsCode(error, keyInUse);
    const stands = isRefused && (!isThere || create_sent === 1);
    if (stands) await writeDone(context, row.id, () => ({ create_sent, create_sent_at }));
    if (!isThere) throw error;
    return lookFor(context, { ...row, problem: null, create_sent_at: stands ? create_sent_at : sentAt });
  }
}

/** Whether all that CreateKey is sent for is as it was when it was read. */
function isAsRead(now: KmsKey, row: KmsKey): boolean {
  const sentFor = ['policy', 'policy_source', 'description', 'tags', 'leaving', 'step', 'key_id'] as const;
  return sentFor.every((one) => now[one] === row[one]);
}

/** A host of AWS's shows the key, and the next may not know it: after so many in a row few do, and no request is for nothing. */
const looksWhileBusy = 3;

async function makeAlias(context: AwsContext, row: KmsKey): Promise<'done' | Attempt> {
  const kms = await kmsOf(context, row);
  const isMade = await hasAlias(kms, row, context.now());
  if (!isMade) {
    const isBusy = kms.isBusy('CreateAlias');
    // Reading costs nothing of the few requests a second that CreateAlias has, while AWS does not show the key.
    for (let looks = 0; looks < (isBusy ? looksWhileBusy : 1); looks++) await kms.describe(row.key_id);
    if (isUnshown(row) && isBusy) return inItsTurn(context, row);
  }
  const moved: AliasResult = isMade ? { kind: 'made' } : await sendAlias(kms, row);
  if (moved.kind === 'taken') {
    const { fault } = await writeFailure(context, row, moved.error, 'CreateAlias', moved.keyArn);
    return { fault };
  }
  await writeDone(
    context,
    row.id,
    (now): KmsKeyChange =>
      now.alias === row.alias && now.step === 'ALIAS'
        ? {
            ...settled,
            ...written(context.now()),
            step: 'DONE',
            take_alias: 0,
            ...withAlias(now, row.alias, context.now()),
          }
        : // Another alias was asked for meanwhile: this one has to go again.
          {
            ...written(context.now()),
            ...withAlias(now, row.alias, context.now()),
            former_aliases: JSON.stringify([...formerAliasesOf(now), row.alias]),
            to_apply: JSON.stringify([...new Set([...toApplyOf(now), 'alias'])]),
            step: 'DONE',
          },
    moved.kind === 'moved' ? 'alias-taken' : 'alias-made',
  );
  return 'done';
}

/** It has waited for AWS to show something: due.ts. */
function isUnshown(row: KmsKey): boolean {
  const last = problemOf(row);
  return last?.fault === 'settling' || last?.fault === 'unreachable';
}

/** From here it waits for AWS's quota among those that do, and holds up none that is only looked at. */
async function inItsTurn(context: AwsContext, row: KmsKey): Promise<Attempt> {
  await writeProblem(context, row.id, null, { attempts: 0, next_attempt_at: null });
  return { fault: undefined };
}

function withAlias(row: KmsKey, alias: string, now: Date): KmsKeyChange {
  const seen = seenOf(row);
  if (seen === null) return {};
  const aliases = [...new Set([...(seen.aliases ?? []), alias])].toSorted();
  return { ...confirmed(row, { aliases }, now), seen: JSON.stringify({ ...seen, aliases }) };
}

async function settle(context: AwsContext, row: KmsKey): Promise<'done'> {
  await settleWanted(context, row, await kmsOf(context, row));
  return 'done';
}

async function apply(context: AwsContext, row: KmsKey): Promise<'done' | Attempt> {
  const taken = await applyOne(context, row, await kmsOf(context, row));
  if (taken === undefined) return 'done';
  const { fault } = await writeFailure(context, row, taken.error, 'CreateAlias', taken.keyArn);
  return { fault };
}

/** The KMS key record is being given up, with or without the deletion of its KMS key. */
async function leave(context: AwsContext, row: KmsKey): Promise<'done' | Attempt> {
  if (row.key_id === '')
    return row.create_sent === 0 || isManual(row) ? gone(context, row) : lookFor(context, row);
  if (row.leaving === 'KEEP' || isManual(row)) {
    await writeGone(context, row, 'KEPT');
    return 'done';
  }
  if (row.wanted === 'SCHEDULE_DELETION') return settle(context, row);
  await writeGone(context, row, row.cloud_status === 'NOT_FOUND' ? 'GONE_IN_AWS' : 'DELETION_SCHEDULED');
  return 'done';
}
