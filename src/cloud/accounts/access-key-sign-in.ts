import type { AwsAccount } from '../aws/clients.ts';
import { whoIs } from '../aws/identity-check.ts';
import type { ReadingAwsContext } from '../controller/context.ts';
import type { Reading } from '../../vault/edits.ts';
import { VaultError } from '../../vault/vault-error.ts';
import { keysOf } from './access-keys.ts';
import { accountRecords, type CspAccountRecord } from './records.ts';
import { accessOf, openKey, type CspAccessKey, type OpenKey } from './sign-in.ts';

/** A CSP account with all of its access keys, also those of a rotation under way. */
export type RotatedAccount = CspAccountRecord & { keys: readonly CspAccessKey[] };

export async function readRotated(db: Reading, id: string): Promise<RotatedAccount | undefined> {
  const account = await accountRecords(db).where('csp_accounts.id', '=', id).executeTakeFirst();
  return account && { ...account, keys: await keysOf(db, id) };
}

/** AWS as the IAM user who has this access key; of a role account as the user who assumes the role. */
export function userAccount(
  { aws }: Pick<ReadingAwsContext, 'aws'>,
  account: CspAccountRecord,
  key: OpenKey,
): AwsAccount {
  return aws.once(accessOf({ ...account, type: 'access-key' }, key, ''));
}

/** The same with the access key that is in use. */
export async function currentUser(context: ReadingAwsContext, account: RotatedAccount): Promise<AwsAccount> {
  const current = account.keys.find(({ state }) => state === 'CURRENT');
  if (current === undefined) throw noAccessKey('give it one: holdfast csp-account edit');
  return userAccount(context, account, await openKey(context, account, current));
}

export function noAccessKey(remediation: string): VaultError {
  return new VaultError('conflict', 'the CSP account has no access key', remediation);
}

/** The IAM user whose access key it is. Throws VaultError `conflict` for the root user, whose keys nobody rotates. */
export async function userOf(aws: AwsAccount): Promise<string> {
  const { kind, name } = await whoIs(aws);
  if (kind === 'user') return name;
  throw new VaultError(
    'conflict',
    'only access keys of IAM users are rotated, and this is another’s',
    'give the CSP account an access key of an IAM user',
  );
}
