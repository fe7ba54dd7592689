import { z } from 'zod';
import type { AwsAccount } from '../aws/clients.ts';
import { whoIs } from '../aws/identity-check.ts';
import { writeKeyPolicy } from '../aws/key-policy.ts';
import { parseKeyArn, principalOf } from '../aws/kms-arns.ts';
import type { Reading } from '../../vault/edits.ts';
import type { CspAccount } from '../accounts/sign-in.ts';
import { toList, type CloudKeyRecord } from '../../keys/key-records.ts';
import type { KmsKeyRow } from './records.ts';

/** Where a KMS key is, and as whom Holdfast administers it. */
export interface PolicyFacts {
  partition: string;
  /** '' where it is not known. */
  accountId: string;
  holdfast: string | undefined;
}

const reportForm = z.object({ arn: z.string().nullish(), accountId: z.string().nullish() });

/** What the records tell, without asking AWS. */
export function factsOf(
  account: CspAccount | undefined,
  { key_arn }: Pick<KmsKeyRow, 'key_arn'>,
): PolicyFacts {
  const fromKey = parseKeyArn(key_arn);
  const report = readReport(account);
  return {
    partition: fromKey?.partition ?? account?.partition ?? 'aws',
    accountId: fromKey?.accountId ?? (account?.aws_account_id || report.accountId) ?? '',
    holdfast: account === undefined ? undefined : principal(account, report.arn),
  };
}

/** The same, and where the records do not tell it what STS says. Throws AwsError. */
export async function askedFacts(
  aws: AwsAccount,
  account: CspAccount,
  row: Pick<KmsKeyRow, 'key_arn'>,
): Promise<PolicyFacts> {
  const known = factsOf(account, row);
  if (known.accountId !== '' && known.holdfast !== undefined) return known;
  const { accountId, arn } = await whoIs(aws);
  return {
    partition: aws.partition,
    accountId: known.accountId === '' ? accountId : known.accountId,
    holdfast: known.holdfast ?? principal(account, arn),
  };
}

/**
 * The policy that follows from the CloudKey's administrators and users; '' while the account id is not known. Throws
 * KeyPolicyError.
 */
export function generatedPolicy(
  cloudKey: Pick<CloudKeyRecord, 'administrators' | 'users'>,
  { partition, accountId, holdfast }: PolicyFacts,
  source: KmsKeyRow['policy_source'],
): string {
  if (accountId === '') return '';
  return writeKeyPolicy({
    ...{ partition, accountId, holdfast },
    administrators: toList(cloudKey.administrators),
    users: toList(cloudKey.users),
    root: source !== 'GENERATED_WITHOUT_ROOT',
  });
}

/** The CSP account of an external key store. */
export async function accountOfStore(
  db: Reading,
  externalKeyStoreId: string,
): Promise<CspAccount | undefined> {
  return db
    .selectFrom('external_key_stores')
    .innerJoin('csp_accounts', 'csp_accounts.id', 'external_key_stores.csp_account_id')
    .selectAll('csp_accounts')
    .where('external_key_stores.id', '=', externalKeyStoreId)
    .executeTakeFirst();
}

/**
 * The user or role that Holdfast is. A role session tells the role's name without its path, so that of a role of which no
 * more is known nothing is said: the account's statement is there for it.
 */
function principal(account: CspAccount, callerArn: string | null | undefined): string | undefined {
  if (account.type === 'role' && account.role_arn !== '') return account.role_arn;
  if (callerArn === undefined || callerArn === null || callerArn === '') return undefined;
  const { arn, certain } = principalOf(callerArn);
  return certain && arn.includes(':iam::') ? arn : undefined;
}

function readReport(account: CspAccount | undefined): z.output<typeof reportForm> {
  if (account?.check_report === null || account === undefined) return {};
  try {
    return reportForm.parse(JSON.parse(account.check_report));
  } catch {
    return {};
  }
}
