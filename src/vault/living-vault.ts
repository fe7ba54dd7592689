import { sql, type Expression, type SqlBool } from 'kysely';

/**
 * Whether somebody is of a vault that is there, or of the appliance (''): the users of a vault that was deleted are nobody
 * from that moment on, though their rows go one after another.
 */
export function ofLivingVault(vaultId: Expression<string>): Expression<SqlBool> {
  return sql<SqlBool>`(${vaultId} = '' OR EXISTS (SELECT 1 FROM vaults WHERE vaults.id = ${vaultId} AND vaults.deleted_at IS NULL))`;
}
