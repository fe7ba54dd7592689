import { z } from 'zod';
import { partitions } from '../../cloud/aws/partitions.ts';
import { reportOf } from '../../cloud/accounts/checks.ts';
import type { CspAccountRecord } from '../../cloud/accounts/accounts.ts';
import type { AwsProblem } from '../../cloud/accounts/check.ts';
import { description, region, rotationDays, time } from '../keys/key-forms.ts';

/* How CSP accounts are told and shown. The secret access key is told and never shown. */

export const accountType = z
  .enum(['manual', 'access-key', 'role', 'ambient'])
  .describe(
    'How AWS is reached: `access-key` of an IAM user; `role`, which is assumed with an access key or, without one, with ' +
      'the node’s own credentials; `ambient`, those directly, for vaults that the configuration names; or `manual`, by ' +
      'hand, with no credential of AWS.',
  );

const awsAccountId = z
  .string()
  .regex(/^(?:[0-9]{12})?$/)
  .describe('12 digits; empty where it is not told. With all types but `manual` AWS tells it.');
const partition = z
  .enum(partitions)
  .describe('Part of AWS: China, GovCloud and the European Sovereign Cloud are their own.');
const fips = z.boolean().describe('Use AWS’s FIPS endpoints; STS has them in the United States alone.');
const accessKeyRotation = z
  .strictObject({ days: rotationDays.nullable().describe('Null for never.') })
  .describe('How often the access key is rotated.');

/** What may be told when one is made, and changed later. */
export const accountFields = {
  name: z.string().min(1).max(120).describe('Unique within the vault.'),
  adminGroupId: z.uuid().describe('Admin group whose members see it. Cloud admins name one of their own.'),
  description,
  type: accountType,
  awsAccountId,
  defaultRegion: region,
  partition: partition.describe('That of the role or the default Region if left out.'),
  fips,
  accessKeyId: z
    .string()
    .max(128)
    .nullable()
    .describe('Of an IAM user, with types `access-key` and `role`; null takes it away from a role.'),
  secretAccessKey: z.string().max(256).describe('Told together with accessKeyId, and never shown again.'),
  roleArn: z.string().max(700).describe('With type `role`.'),
  accessKeyRotation,
};

const problem = z
  .strictObject({
    code: z.string().describe('AWS’s name for it, or one of ours.'),
    message: z.string(),
    remediation: z.string(),
  })
  .nullable();

const check = z
  .strictObject({
    at: time,
    ok: z
      .boolean()
      .describe('AWS takes the credential, and nothing that is needed for key stores and keys is missing.'),
    arn: z.string().nullable().describe('Who AWS knows the credential as; null where it does not take it.'),
    accountId: z.string().nullable(),
    method: z
      .enum(['simulated', 'tried', 'none'])
      .describe('How permissions were looked at: IAM was asked, or what only reads was tried.'),
    missing: z
      .array(z.string())
      .describe(
        'Actions that are not allowed. One that was allowed a moment ago may be among them: that takes effect in AWS after seconds, sometimes minutes. Check again then.',
      ),
    notTried: z.array(z.string()).describe('Actions that it is not known of.'),
    problem: problem.describe('What is wrong with the credential, or unwise; null where nothing is.'),
  })
  .nullable()
  .describe('What the last check found; null with type `manual`.');

export const shownAccount = z
  .strictObject({
    id: z.uuid(),
    name: z.string(),
    description,
    adminGroupId: z.uuid().describe('Admin group whose members see it.'),
    type: accountType,
    awsAccountId,
    defaultRegion: region.describe('Region of CloudKeys for which none is told.'),
    partition,
    fips,
    accessKeyId: z.string().nullable(),
    accessKeyCreatedAt: time
      .nullable()
      .describe('When IAM made it, or where that is not known when it was entered.'),
    roleArn: z.string().nullable(),
    externalId: z
      .string()
      .nullable()
      .describe(
        'For the trust policy of the role: made here, so that no other CSP account has the role assumed.',
      ),
    accessKeyRotation,
    nextAccessKeyRotationAt: time.nullable(),
    accessKeyRotationState: z
      .enum(['CREATING', 'VERIFYING', 'SWITCHED'])
      .nullable()
      .describe('How far a rotation under way has come; null while none is.'),
    accessKeyRotationProblem: problem.describe('Why it stopped; it is tried again by itself.'),
    accessKeyRotationRetryAt: time.nullable(),
    check,
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'CspAccount' });

export function showAccount(row: CspAccountRecord) {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    adminGroupId: row.admin_group_id,
    type: row.type,
    awsAccountId: row.aws_account_id,
    defaultRegion: row.default_region,
    partition: row.partition,
    fips: row.fips === 1,
    accessKeyId: row.access_key_id,
    accessKeyCreatedAt: row.access_key_created_at,
    roleArn: orNull(row.role_arn),
    externalId: row.type === 'role' ? orNull(row.external_id) : null,
    accessKeyRotation: { days: row.access_key_rotation_days },
    nextAccessKeyRotationAt: row.next_access_key_rotation_at,
    accessKeyRotationState: row.access_key_rotation,
    accessKeyRotationProblem: rotationProblem(row.access_key_rotation_problem),
    accessKeyRotationRetryAt: row.access_key_rotation_retry_at,
    check: showCheck(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function showCheck(row: CspAccountRecord) {
  const report = reportOf(row);
  if (report === undefined || row.checked_at === null) return null;
  const those = (verdict: string) =>
    report.actions.filter((one) => one.verdict === verdict).map(({ action }) => action);
  return {
    at: row.checked_at,
    ok: report.ok,
    arn: orNull(report.arn),
    accountId: orNull(report.accountId),
    method: report.method,
    missing: those('missing'),
    notTried: those('not-tried'),
    problem: report.problem,
  };
}

function rotationProblem(text: string | null) {
  if (text === null) return null;
  const { code, message, remediation } = JSON.parse(text) as AwsProblem;
  return { code, message, remediation };
}

function orNull(text: string): string | null {
  return text === '' ? null : text;
}

const policyDocument = z.strictObject({
  Version: z.literal('2012-10-17'),
  Statement: z.array(z.record(z.string(), z.unknown())),
});

export const shownPolicies = z
  .strictObject({
    policy: policyDocument.describe('The least policy of the IAM user or the role.'),
    trustPolicy: policyDocument
      .nullable()
      .describe('Of the role, with its external id; null with other types.'),
    assumingPolicy: policyDocument
      .nullable()
      .describe('Of the IAM user whose access key assumes the role; null without.'),
    statements: z
      .array(z.strictObject({ sid: z.string(), why: z.string() }))
      .describe('What each statement is for.'),
  })
  .meta({ id: 'CspAccountPolicy' });

export const shownPrincipal = z
  .strictObject({
    name: z.string(),
    arn: z.string(),
    path: z.string(),
    createdAt: time.nullable(),
  })
  .meta({ id: 'IamPrincipal' });
