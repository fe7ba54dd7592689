import type { AwsAccount } from './clients.ts';
import { AwsError, callAws } from './aws-error.ts';

/** Who a credential belongs to, as STS says. */
export interface Identity {
  /** 12 digits. */
  accountId: string;
  arn: string;
  partition: string;
  kind: 'root' | 'user' | 'role' | 'other';
  /** Of the user or role, without its path; '' for the root user and others. */
  name: string;
}

/** GetCallerIdentity, which needs no permission: whether AWS takes the credential, and whose it is. Throws AwsError. */
export async function whoIs(account: AwsAccount): Promise<Identity> {
  const { GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
  const client = await account.sts();
  const { Account: accountId, Arn: arn } = await callAws('GetCallerIdentity', async () =>
    client.send(new GetCallerIdentityCommand({})),
  );
  const identity = parseIdentity(arn ?? '');
  if (identity === undefined || accountId !== identity.accountId)
    throw new AwsError('aws-trouble', 'UnknownAnswer', 'GetCallerIdentity', {
      message: 'the response of GetCallerIdentity is not an identity',
      remediation: 'check that [aws.endpoints] of the configuration names an endpoint of AWS',
    });
  return identity;
}

/** Undefined where the text is no ARN of a principal. */
// oxlint-disable-next-line complexity -- one field of what AWS answers after another
export function parseIdentity(arn: string): Identity | undefined {
  const [, partition, service, accountId, resource] =
    /^arn:(aws(?:-[a-z]+){0,3}):(iam|sts)::([0-9]{12}):([!-~]{1,700})$/.exec(arn) ?? [];
  if (partition === undefined || accountId === undefined || resource === undefined) return undefined;
  const common = { arn, partition, accountId };
  if (service === 'iam' && resource === 'root') return { ...common, kind: 'root', name: '' };
  const [head = '', ...rest] = resource.split('/');
  if (service === 'iam' && head === 'user') return { ...common, kind: 'user', name: rest.at(-1) ?? '' };
  if (service === 'iam' && head === 'role') return { ...common, kind: 'role', name: rest.at(-1) ?? '' };
  // The session's ARN has no path of the role, and ends with the session's name.
  if (head === 'assumed-role') return { ...common, kind: 'role', name: rest[0] ?? '' };
  return { ...common, kind: 'other', name: '' };
}

/**
 * Whether KMS takes the credential too: a new access key is not known everywhere at once. That it may do nothing there
 * says that it is known. Throws AwsError.
 */
export async function isKnownToKms(account: AwsAccount, region: string): Promise<void> {
  const { ListAliasesCommand } = await import('@aws-sdk/client-kms');
  const client = await account.kms(region);
  try {
    await callAws('ListAliases', async () => client.send(new ListAliasesCommand({ Limit: 1 })));
  } catch (error) {
    if (error instanceof AwsError && error.fault === 'denied') return;
    throw error;
  }
}
