import type { AwsAccount } from '../aws/clients.ts';
import { KmsKeys } from '../aws/kms-keys.ts';
import type { ReadingAwsContext } from '../controller/context.ts';
import { awsAccountOf } from '../accounts/context.ts';
import type { CspAccount } from '../accounts/sign-in.ts';
import { accountOfStore } from './policy.ts';
import type { KmsKey } from './records.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** As whom AWS is asked about a KMS key. Throws VaultError, TokenError. */
export async function accountIn(
  context: ReadingAwsContext,
  row: Pick<KmsKey, 'external_key_store_id' | 'region'>,
): Promise<{ account: CspAccount; aws: AwsAccount }> {
  const account = await accountOfStore(context.store.db, row.external_key_store_id);
  if (account === undefined)
    throw new VaultError('conflict', 'the key store has no CSP account', 'give its key set one');
  return { account, aws: await awsAccountOf(context, account, row.region) };
}

export async function kmsOf(
  context: ReadingAwsContext,
  row: Pick<KmsKey, 'external_key_store_id' | 'region'>,
): Promise<KmsKeys> {
  return new KmsKeys((await accountIn(context, row)).aws, row.region);
}
