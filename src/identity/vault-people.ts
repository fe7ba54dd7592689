import type { VaultPart } from '../vault/vault-part.ts';

/** Sessions, recovery codes and memberships go with their users, and of those each has a few. */
const rowsOfUser = 20;

/** Its people and their API keys. */
export const endPeople: VaultPart = async (trx, vaultId, most) => {
  let taken = 0;
  while (taken < most) {
    const user = await trx
      .selectFrom('users')
      .select('id')
      .where('vault_id', '=', vaultId)
      .executeTakeFirst();
    if (user === undefined) break;
    const apiKeys = await trx
      .selectFrom('api_keys')
      .select('id')
      .where('user_id', '=', user.id)
      .limit(most - taken)
      .execute();
    const ids = apiKeys.map(({ id }) => id);
    if (ids.length > 0) await trx.deleteFrom('api_keys').where('id', 'in', ids).execute();
    taken += ids.length;
    if (taken >= most) break;
    await trx.deleteFrom('users').where('id', '=', user.id).execute();
    taken += rowsOfUser;
  }
  return taken;
};
