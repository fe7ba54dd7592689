import { bumpRecords } from '../../vault/edit-record.ts';
import type { VaultPart } from '../../vault/vault-part.ts';
import { withoutRotation } from './records.ts';

/** How its AWS accounts were signed in to: nobody can see or use it again, and IAM has the access keys still. */
export const endCspAccounts: VaultPart = async (trx, vaultId, max) => {
  const accounts = await trx
    .selectFrom('csp_accounts')
    .select('id')
    .where('vault_id', '=', vaultId)
    .where((eb) =>
      eb.or([
        ...Object.keys(withoutRotation).map((column) =>
          eb(column as keyof typeof withoutRotation, 'is not', null),
        ),
        eb.exists(
          eb
            .selectFrom('csp_access_keys')
            .select('access_key_id')
            .whereRef('csp_access_keys.csp_account_id', '=', 'csp_accounts.id'),
        ),
      ]),
    )
    .limit(max)
    .execute();
  const ids = accounts.map(({ id }) => id);
  if (ids.length === 0) return 0;
  await trx.deleteFrom('csp_access_keys').where('csp_account_id', 'in', ids).execute();
  await bumpRecords(trx, 'csp_accounts', ids, withoutRotation);
  return ids.length;
};
