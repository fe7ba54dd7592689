import type { Transaction } from 'kysely';
import type { Tables } from '../../store/schema.ts';

/* Sign-ins at a provider that are under way: bounded, so that nobody's keep anybody else out. */

/**
 * So many are under way from the addresses of one share, in one vault, and altogether. One more takes the place of the
 * oldest of whoever has most: who fills the table signs out of it themselves, and shuts nobody else out.
 */
export const maxUnderWay = { ofShare: 100, ofVault: 1_000, all: 10_000 };

/** Makes room for one more. One whose provider has answered is never dropped. */
export async function makeRoom(trx: Transaction<Tables>, vaultId: string, share: string): Promise<void> {
  const underWay = trx.selectFrom('oidc_sign_ins').where('code_hash', 'is', null);
  const count = async (query: typeof underWay) =>
    (await query.select((eb) => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()).count;
  const inVault = underWay.where('vault_id', '=', vaultId);
  if ((await count(inVault.where('share', '=', share))) >= maxUnderWay.ofShare)
    return dropOldest(trx, vaultId, share);
  if ((await count(inVault)) >= maxUnderWay.ofVault) return dropOfFullest(trx, vaultId);
  if ((await count(underWay)) < maxUnderWay.all) return;
  const fullest = await underWay
    .select('vault_id')
    .groupBy('vault_id')
    .orderBy((eb) => eb.fn.countAll(), 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
  await dropOfFullest(trx, fullest.vault_id);
}

async function dropOfFullest(trx: Transaction<Tables>, vaultId: string): Promise<void> {
  const { share } = await trx
    .selectFrom('oidc_sign_ins')
    .select('share')
    .where('code_hash', 'is', null)
    .where('vault_id', '=', vaultId)
    .groupBy('share')
    .orderBy((eb) => eb.fn.countAll(), 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
  await dropOldest(trx, vaultId, share);
}

async function dropOldest(trx: Transaction<Tables>, vaultId: string, share: string): Promise<void> {
  await trx
    .deleteFrom('oidc_sign_ins')
    .where('state_hash', '=', (eb) =>
      eb
        .selectFrom('oidc_sign_ins')
        .select('state_hash')
        .where('code_hash', 'is', null)
        .where('vault_id', '=', vaultId)
        .where('share', '=', share)
        .orderBy('created_at')
        .limit(1),
    )
    .execute();
}
