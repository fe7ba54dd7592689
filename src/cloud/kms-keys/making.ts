import { AwsError } from '../aws/aws-error.ts';
import { isAwsCode } from '../aws/kms-errors.ts';
import { walkStart } from '../aws/kms-key-search.ts';
import { KmsKeys } from '../aws/kms-keys.ts';
import { Waiting, type Moment, type Next, type Step, type Turn } from '../controller/resource.ts';
import type { Problem } from '../controller/problem.ts';
import { awaitedKey, keyInUse, type AwaitedRequest } from './awaited.ts';
import { gone, taken } from './changes.ts';
import { accountIn } from './connection.ts';
import { seenAs } from './look.ts';
import { askedFacts, generatedPolicy } from './policy.ts';
import { isReady, readinessOf } from './readiness.ts';
import { isManual, tagsOf, type KmsKey } from './records.ts';
import { findStep } from './finding.ts';
import { placeIn } from './search.ts';

/* How a KMS key record gets its KMS key: from the answer to CreateKey, or, where that was lost, by looking for the key in AWS. */

/** What is to be done for a KMS key that is not there. */
export type Making =
  /** Nobody wants it any more: the CloudKey is deleted. */
  | { kind: 'over' }
  /** Nothing here signs in to AWS. */
  | { kind: 'manual' }
  | { kind: 'waiting'; problem: Problem }
  /** It was sent, and may have made one: that is looked for before it is sent again. */
  | { kind: 'sent'; kms: KmsKeys; awaited: AwaitedRequest }
  /** From here it waits for AWS's quota among those that do, and holds up none that is only looked at. */
  | { kind: 'in-turn' }
  | { kind: 'ready'; kms: KmsKeys; policy: string };

/** Throws AwsError, VaultError, KeyPolicyError, TokenError. */
export async function lookAtMaking({ context }: Turn, row: KmsKey): Promise<Making> {
  const readiness = await readinessOf(context, row);
  if (readiness === 'over') return { kind: 'over' };
  if (isManual(row)) return { kind: 'manual' };
  if (!isReady(readiness)) return { kind: 'waiting', problem: readiness };
  const { account, aws } = await accountIn(context, row);
  const kms = new KmsKeys(aws, row.region);
  const isBusy = kms.isBusy('CreateKey');
  const awaited = awaitedKey(row, context.now(), isBusy);
  if (awaited !== undefined) return { kind: 'sent', kms, awaited };
  if (row.create_sent === 1 && row.problem !== null && isBusy) return { kind: 'in-turn' };
  const { policy_source: source } = row;
  if (source === 'DOCUMENT') return { kind: 'ready', kms, policy: row.policy };
  const policy = generatedPolicy(readiness.cloudKey, await askedFacts(aws, account, row), source);
  return { kind: 'ready', kms, policy };
}

export function makingStep(turn: Turn, row: KmsKey, making: Making, at: Moment): Next<'kms_keys', KmsKey> {
  switch (making.kind) {
    case 'over':
      // What may have been made of it all the same is looked for, so that it is not unseen.
      return row.create_sent === 0 || isManual(row) ? goneStep('NEVER_MADE') : findStep(turn, row);
    case 'manual':
      return undefined;
    case 'waiting':
      return new Waiting(making.problem, null, 'none');
    case 'sent':
      return findStep(turn, row, making);
    case 'in-turn':
      return new Waiting(null, null, 'none');
    case 'ready':
      return createStep(turn, row, making, at);
  }
}

/** Nothing is asked of AWS for it any more. */
export function goneStep(outcome: KmsKey['outcome']): Step<'kms_keys', KmsKey> {
  return { operation: '', changes: false, call: async () => gone(outcome) };
}

function createStep(
  { context }: Turn,
  row: KmsKey,
  { kms, policy }: Making & { kind: 'ready' },
  { now: sentAt }: Moment,
): Step<'kms_keys', KmsKey> {
  const { create_sent, create_sent_at, description } = row;
  const tags = tagsOf(row);
  let isRefused = false;
  return {
    operation: 'CreateKey',
    changes: true,
    // From now on there may be a KMS key. Where somebody wants another key than this it begins anew with what they want.
    before: (now) =>
      isAsRead(now, row)
        ? { change: { create_sent: 1, create_sent_at: sentAt.toISOString(), policy }, version: 'new' }
        : undefined,
    call: async () => {
      const { custom_key_store_id: customKeyStoreId, external_key_id: xksKeyId } = row;
      try {
        const made = await kms.create({ customKeyStoreId, xksKeyId, description, tags, policy });
        const seen = seenAs(made, { policy, aliases: [], tags });
        return (now) => taken(now, made, seen, 'made', context.now());
      } catch (error) {
        isRefused = error instanceof AwsError && error.certain;
        if (!isAwsCode(error, keyInUse)) throw error;
        // By the key that an earlier request of ours made, or by another: it is looked for.
        const stands = isRefused && create_sent === 1 ? create_sent_at : sentAt.toISOString();
        return (now) => ({
          change: {
            create_sent_at: stands,
            problem: null,
            search: placeIn({ ...now, create_sent_at: stands }, walkStart, context.now()),
          },
          again: true,
          keepsPause: true,
        });
      }
    },
    // It was not obeyed: what stands is what was sent before.
    failed: () => (isRefused ? () => ({ change: { create_sent, create_sent_at } }) : undefined),
  };
}

/** Whether all that CreateKey is sent for is as it was when it was read. */
function isAsRead(now: KmsKey, row: KmsKey): boolean {
  const sentFor = ['policy', 'policy_source', 'description', 'tags', 'leaving', 'step', 'key_id'] as const;
  return sentFor.every((one) => now[one] === row[one]);
}
