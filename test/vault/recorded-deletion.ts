import { record } from '../../src/evidence/trail.ts';
import type { VaultContext } from '../../src/vault/context.ts';
import { keyEntry, type CloudKeyRecord } from '../../src/keys/key-records.ts';
import { systemAct } from '../../src/vault/system-act.ts';

/** As the schedule leaves a key whose waiting time is over: with its deletion on the record, and nothing destroyed yet. */
export async function recordDeletion(
  vaultContext: VaultContext,
  vaultId: string,
  key: CloudKeyRecord,
): Promise<void> {
  const act = systemAct(vaultContext, 'test');
  const at = vaultContext.now().toISOString();
  await vaultContext.store.change(act, async (trx) => {
    await trx
      .updateTable('cloud_keys')
      .set({ state: 'DELETED', deletion_at: at, deleted_at: at })
      .where('id', '=', key.id)
      .execute();
    await trx
      .updateTable('key_versions')
      .set({ state: 'DESTROYING' })
      .where('cloud_key_id', '=', key.id)
      .where('state', 'in', ['ACTIVE', 'PENDING'])
      .execute();
    await record(trx, act, keyEntry('delete', vaultId, key));
  });
}
