import type { AnyPlan, Next, Recorded, ServedRecorded, Step } from '../controller/resource.ts';
import { credentialsNamed, type UsedCredential } from '../../keys/credentials/credential-records.ts';
import type { KeySet } from '../../keys/key-sets/key-set-records.ts';
import type { Reading } from '../../vault/edits.ts';
import { accountFor, type StoreAccount } from './accounts.ts';
import type { ExternalKeyStore } from './records.ts';
import { readDetails } from './wanted.ts';

/** The record with what is decided by beside it: read anew before each step. */
export interface StoreRow extends ExternalKeyStore {
  keySet: KeySet;
  /** Undefined where a person does in AWS what is to be done. */
  account: StoreAccount | undefined;
  /** Those of the key set that AWS has or may have been given, and their successors, by access key id. */
  credentials: ReadonlyMap<string, UsedCredential>;
}

export type StorePlan = AnyPlan<'external_key_stores', StoreRow>;
export type StoreRecorded = Recorded<'external_key_stores'>;
export type StoreServed = ServedRecorded<'external_key_stores'>;
export type StoreStep = Step<'external_key_stores', StoreRow>;
export type NextOfStore = Next<'external_key_stores', StoreRow>;

/** Undefined where it is gone, or goes with its vault. */
export async function readStoreRow(db: Reading, id: string): Promise<StoreRow | undefined> {
  const row = await db.selectFrom('external_key_stores').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) return undefined;
  const keySet = await db
    .selectFrom('key_sets')
    .innerJoin('vaults', 'vaults.id', 'key_sets.vault_id')
    .selectAll('key_sets')
    .where('key_sets.id', '=', row.key_set_id)
    .where('vaults.deleted_at', 'is', null)
    .executeTakeFirst();
  if (keySet === undefined) return undefined;
  const given = [row.access_key_id, row.pending_access_key_id, ...(readDetails(row).tried ?? [])];
  const credentials = await credentialsNamed(
    db,
    keySet,
    given.filter((one) => one !== ''),
  );
  return {
    ...{ ...row, keySet, account: await accountFor(db, row) },
    credentials: new Map(credentials.map((one) => [one.access_key_id, one])),
  };
}
