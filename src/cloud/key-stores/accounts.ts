import type { Selectable } from 'kysely';
import type { CspAccountTable } from '../../store/schema.ts';
import type { Reading } from '../../vault/edits.ts';
import type { ExternalKeyStore } from './records.ts';
import type { KeySet } from '../../keys/key-sets/key-set-records.ts';
import { VaultError } from '../../vault/vault-error.ts';

export type StoreAccount = Selectable<CspAccountTable>;

/** The CSP account that a key set, or an external key store of it, is for. */
export async function accountFor(
  db: Reading,
  { vault_id, csp_account_id }: Pick<KeySet, 'vault_id' | 'csp_account_id'>,
): Promise<StoreAccount | undefined> {
  if (csp_account_id === null) return undefined;
  return db
    .selectFrom('csp_accounts')
    .selectAll()
    .where('id', '=', csp_account_id)
    .where('vault_id', '=', vault_id)
    .executeTakeFirst();
}

/** Whether Holdfast can act in AWS for it. */
export function signsIn(account: StoreAccount | undefined): account is StoreAccount {
  return account !== undefined && account.type !== 'manual';
}

/** Whether a person does in AWS what is to be done for the key store. */
export function isByHand(
  row: Pick<ExternalKeyStore, 'origin'>,
  account: StoreAccount | undefined,
): account is undefined {
  return row.origin === 'MANUAL' || !signsIn(account);
}

export function byHandProblem(inAws: string, then: string): VaultError {
  return new VaultError(
    'conflict',
    'Holdfast does not sign in to AWS for this external key store: it is managed manually',
    `${inAws} in the AWS KMS console or with its command, ${then}; or give the key set’s CSP account an access key or a role and link the key store`,
  );
}
