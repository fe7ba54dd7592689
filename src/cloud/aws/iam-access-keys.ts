import { Secret } from '../../secret.ts';
import type { AwsAccount } from './clients.ts';
import { AwsError, callAws } from './aws-error.ts';

/** So many access keys an IAM user may have at once (IAM quotas, AccessKeysPerUser). */
export const maxAccessKeys = 2;

export interface ListedAccessKey {
  id: string;
  active: boolean;
  createdAt: Date | undefined;
}

/** The access keys of a user. Throws AwsError. */
export async function listAccessKeys(account: AwsAccount, userName: string): Promise<ListedAccessKey[]> {
  const { ListAccessKeysCommand } = await import('@aws-sdk/client-iam');
  const client = await account.iam();
  const { AccessKeyMetadata: keys = [] } = await callAws('ListAccessKeys', async () =>
    client.send(new ListAccessKeysCommand({ UserName: userName })),
  );
  return keys.flatMap(({ AccessKeyId: id, Status: status, CreateDate: createdAt }) =>
    id === undefined ? [] : [{ id, active: status === 'Active', createdAt }],
  );
}

/** Makes a second one. Throws AwsError: `limit` where there are two; after others it may have been made all the same. */
export async function createAccessKey(
  account: AwsAccount,
  userName: string,
): Promise<{ id: string; secret: Secret }> {
  const { CreateAccessKeyCommand } = await import('@aws-sdk/client-iam');
  const client = await account.iam();
  const { AccessKey: key } = await callAws('CreateAccessKey', async () =>
    client.send(new CreateAccessKeyCommand({ UserName: userName })),
  );
  if (key?.AccessKeyId === undefined || key.SecretAccessKey === undefined)
    throw new AwsError('aws-trouble', 'UnknownAnswer', 'CreateAccessKey', {
      message: 'CreateAccessKey answered without an access key',
      remediation: 'repeat',
    });
  return { id: key.AccessKeyId, secret: new Secret(key.SecretAccessKey) };
}

/** Nobody signs in with it from then on, until somebody activates it again. Throws AwsError. */
export async function deactivateAccessKey(account: AwsAccount, userName: string, id: string): Promise<void> {
  const { UpdateAccessKeyCommand } = await import('@aws-sdk/client-iam');
  const client = await account.iam();
  await callAws('UpdateAccessKey', async () =>
    client.send(new UpdateAccessKeyCommand({ UserName: userName, AccessKeyId: id, Status: 'Inactive' })),
  );
}

/** Throws AwsError; whether one that is not found is gone, `removed` (presence.ts) says. */
export async function deleteAccessKey(account: AwsAccount, userName: string, id: string): Promise<void> {
  const { DeleteAccessKeyCommand } = await import('@aws-sdk/client-iam');
  const client = await account.iam();
  await callAws('DeleteAccessKey', async () =>
    client.send(new DeleteAccessKeyCommand({ UserName: userName, AccessKeyId: id })),
  );
}

/** Whether anybody has ever signed with it, as far as IAM knows by now. Throws AwsError. */
export async function wasEverUsed(account: AwsAccount, id: string): Promise<boolean> {
  const { GetAccessKeyLastUsedCommand } = await import('@aws-sdk/client-iam');
  const client = await account.iam();
  const { AccessKeyLastUsed: last } = await callAws('GetAccessKeyLastUsed', async () =>
    client.send(new GetAccessKeyLastUsedCommand({ AccessKeyId: id })),
  );
  return last?.LastUsedDate !== undefined;
}
