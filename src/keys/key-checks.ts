import type { Reading } from '../vault/edits.ts';
import type { CloudKeyRecord } from './key-records.ts';
import { VaultError } from '../vault/vault-error.ts';

/** Throws VaultError `conflict` where another CloudKey of the key set that is not DELETED has the name. */
export async function checkKeyName(
  db: Reading,
  { id, key_set_id, name }: Pick<CloudKeyRecord, 'id' | 'key_set_id' | 'name'>,
): Promise<void> {
  const same = await db
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
export async function checkUnspent(db: Reading, externalKeyId: string): Promise<void> {
  for (const table of ['cloud_keys', 'spent_external_keys'] as const) {
    const same = await db
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
