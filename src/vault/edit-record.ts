import type { Selectable } from 'kysely';
import type { Tables } from '../store/schema.ts';
import type { ActTransaction, ChangeTransaction } from '../store/store.ts';
import { changes } from './edits.ts';
import { VaultError } from './vault-error.ts';

/** Records with an ETag, by the column that they are found by. */
const keys = {
  vaults: 'id',
  users: 'id',
  admin_groups: 'id',
  csp_accounts: 'id',
  key_sets: 'id',
  cloud_keys: 'id',
  xks_credentials: 'access_key_id',
  external_key_stores: 'id',
  kms_keys: 'id',
} as const satisfies Partial<Record<keyof Tables, string>>;

type Versioned = keyof typeof keys;
/** What XKS workers serve by: a change of it that they do not hear of does not compile. */
type Served = 'vaults' | 'key_sets' | 'cloud_keys' | 'xks_credentials';
type TransactionFor<T extends Versioned> = T extends Served ? ChangeTransaction : ActTransaction;
type Row<T extends Versioned> = Selectable<Tables[T]>;
/** A row as it was read, with the columns that may be changed. */
type Read<T extends Versioned> = Partial<Row<T>> & { row_version: number };

/**
 * Changes a record that was read in this transaction, or before it: it is changed only where its row version is still the
 * one that was read, whatever was awaited between. Answers undefined where the change changes nothing: then there is no
 * statement, no new version and nothing to put on record. Throws VaultError `precondition`.
 */
export async function editRecord<T extends Versioned>(
  trx: TransactionFor<T>,
  table: T,
  before: Read<T>,
  change: Partial<Row<T>>,
): Promise<Row<T> | undefined> {
  if (!changes<Partial<Row<T>>>(before, change)) return undefined;
  return bumpRecord(trx, table, before, change);
}

/** The same for a change of what belongs to the record and stands elsewhere: the record has another version by it. */
export async function bumpRecord<T extends Versioned>(
  trx: TransactionFor<T>,
  table: T,
  before: Read<T>,
  change: Partial<Row<T>> = {},
): Promise<Row<T>> {
  const key = keys[table];
  const { row_version } = before;
  // Kysely's types do not follow a table that is a parameter; ours above do.
  const after = await (trx as ActTransaction)
    .updateTable(table as 'users')
    .set({
      ...(change as object),
      row_version: row_version + 1,
      ...(table === 'xks_credentials' ? {} : { updated_at: trx.at.toISOString() }),
    })
    .where(key as 'id', '=', (before as Record<string, unknown>)[key] as string)
    .where('row_version', '=', row_version)
    .returningAll()
    .executeTakeFirst();
  if (after === undefined)
    throw new VaultError('precondition', 'it has been changed meanwhile; look at it again, then repeat');
  return after as Row<T>;
}
