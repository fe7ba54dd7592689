import type { AwsAccount } from '../aws/clients.ts';
import type { ReadingAwsContext } from '../controller/context.ts';
import {
  accessOf,
  accountKeyOf,
  checkAmbient,
  checkLent,
  currentKey,
  manualProblem,
  openKey,
  regionOf,
  type CspAccessFields,
} from './sign-in.ts';
import type { Reading } from '../../vault/edits.ts';
import { VaultError } from '../../vault/vault-error.ts';

/**
 * AWS as the CSP account signs in there; its secret is opened by the token unless that was done already. In its default
 * Region unless another is told. Throws VaultError `conflict` for a manual account, and for a role that was not checked; `forbidden` where the node's own
 * credentials are not for this vault; TokenError; AwsError `credentials`. No request is sent to AWS yet.
 */
export async function awsAccountOf(
  context: ReadingAwsContext,
  account: CspAccessFields,
  region = '',
): Promise<AwsAccount> {
  if (account.type === 'manual') throw manualProblem();
  await checkVaultIsThere(context.store.db, account.vault_id);
  await checkAmbient(context, account);
  const key = await currentKey(context.store.db, account.id);
  checkLent(account, key);
  const accountKey = accountKeyOf(account, key);
  return (
    context.aws.remembered(accountKey, regionOf(account, region)) ??
    context.aws.of(
      accessOf(
        account,
        key === undefined ? undefined : await openKey(context, account, key),
        accountKey,
        region,
      ),
    )
  );
}

/** Nothing is done in AWS any more for a vault that was deleted, while its records go one after another. */
async function checkVaultIsThere(db: Reading, vaultId: string): Promise<void> {
  const vault = await db
    .selectFrom('vaults')
    .select('id')
    .where('id', '=', vaultId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  if (vault === undefined) throw new VaultError('not-found', 'there is no such vault');
}
