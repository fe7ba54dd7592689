import type { Transaction } from 'kysely';
import type { Tables } from '../store/schema.ts';
import type { CloudKeyRecord } from './key-records.ts';
import { VaultError } from '../vault/vault-error.ts';

/** Throws VaultError `conflict` where another CloudKey of the key set that is not DELETED has the name. */
export async function checkKeyName(
  trx: Transaction<Tables>,
  { id, key_set_id, name }: Pick<CloudKeyRecord, 'id' | 'key_set_id' | 'name'>,
): Promise<void> {
  const same = await trx
    .selectFrom('cloud_keys')
    .select('id')
    .where('key_set_id', '=', key_set_id)
    .where('name', '=', name)
    .where('state', '<>', 'DELETED')
    .where('id', '<>', id)
    .executeTakeFirst();
  if (same !== undefined) throw new VaultError('conflict', 'another CloudKey of the key set has this name');
}

/** AWS binds KMS keys to external key ids: one that any CloudKey ever had is never given again. */
export async function checkUnspent(trx: Transaction<Tables>, externalKeyId: string): Promise<void> {
  for (const table of ['cloud_keys', 'spent_external_keys'] as const) {
    const same = await trx
      .selectFrom(table)
      .select('external_key_id')
      .where('external_key_id', '=', externalKeyId)
      .executeTakeFirst();
    if (same !== undefined)
      throw new VaultError(
        'conflict',
        'another CloudKey has, or had, this external key id',
        'choose another, or leave it out',
      );
  }
}
