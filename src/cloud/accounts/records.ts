import type { Transaction } from 'kysely';
import type { CspAccountTable, Tables } from '../../store/schema.ts';
import type { CspAccount } from './sign-in.ts';
import type { Reading } from '../../vault/edits.ts';
import type { Sight } from '../../vault/context.ts';
import { seenBy } from '../../vault/sight.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** A CSP account with what may be told of the access key that it signs in with. */
export interface CspAccountRecord extends CspAccount {
  access_key_id: string | null;
  access_key_created_at: string | null;
}

/** CSP accounts, each with its access key. */
export function accountRecords(db: Reading) {
  return db
    .selectFrom('csp_accounts')
    .leftJoin('csp_access_keys', (join) =>
      join
        .onRef('csp_access_keys.csp_account_id', '=', 'csp_accounts.id')
        .on('csp_access_keys.state', '=', 'CURRENT'),
    )
    .selectAll('csp_accounts')
    .select(['csp_access_keys.access_key_id', 'csp_access_keys.created_at as access_key_created_at']);
}

/** Throws VaultError `not-found`, also for what the caller may not see. */
export async function findAccount(
  db: Reading,
  vaultId: string,
  sight: Sight,
  id: string,
): Promise<CspAccountRecord> {
  const row = await accountRecords(db)
    .where('csp_accounts.id', '=', id)
    .where('csp_accounts.vault_id', '=', vaultId)
    .where((eb) => seenBy(eb.ref('csp_accounts.admin_group_id'), sight))
    .executeTakeFirst();
  if (row === undefined) throw new VaultError('not-found', 'there is no such CSP account');
  return row;
}

/** Throws VaultError `conflict` where another account of the vault has the name. */
export async function checkAccountName(
  trx: Transaction<Tables>,
  { id, vault_id, name }: Pick<CspAccount, 'id' | 'vault_id' | 'name'>,
): Promise<void> {
  const same = await trx
    .selectFrom('csp_accounts')
    .select('id')
    .where('vault_id', '=', vault_id)
    .where('name', '=', name)
    .where('id', '<>', id)
    .executeTakeFirst();
  if (same !== undefined) throw new VaultError('conflict', 'another CSP account of the vault has this name');
}

/** What the trail calls an act on the account. */
export function accountEntry(
  verb: string,
  { id, name, vault_id }: Pick<CspAccount, 'id' | 'name' | 'vault_id'>,
) {
  return { action: `csp-account.${verb}`, vaultId: vault_id, target: { kind: 'csp-account', id, name } };
}

/** What the trail keeps of it: of the access key only its id. */
export function auditedAccount(row: Omit<CspAccountRecord, 'access_key_created_at'>) {
  return {
    name: row.name,
    description: row.description,
    adminGroupId: row.admin_group_id,
    type: row.type,
    awsAccountId: row.aws_account_id,
    defaultRegion: row.default_region,
    ...(row.type === 'manual'
      ? {}
      : {
          partition: row.partition,
          fips: row.fips === 1,
          roleArn: row.role_arn,
          accessKeyId: row.access_key_id,
          accessKeyRotationDays: row.access_key_rotation_days,
        }),
  };
}

/** What an account has without any credential. */
export const withoutRotation = {
  access_key_rotation_days: null,
  next_access_key_rotation_at: null,
  access_key_rotation: null,
  access_key_rotation_known: null,
  access_key_rotation_problem: null,
  access_key_rotation_retry_at: null,
} as const satisfies Partial<Pick<CspAccountTable, 'access_key_rotation'>> & Record<string, null>;
