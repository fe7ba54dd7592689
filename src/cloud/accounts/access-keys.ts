import type { Transaction } from 'kysely';
import type { Tables } from '../../store/schema.ts';
import { secretContext, type CspAccessKey, type CspAccount, type OpenKey } from './sign-in.ts';
import type { VaultContext } from '../../vault/context.ts';
import { seal } from '../../vault/sealing.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** The row of an access key, its secret under the token's sealing key. Throws TokenError. */
export async function sealKey(
  context: Pick<VaultContext, 'tokens'>,
  account: Pick<CspAccount, 'id' | 'vault_id'>,
  { accessKeyId, secret }: OpenKey,
  facts: Pick<CspAccessKey, 'state' | 'origin' | 'created_at'>,
): Promise<CspAccessKey> {
  const { sealed, token } = await seal(context, secretContext(account, accessKeyId), secret);
  return {
    csp_account_id: account.id,
    access_key_id: accessKeyId,
    sealed_secret: sealed,
    sealed_token: token,
    ...facts,
  };
}

/** All access keys of the account, also those of a rotation under way. */
export async function keysOf(
  trx: Pick<Transaction<Tables>, 'selectFrom'>,
  cspAccountId: string,
): Promise<CspAccessKey[]> {
  return trx.selectFrom('csp_access_keys').selectAll().where('csp_account_id', '=', cspAccountId).execute();
}

/** Deletes what we have of them; IAM has them still. */
export async function forgetKeys(trx: Transaction<Tables>, cspAccountId: string): Promise<void> {
  await trx.deleteFrom('csp_access_keys').where('csp_account_id', '=', cspAccountId).execute();
}

/** Puts the secret of an access key, sealed anew, into its record, where that is still as it was read. */
export async function keepResealedKey(
  { store }: Pick<VaultContext, 'store'>,
  read: { id: string; access_key_id: string; sealed_secret: Buffer },
  sealed: Buffer,
): Promise<void> {
  await store.bookkeep('sealed anew', async (trx) =>
    trx
      .updateTable('csp_access_keys')
      .set({ sealed_secret: sealed })
      .where('csp_account_id', '=', read.id)
      .where('access_key_id', '=', read.access_key_id)
      .where('sealed_secret', '=', read.sealed_secret)
      .execute(),
  );
}

/** Whether another CSP account, of whichever vault, signs in with it too. */
export async function isShared(
  db: Pick<Transaction<Tables>, 'selectFrom'>,
  cspAccountId: string,
  accessKeyId: string,
): Promise<boolean> {
  const other = await db
    .selectFrom('csp_access_keys')
    .select('csp_account_id')
    .where('access_key_id', '=', accessKeyId)
    .where('csp_account_id', '<>', cspAccountId)
    .executeTakeFirst();
  return other !== undefined;
}

/**
 * No CSP account is given an access key that the rotation of another's is about to delete in IAM. Whose that is, is nobody's
 * business here. Throws VaultError `conflict`.
 */
export async function checkNotRotatedElsewhere(
  trx: Transaction<Tables>,
  { csp_account_id, access_key_id }: Pick<CspAccessKey, 'csp_account_id' | 'access_key_id'>,
): Promise<void> {
  const other = await trx
    .selectFrom('csp_access_keys')
    .innerJoin('csp_accounts', 'csp_accounts.id', 'csp_access_keys.csp_account_id')
    .select('csp_accounts.id')
    .where('csp_access_keys.access_key_id', '=', access_key_id)
    .where('csp_accounts.id', '<>', csp_account_id)
    .where('csp_accounts.access_key_rotation', 'is not', null)
    .executeTakeFirst();
  if (other !== undefined)
    throw new VaultError(
      'conflict',
      'another CSP account signs in with this access key, and is rotating it: it will be deleted in IAM',
      'give each CSP account an IAM user of its own',
    );
}
