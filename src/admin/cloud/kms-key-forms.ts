import { z } from 'zod';
import { driftOf } from '../../cloud/kms-keys/drift.ts';
import {
  accountIdOf,
  problemOf,
  seenOf,
  tagsOf,
  toApplyOf,
  type KmsKey,
} from '../../cloud/kms-keys/records.ts';
import { asJson } from '../../cloud/kms-keys/drift.ts';
import { mayBeStaleOf } from '../../cloud/kms-keys/unshown.ts';
import { description, region, time } from '../keys/key-forms.ts';

/* KMS key records as the API has them. */

const name256 = z.string().max(256);

export const policyForm = z
  .union([z.enum(['generated', 'generated-without-root']), z.record(z.string(), z.unknown())])
  .describe(
    '`generated`: from the administrators and users of the CloudKey, with the statement for the AWS account, ' +
      'so that IAM policies apply too. `generated-without-root`: without that statement, so that the key ' +
      'policy alone decides. Or a key policy document.',
  );

/** What may be told of a KMS key, and changed later. */
export const kmsKeyFields = {
  alias: name256.describe(
    'With or without the prefix `alias/`; empty for none. `alias/` and the name of the CloudKey if omitted.',
  ),
  description: description.describe('The description of the CloudKey if omitted.'),
  tags: z
    .record(z.string().max(128), name256)
    .describe('Up to 48 tags in addition to `holdfast:kms-key` and `holdfast:cloud-key`.'),
  policy: policyForm,
};

export const keyArnForm = z
  .string()
  .max(200)
  .describe('ARN of an existing KMS key that refers to the CloudKey through this key store.');

export const kmsKeyOfNewKey = z
  .union([z.boolean(), z.strictObject(kmsKeyFields).partial()])
  .describe(
    'Its KMS key in AWS: true for one with defaults, false for none, or its settings. If omitted, one is ' +
      'created if the key set has an external key store in the Region of the CloudKey and a CSP account that ' +
      'is not manual.',
  );

export const cloudSide = z
  .enum(['ours', 'both'])
  .default('ours')
  .describe(
    '`both`: its KMS keys too. The change here never waits for AWS; what AWS does not do at once is retried.',
  );

const problem = z
  .strictObject({
    operation: z.string().describe('AWS’s operation.'),
    fault: z
      .string()
      .describe(
        '`waiting`: for something that does not exist yet. `settling`: AWS does not show yet what was just ' +
          'created or changed. `proxy`: AWS KMS got no good answer from the proxy. All of them are retried ' +
          'automatically.',
      ),
    code: z.string().describe('AWS’s name for it, or ours.'),
    message: z.string(),
    remediation: z.string(),
    at: time,
    keyArn: z.string().optional().describe('The KMS key that prevents it.'),
    times: z.int().optional().describe('Number of consecutive failures of this kind.'),
    since: time.optional().describe('When AWS was asked for what it does not show yet.'),
  })
  .describe('Why the last attempt failed, or what it is waiting for.');

const origin = z
  .enum(['HOLDFAST', 'LINKED', 'MANUAL'])
  .describe(
    'Created by Holdfast; created manually and found in AWS; or created manually and recorded as given.',
  );

const steps = z
  .enum(['KEY', 'ALIAS', 'DONE', 'GONE'])
  .describe(
    'What is created next in AWS: the KMS key, its alias, nothing. GONE: the KMS key record was removed.',
  );

export const cloudStatuses = z
  .enum(['AVAILABLE', 'DISABLED', 'PENDING_DELETION', 'NOT_FOUND', 'UNKNOWN'])
  .describe('As last seen in AWS. UNKNOWN: it could not be read, or the key store is not connected.');

const wantedForm = z
  .enum(['ENABLE', 'DISABLE', 'SCHEDULE_DELETION', 'CANCEL_DELETION'])
  .nullable()
  .describe('Requested and not confirmed by AWS yet: it is retried.');

export const drifting = z.enum(['policy', 'alias', 'description', 'tags', 'state', 'key-store']);

const accountId = z
  .string()
  .nullable()
  .describe('The AWS account: of its ARN, else of the CSP account; null if unknown.');

export const policySources = z.enum(['generated', 'generated-without-root', 'document']);

export const shownShortKmsKey = z
  .strictObject({
    id: z.uuid(),
    region,
    accountId,
    origin,
    keyArn: z.string().nullable(),
    alias: z.string(),
    step: steps,
    cloudStatus: cloudStatuses,
    wanted: wantedForm,
    drift: z.boolean().describe('The KMS key in AWS differs from its Holdfast record.'),
    problem: problem.nullable(),
  })
  .meta({ id: 'ShortKmsKey' });

