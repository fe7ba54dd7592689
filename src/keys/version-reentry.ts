import { record, type Act } from '../evidence/trail.ts';
import { bumpRecord } from '../vault/edit-record.ts';
import type { VaultContext } from '../vault/context.ts';
import { refuseAt, rotateAt } from './encryption-limits.ts';
import { proofOfFound } from './key-proofs.ts';
import { keyEntry, type CloudKeyRecord } from './key-records.ts';

/** A CloudKey with where it is. */
export type OwnedKey = CloudKeyRecord & { vault_id: string; token: string };

/** Whether nothing of it is put back: its creation is under way, or it is gone. */
export function isBeyond(state: CloudKeyRecord['state']): boolean {
  return state === 'CREATING' || state === 'DELETED';
}

/**
 * Puts a version back whose key object was found and that is newer than any on record: an older store was restored. It is
 * to decrypt with and no more, since how often it has encrypted nobody knows; so its key is due for a rotation. Answers why
 * it was not put back, if it was not: what was found may be otherwise by now.
 */
export async function reenterVersion(
  context: VaultContext,
  act: Act,
  found: OwnedKey,
  version: number,
  objectId: Buffer,
): Promise<string | undefined> {
  const now = context.now().toISOString();
  const proof = await proofOfFound(context, {
    vaultId: found.vault_id,
    keySetId: found.key_set_id,
    externalKeyId: found.external_key_id,
    cloudKeyId: found.id,
    version,
    objectId,
    origin: 'holdfast',
    label: null,
    proof: null,
    token: found.token,
  });
  return context.store.change(act, async (trx) => {
    const { latest } = await trx
      .selectFrom('key_versions')
      .select((eb) => eb.fn.max<number | null>('version').as('latest'))
      .where('cloud_key_id', '=', found.id)
      .executeTakeFirstOrThrow();
    if ((latest ?? 0) >= version) return 'and has newer ones';
    const key = await trx.selectFrom('cloud_keys').selectAll().where('id', '=', found.id).executeTakeFirst();
    const state = key?.state ?? 'DELETED';
    if (key === undefined || isBeyond(state)) return `left unchanged: the CloudKey is ${state}`;
    await trx
      .insertInto('key_versions')
      .values({
        cloud_key_id: key.id,
        version,
        object_id: objectId,
        state: 'ACTIVE',
        origin: 'holdfast',
        proof,
        encryptions_leased: refuseAt,
        made_by: '',
        created_at: now,
        destroyed_at: null,
      })
      .execute();
    // Where the rotation that follows fails, the schedule does it, or a worker that is about to encrypt asks for it:
    // the count of the version that is current now is as old as the store.
    await trx
      .updateTable('key_versions')
      .set({ encryptions_leased: rotateAt })
      .where('cloud_key_id', '=', key.id)
      .where('version', '=', key.current_version)
      .where('encryptions_leased', '<', rotateAt)
      .execute();
    const due = key.state === 'PENDING_DELETION' ? {} : { next_rotation_at: now };
    await bumpRecord(trx, 'cloud_keys', key, due);
    await record(trx, act, { ...keyEntry('re-enter-version', found.vault_id, key), after: { version } });
    return undefined;
  });
}
