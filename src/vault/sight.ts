import { sql, type Expression, type SqlBool, type Transaction } from 'kysely';
import type { Tables } from '../store/schema.ts';
import type { Sight } from './context.ts';
import { VaultError } from './vault-error.ts';

/** Whether a record of this admin group is seen. What belongs to no group is seen by those who see all. */
export function seenBy(adminGroupId: Expression<string | null>, sight: Sight): Expression<SqlBool> {
  if (sight === 'all') return sql`1 = 1`;
  if (sight.length === 0) return sql`1 = 0`;
  return sql`${adminGroupId} IN (${sql.join(sight)})`;
}

/**
 * Makes sure that a record may be given to this admin group: one of the vault, and one of their own for those who see
 * only such. Throws VaultError `invalid` or `forbidden`.
 */
export async function checkOwner(
  trx: Transaction<Tables>,
  vaultId: string,
  sight: Sight,
  adminGroupId: string | null,
): Promise<void> {
  if (adminGroupId === null) {
    if (sight === 'all') return;
    throw new VaultError('invalid', 'it must belong to an admin group', 'name one that you are in');
  }
  // Before it is looked for: whether there is a group that they are not in is not for them to know.
  if (sight !== 'all' && !sight.includes(adminGroupId))
    throw new VaultError('forbidden', 'you are not in this admin group', 'name one that you are in');
  const group = await trx
    .selectFrom('admin_groups')
    .select('id')
    .where('id', '=', adminGroupId)
    .where('vault_id', '=', vaultId)
    .executeTakeFirst();
  if (group === undefined) throw new VaultError('invalid', 'the vault has no such admin group');
}
