import { z } from 'zod';
import { driftOf } from '../../cloud/kms-keys/drift.ts';
import { problemOf, seenOf, tagsOf, toApplyOf, type KmsKey } from '../../cloud/kms-keys/records.ts';
import { asJson } from '../../cloud/kms-keys/drift.ts';
import { mayBeStaleOf } from '../../cloud/kms-keys/unshown.ts';
import { description, region, time } from '../keys/key-forms.ts';

/* KMS key records as the API has them. */

const name256 = z.string().max(256);

export const policyForm = z
  .union([z.enum(['generated', 'generated-without-root']), z.record(z.string(), z.unknown())])
  .describe(
    '`generated`: from the administrators and users of the CloudKey, with the statement for the AWS account, so that IAM ' +
      'policies count too. `generated-without-root`: without it, so that the policy alone says who may do what. Or a key ' +
      'policy document.',
  );

/** What may be told of a KMS key, and changed later. */
export const kmsKeyFields = {
  alias: name256.describe(
    'With or without `alias/` before it; empty for none. `alias/` and the name of the CloudKey if left out.',
  ),
  description: description.describe('That of the CloudKey if left out.'),
  tags: z
    .record(z.string().max(128), name256)
    .describe('Tags besides ours (`holdfast:kms-key`, `holdfast:cloud-key`), 48 at the most.'),
  policy: policyForm,
};

export const keyArnForm = z
  .string()
  .max(200)
  .describe('ARN of a KMS key that is there already and refers to the CloudKey through this key store.');

export const kmsKeyOfNewKey = z
  .union([z.boolean(), z.strictObject(kmsKeyFields).partial()])
  .describe(
    'Its KMS key in AWS: true for one as it comes, false for none, or what is told of it. If left out it is made where the ' +
      'key set has an external key store in the Region of the CloudKey and a CSP account that is not manual.',
  );

export const cloudSide = z
  .enum(['ours', 'both'])
  .default('ours')
  .describe(
    '`both`: the KMS keys too. What is done here never waits for AWS; what AWS does not do at once stays wanted and is ' +
      'repeated.',
  );

const problem = z
  .strictObject({
    operation: z.string().describe('AWS’s operation.'),
    fault: z
      .string()
      .describe(
        '`waiting`: for something that is not there yet. `settling`: AWS does not show yet what was just made or changed. `proxy`: AWS KMS asked the proxy in vain. All of them go on by themselves.',
      ),
    code: z.string().describe('AWS’s name for it, or ours.'),
    message: z.string(),
    remediation: z.string(),
    at: time,
    keyArn: z.string().optional().describe('The KMS key that is in the way.'),
    times: z.int().optional().describe('How often in a row it has failed so.'),
    since: time.optional().describe('When AWS was asked for what it does not show yet.'),
  })
  .describe('What the last try failed with, or what it waits for.');

const steps = z
  .enum(['KEY', 'ALIAS', 'DONE', 'GONE'])
  .describe(
    'What comes next in AWS: the KMS key, its alias, nothing. GONE: the KMS key record was given up.',
  );

export const cloudStatuses = z
  .enum(['AVAILABLE', 'DISABLED', 'PENDING_DELETION', 'NOT_FOUND', 'UNKNOWN'])
  .describe('As AWS said last. UNKNOWN: it could not be asked, or the key store is not connected.');

const wantedForm = z
  .enum(['ENABLE', 'DISABLE', 'SCHEDULE_DELETION', 'CANCEL_DELETION'])
  .nullable()
  .describe('Asked for and not confirmed by AWS yet: it is repeated.');

export const drifting = z.enum(['policy', 'alias', 'description', 'tags', 'state', 'key-store']);

export const shownShortKmsKey = z
  .strictObject({
    id: z.uuid(),
    region,
    keyArn: z.string().nullable(),
    alias: z.string(),
    step: steps,
    cloudStatus: cloudStatuses,
    wanted: wantedForm,
    drift: z.boolean().describe('AWS has something otherwise than it is here.'),
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
    origin: z
      .enum(['HOLDFAST', 'LINKED', 'MANUAL'])
      .describe(
        'Made by Holdfast; made by hand and found in AWS; or made by hand and taken at somebody’s word.',
      ),
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
        'The KMS key record is being given up: the KMS key stays, or its deletion is scheduled first.',
      ),
    outcome: z
      .enum(['KEPT', 'DELETION_SCHEDULED', 'NEVER_MADE', 'GONE_IN_AWS'])
      .nullable()
      .describe('With GONE: what became of the KMS key.'),
    problem: problem.nullable(),
    attempts: z.int().describe('Tries that failed since the last success.'),
    nextAttemptAt: time.nullable(),
    wanted: wantedForm,
    toApply: z
      .array(z.enum(['policy', 'alias', 'description', 'tags']))
      .describe('What of ours AWS is still to be given.'),
    cloudStatus: cloudStatuses,
    cloudStatusAt: time.nullable(),
    awsState: z
      .string()
      .nullable()
      .describe('AWS’s own word for the state. `Unavailable`: the key store is disconnected.'),
    awsDeletionAt: time.nullable().describe('When AWS deletes it.'),
    awsAliases: z.array(z.string()).nullable().describe('Null where AWS does not say.'),
    policySource: z.enum(['generated', 'generated-without-root', 'document']),
    policy: z
      .strictObject({ ours: z.unknown(), aws: z.unknown() })
      .describe('The key policy as it is to be and as AWS has it; null where it is not known.'),
    drift: z
      .array(
        z.strictObject({
          what: drifting,
          ours: z.unknown(),
          aws: z.unknown(),
          note: z.string().optional(),
        }),
      )
      .describe('What AWS has otherwise, side by side.'),
    mayBeStale: z
      .array(
        z.strictObject({ what: drifting, since: time.describe('When AWS was first seen to show it so.') }),
      )
      .describe(
        'What AWS shows exactly as it was before our own change of it: AWS is eventually consistent. It is drift once AWS ' +
          'has shown ours, and two minutes (`state`) or ten after the change in any case.',
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
        '`pending`: AWS has not answered, or failed; it stays wanted and is repeated. `by-hand`: nothing here signs in to ' +
          'AWS for it.',
      ),
    problem: problem.nullable(),
  })
  .describe('What came of it at one of the KMS keys.')
  .meta({ id: 'CloudOutcome' });

const sources = {
  GENERATED: 'generated',
  GENERATED_WITHOUT_ROOT: 'generated-without-root',
  DOCUMENT: 'document',
} as const;

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
    policySource: sources[row.policy_source],
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
    keyArn: row.key_arn === '' ? null : row.key_arn,
    alias: row.alias,
    step: row.step,
    cloudStatus: row.cloud_status,
    wanted: row.wanted,
    drift: driftOf(row).length > 0,
    problem: problemOf(row),
  };
}
