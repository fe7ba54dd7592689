import type { Transaction } from 'kysely';
import { mustBeGone, type Gone } from '../aws/presence.ts';
import type { Tables } from '../../store/schema.ts';
import { auditedStore, isOfStore, storeEntry, type ExternalKeyStore } from './records.ts';
import type { StorePlan } from './row.ts';
import { withdrawIn } from '../../keys/credentials/credential-ends.ts';
import { VaultError } from '../../vault/vault-error.ts';
import { counted } from '../../counted.ts';

/** Throws VaultError `conflict` while KMS keys hang on the key store: AWS would not delete it either. */
export async function checkNoKmsKeys(
  trx: Pick<Transaction<Tables>, 'selectFrom'>,
  { id }: Pick<ExternalKeyStore, 'id'>,
): Promise<void> {
  const { keys } = await trx
    .selectFrom('kms_keys')
    .select((eb) => eb.fn.countAll<number>().as('keys'))
    .where('external_key_store_id', '=', id)
    .where('step', '<>', 'GONE')
    .where('cloud_status', '<>', 'NOT_FOUND')
    .executeTakeFirstOrThrow();
  if (keys > 0)
    throw new VaultError(
      'conflict',
      `${counted(keys, 'KMS key is', 'KMS keys are')} in the external key store: it cannot be deleted, and what ${keys === 1 ? 'it' : 'they'} encrypted could not be read again`,
      'schedule the deletion of the KMS keys and wait until AWS has deleted them, 7 to 30 days; or disconnect the key store and leave it',
    );
}

/**
 * AWS has the key store no more: neither have we. A credential that nobody but AWS was ever given is withdrawn with it,
 * unless another store has it.
 */
export function removedWith(gone: Gone): StorePlan {
  mustBeGone(gone);
  return {
    served: (row) => ({
      entries: [{ ...storeEntry('deleted', row), before: auditedStore(row) }],
      also: async (trx, act) => {
        await forgetStore(trx, row);
        for (const accessKeyId of row.origin === 'HOLDFAST' ? credentialsOf(row) : [])
          if (!(await isOfStore(trx, row.keySet, accessKeyId)))
            await withdrawIn(trx, act, row.keySet, accessKeyId);
      },
    }),
  };
}

/** Takes the record away, with what is left of KMS keys that are gone. */
export async function forgetStore(
  trx: Pick<Transaction<Tables>, 'deleteFrom'>,
  row: ExternalKeyStore,
): Promise<void> {
  await trx.deleteFrom('kms_keys').where('external_key_store_id', '=', row.id).execute();
  await trx.deleteFrom('external_key_stores').where('id', '=', row.id).execute();
}

function credentialsOf({ access_key_id, pending_access_key_id }: ExternalKeyStore): string[] {
  return [access_key_id, pending_access_key_id].filter((id) => id !== '');
}
