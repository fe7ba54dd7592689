import type { AwsAccount, AwsClients } from '../aws/clients.ts';
import type { Logger } from '../../log.ts';
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
import type { House } from '../../vault/context.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** What acts that reach into AWS work with. */
export interface AwsHouse extends House {
  aws: AwsClients;
}

/** A house whose log is told what stands in no record: mistakes of our own. */
export interface LoggedAwsHouse extends AwsHouse {
  log?: Pick<Logger, 'error'>;
}

/**
 * AWS as the CSP account signs in there; its secret is opened by the token unless that was done already. In its default
 * Region unless another is told. Throws VaultError `conflict` for a manual account, and for a role that was not checked; `forbidden` where the node's own
 * credentials are not for this vault; TokenError; AwsError `credentials`. No request is sent to AWS yet.
 */
export async function awsAccountOf(
  house: AwsHouse,
  account: CspAccessFields,
  region = '',
): Promise<AwsAccount> {
  if (account.type === 'manual') throw manualProblem();
  await checkVaultIsThere(house.store.db, account.vault_id);
  await checkAmbient(house, account);
  const key = await currentKey(house.store.db, account.id);
  checkLent(account, key);
  const accountKey = accountKeyOf(account, key);
  return (
    house.aws.remembered(accountKey, regionOf(account, region)) ??
    house.aws.of(
      accessOf(
        account,
        key === undefined ? undefined : await openKey(house, account, key),
        accountKey,
        region,
      ),
    )
  );
}

/** Nothing is done in AWS any more for a vault that was deleted, while its records go one after another. */
async function checkVaultIsThere(db: House['store']['db'], vaultId: string): Promise<void> {
  const vault = await db
    .selectFrom('vaults')
    .select('id')
    .where('id', '=', vaultId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  if (vault === undefined) throw new VaultError('not-found', 'there is no such vault');
}