export const shownKmsKey = z
  .strictObject({
    id: z.uuid(),
    cloudKeyId: z.uuid(),
    cloudKeyName: z.string(),
    externalKeyId: z.string(),
    keySetId: z.uuid(),
    externalKeyStoreId: z.uuid(),
    region,
    accountId,
    origin,
    keyId: z.string().nullable(),
    keyArn: z.string().nullable(),
    alias: z.string(),
    description: z.string(),
    tags: z.record(z.string(), z.string()),
    step: steps,
    leaving: z
      .enum(['KEEP', 'DELETE'])
      .nullable()
      .describe(
        'Set while the KMS key record is being removed: the KMS key stays, or its deletion is scheduled first.',
      ),
    outcome: z
      .enum(['KEPT', 'DELETION_SCHEDULED', 'NEVER_MADE', 'GONE_IN_AWS'])
      .nullable()
      .describe('With GONE: what became of the KMS key.'),
    problem: problem.nullable(),
    attempts: z.int().describe('Failed attempts since the last success.'),
    nextAttemptAt: time.nullable(),
    wanted: wantedForm,
    toApply: z
      .array(z.enum(['policy', 'alias', 'description', 'tags']))
      .describe('What remains to be changed in AWS.'),
    cloudStatus: cloudStatuses,
    cloudStatusAt: time.nullable(),
    awsState: z
      .string()
      .nullable()
      .describe('The KeyState in AWS. `Unavailable`: the key store is disconnected.'),
    awsDeletionAt: time.nullable().describe('When AWS deletes it.'),
    awsAliases: z.array(z.string()).nullable().describe('Null if AWS does not report it.'),
    policySource: policySources,
    policy: z
      .strictObject({ ours: z.unknown(), aws: z.unknown() })
      .describe('The key policy of the record and the one in AWS; null if unknown.'),
    drift: z
      .array(
        z.strictObject({
          what: drifting,
          ours: z.unknown(),
          aws: z.unknown(),
          note: z.string().optional(),
        }),
      )
      .describe('Differences between the record and AWS.'),
    mayBeStale: z
      .array(
        z.strictObject({ what: drifting, since: time.describe('When AWS was first seen to show this.') }),
      )
      .describe(
        'What AWS still shows exactly as it was before Holdfast changed it, because AWS is eventually ' +
          'consistent. It counts as drift once AWS has shown the change, and in any case two minutes (`state`) or ' +
          'ten minutes (the rest) after it.',
      ),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'KmsKey' });

export const shownOutcome = z
  .strictObject({
    kmsKeyId: z.uuid(),
    region,
    keyArn: z.string().nullable(),
    outcome: z
      .enum(['done', 'pending', 'by-hand', 'no-key'])
      .describe(
        '`pending`: AWS has not answered, or failed; it is retried. `by-hand`: Holdfast does not sign in to that ' +
          'AWS account.',
      ),
    problem: problem.nullable(),
  })
  .describe('The outcome for one of the KMS keys.')
  .meta({ id: 'CloudOutcome' });

const sources = {
  GENERATED: 'generated',
  GENERATED_WITHOUT_ROOT: 'generated-without-root',
  DOCUMENT: 'document',
} as const;

export function showPolicySource(source: KmsKey['policy_source']) {
  return sources[source];
}

export function showKmsKey(row: KmsKey) {
  const seen = seenOf(row);
  return {
    id: row.id,
    cloudKeyId: row.cloud_key_id,
    cloudKeyName: row.cloud_key_name,
    externalKeyId: row.external_key_id,
    keySetId: row.key_set_id,
    externalKeyStoreId: row.external_key_store_id,
    region: row.region,
    accountId: accountIdOf(row),
    origin: row.origin,
    keyId: row.key_id === '' ? null : row.key_id,
    keyArn: row.key_arn === '' ? null : row.key_arn,
    alias: row.alias,
    description: row.description,
    tags: tagsOf(row),
    step: row.step,
    leaving: row.leaving,
    outcome: row.outcome === '' ? null : row.outcome,
    problem: problemOf(row),
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    wanted: row.wanted,
    toApply: toApplyOf(row),
    cloudStatus: row.cloud_status,
    cloudStatusAt: row.cloud_status_at,
    awsState: seen?.state ?? null,
    awsDeletionAt: seen?.deletionAt ?? null,
    awsAliases: seen?.aliases ?? null,
    policySource: showPolicySource(row.policy_source),
    policy: {
      ours: row.policy === '' ? null : asJson(row.policy),
      aws: typeof seen?.policy === 'string' ? asJson(seen.policy) : null,
    },
    drift: driftOf(row),
    mayBeStale: mayBeStaleOf(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function showShortKmsKey(row: KmsKey) {
  return {
    id: row.id,
    region: row.region,
    accountId: accountIdOf(row),
    origin: row.origin,
    keyArn: row.key_arn === '' ? null : row.key_arn,
    alias: row.alias,
    step: row.step,
    cloudStatus: row.cloud_status,
    wanted: row.wanted,
    drift: driftOf(row).length > 0,
    problem: problemOf(row),
  };
}
