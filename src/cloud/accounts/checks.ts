import { AwsError } from '../aws/aws-error.ts';
import { listPrincipals, type PrincipalPage, type PrincipalQuery } from '../aws/iam-principals.ts';
import { parseIdentity } from '../aws/identity-check.ts';
import {
  minPolicy,
  permissionsOf,
  trustPolicy,
  workingGroups,
  type PermissionGroup,
  type PolicyDocument,
} from '../aws/permissions.ts';
import { record, type Act } from '../../evidence/trail.ts';
import { awsAccountOf } from './context.ts';
import type { AwsContext } from '../controller/context.ts';
import { currentKey, manualProblem, openKey } from './sign-in.ts';
import { checkAccess, ExternalIdError, failedReport, type CheckReport } from './check.ts';
import { accountEntry, findAccount, type CspAccountRecord } from './records.ts';
import { partsOfRole } from './fields.ts';
import { bumpRecord } from '../../vault/edit-record.ts';
import {
  checkRowVersion,
  checkUnchanged,
  type VaultContext,
  type Sight,
  type Target,
} from '../../vault/context.ts';

/**
 * Signs in to AWS once more and looks at the permissions. What AWS refuses is no error here but what was to be found
 * out. Throws VaultError `conflict` for manual accounts, `forbidden` where the node's own credentials are not for this
 * vault; TokenError.
 */
export async function checkCspAccount(
  context: AwsContext,
  act: Act,
  { vaultId, sight, id, expected }: Target,
): Promise<CspAccountRecord> {
  const account = await findAccount(context.store.db, vaultId, sight, id);
  checkRowVersion(account, expected);
  if (account.type === 'manual') throw manualProblem();
  const key = await currentKey(context.store.db, id);
  const open = key === undefined ? undefined : await openKey(context, account, key);
  let report: CheckReport;
  try {
    ({ report } = await checkAccess(context, account, open, { strict: false }));
  } catch (error) {
    if (!(error instanceof AwsError || error instanceof ExternalIdError)) throw error;
    report = failedReport(error, reportOf(account));
  }
  return context.store.write(act, async (trx) => {
    // AWS was asked about the record as it was.
    checkUnchanged(await findAccount(trx, vaultId, sight, id), account);
    await bumpRecord(trx, 'csp_accounts', account, {
      checked_at: act.at.toISOString(),
      check_report: JSON.stringify(report),
    });
    await record(trx, act, {
      ...accountEntry('check', account),
      after: { ok: report.ok, problem: report.problem?.code ?? null },
    });
    return findAccount(trx, vaultId, 'all', id);
  });
}

/** The check report of a record; undefined where it was never checked. */
export function reportOf(account: { check_report: string | null }): CheckReport | undefined {
  return account.check_report === null ? undefined : (JSON.parse(account.check_report) as CheckReport);
}

export interface AccountPolicies {
  /** For the IAM user or the role that works in KMS. */
  policy: PolicyDocument;
  /** Of the role; null with other types, and where who assumes it is not known. */
  trustPolicy: PolicyDocument | null;
  /** For the IAM user whose access key assumes the role; null without. */
  assumingPolicy: PolicyDocument | null;
  statements: { sid: string; why: string }[];
}

/** What to allow in IAM, as JSON for its console. AWS is not asked. Throws VaultError `not-found`. */
// oxlint-disable-next-line complexity -- one case for each type of account
export async function policyOfCspAccount(
  context: VaultContext,
  vaultId: string,
  sight: Sight,
  id: string,
): Promise<AccountPolicies> {
  const account = await findAccount(context.store.db, vaultId, sight, id);
  const report = reportOf(account);
  const isRole = account.type === 'role';
  const user = parseIdentity((isRole ? report?.assumedBy : report?.arn) ?? '');
  const userArn = user?.kind === 'user' ? user.arn : '';
  const subject = { partition: account.partition, accountId: account.aws_account_id, userArn, roleArn: '' };
  const groups: PermissionGroup[] = [
    ...workingGroups,
    ...(account.type === 'access-key' || account.type === 'manual' ? (['own-access-key'] as const) : []),
  ];
  const assuming: PermissionGroup[] =
    isRole && account.access_key_id !== null ? ['own-access-key', 'assume-role'] : [];
  const assumingSubject = {
    ...subject,
    accountId: user?.accountId ?? partsOfRole(account.role_arn)?.accountId ?? '',
    roleArn: account.role_arn,
  };
  return {
    policy: minPolicy(groups, { ...subject, roleArn: account.role_arn }),
    trustPolicy:
      isRole && report !== undefined && report.assumedBy !== ''
        ? trustPolicy(report.assumedBy, account.external_id)
        : null,
    assumingPolicy: assuming.length === 0 ? null : minPolicy(assuming, assumingSubject),
    statements: permissionsOf([...groups, ...assuming]).map(({ sid, why }) => ({ sid, why })),
  };
}

/** IAM users or roles of the AWS account, to choose a key's administrators and users from. Throws VaultError, AwsError. */
export async function principalsOfCspAccount(
  context: AwsContext,
  vaultId: string,
  sight: Sight,
  id: string,
  query: PrincipalQuery,
): Promise<PrincipalPage> {
  const account = await findAccount(context.store.db, vaultId, sight, id);
  return listPrincipals(await awsAccountOf(context, account), query);
}
