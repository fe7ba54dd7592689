import { beginsWith } from '../../vault/begins-with.ts';
import { record, type Act } from '../../evidence/trail.ts';
import type { AwsContext } from '../controller/context.ts';
import {
  accountEntry,
  accountRecords,
  auditedAccount,
  findAccount,
  type CspAccountRecord,
} from './records.ts';
import { forgetKeys, keysOf } from './access-keys.ts';
import { checkRowVersion, type VaultContext, type Sight, type Target } from '../../vault/context.ts';
import { notByIndex, readPage, type Page, type PageInput } from '../../vault/page.ts';
import { seenBy } from '../../vault/sight.ts';
import { VaultError } from '../../vault/vault-error.ts';

export { createCspAccount } from './making.ts';
export { updateCspAccount } from './editing.ts';
export type { CspAccountRecord } from './records.ts';
export type { CspAccountInput } from './fields.ts';

export interface CspAccountFilter {
  /** Beginning of the name. */
  name?: string | undefined;
  adminGroupId?: string | undefined;
}

export const cspAccountOrders = {
  name: 'csp_accounts.name',
  createdAt: 'csp_accounts.created_at',
  updatedAt: 'csp_accounts.updated_at',
} as const;

/**
 * Forgets the account and what is sealed for it. In IAM its access key lives on: only its owner knows what else it is
 * for. Throws VaultError `conflict` while a key set or an external key store is for it.
 */
export async function deleteCspAccount(
  context: AwsContext,
  act: Act,
  { vaultId, sight, id, expected }: Target,
): Promise<void> {
  await context.store.write(act, async (trx) => {
    const before = await findAccount(trx, vaultId, sight, id);
    checkRowVersion(before, expected);
    for (const [table, what] of [
      ['key_sets', 'key sets'],
      ['external_key_stores', 'external key stores'],
    ] as const) {
      const used = await trx
        .selectFrom(table)
        .select('id')
        .where('csp_account_id', '=', id)
        .executeTakeFirst();
      if (used !== undefined)
        throw new VaultError(
          'conflict',
          `${what} are for this CSP account`,
          'delete them, or give them another CSP account',
        );
    }
    const keys = await keysOf(trx, id);
    await forgetKeys(trx, id);
    await trx.deleteFrom('csp_accounts').where('id', '=', id).execute();
    await record(trx, act, {
      ...accountEntry('delete', before),
      before: {
        ...auditedAccount(before),
        ...(keys.length === 0 ? {} : { accessKeysLeftInIam: keys.map((key) => key.access_key_id) }),
      },
    });
  });
  context.aws.forget(id);
}

export async function listCspAccounts(
  { store }: Pick<VaultContext, 'store'>,
  vaultId: string,
  sight: Sight,
  filter: CspAccountFilter,
  page: PageInput,
): Promise<Page<CspAccountRecord>> {
  let query = accountRecords(store.db)
    .where('csp_accounts.vault_id', '=', vaultId)
    .where((eb) => seenBy(notByIndex(eb.ref('csp_accounts.admin_group_id')), sight));
  const { name, adminGroupId } = filter;
  if (name !== undefined) query = query.where((eb) => beginsWith(eb.ref('csp_accounts.name'), name));
  if (adminGroupId !== undefined)
    query = query.where((eb) => eb(notByIndex(eb.ref('csp_accounts.admin_group_id')), '=', adminGroupId));
  const through = store.db.selectFrom('csp_accounts').where('csp_accounts.vault_id', '=', vaultId);
  return readPage(query, through, cspAccountOrders, 'csp_accounts.id', page);
}

/** Throws VaultError `not-found`. */
export async function getCspAccount(
  { store }: Pick<VaultContext, 'store'>,
  vaultId: string,
  sight: Sight,
  id: string,
): Promise<CspAccountRecord> {
  return findAccount(store.db, vaultId, sight, id);
}
