import type {
  ColumnType,
  Expression,
  InsertType,
  Selectable,
  SelectType,
  Transaction,
  UpdateQueryBuilder,
  UpdateResult,
} from 'kysely';
import type { Tables } from '../store/schema.ts';
import type { ActTransaction, ChangeTransaction } from '../store/store.ts';
import { changes, type Edit } from './edits.ts';
import { changesOnly } from '../store/act-transaction.ts';
import { changedMeanwhile } from './context.ts';

/*
 * The one place in which a record with an ETag is changed (the lint rule `records/edits` keeps it so): every change that a
 * person makes or sees is a new version of it, and what is not is one of the columns that are named here.
 */

/** Records with an ETag: the column that they are found by, and those that are noted without a new version. */
const records = {
  vaults: { key: 'id', notes: [] },
  users: {
    key: 'id',
    // Counts and times of signing in, and a hash or seal of the same secret in a form that is better than the one before.
    notes: [
      'failures',
      'locked_until',
      'last_sign_in_at',
      'password_hash',
      'totp_last_step',
      'totp_sealed',
      'totp_enrolment',
    ],
  },
  api_keys: { key: 'id', notes: ['last_used_at', 'last_address'] },
  admin_groups: { key: 'id', notes: [] },
  oidc_providers: { key: 'vault_id', notes: ['client_secret_sealed'] },
  settings: { key: 'name', notes: ['sealed'] },
  csp_accounts: {
    key: 'id',
    // Where the rotation of its access key has come to.
    notes: [
      'access_key_rotation_known',
      'access_key_rotation_problem',
      'access_key_rotation_retry_at',
      'access_key_rotation_failures',
    ],
  },
  key_sets: { key: 'id', notes: [] },
  cloud_keys: { key: 'id', notes: ['made_by'] },
  xks_credentials: { key: 'access_key_id', notes: ['sealed_secret'] },
  external_key_stores: {
    key: 'id',
    // What AWS says of it, and where our own work on it has come to.
    notes: [
      'uri_path',
      'wanted_details',
      'state',
      'connection_error',
      'problem',
      'next_check_at',
      'made_at',
      'seen_at',
      'checked_at',
    ],
  },
  kms_keys: {
    key: 'id',
    notes: [
      'search',
      'problem',
      'attempts',
      'next_attempt_at',
      'cloud_status_at',
      'seen_at',
      'unshown',
      'next_check_at',
    ],
  },
} as const satisfies { [T in keyof Tables]?: { key: keyof Tables[T]; notes: readonly (keyof Tables[T])[] } };

type Records = typeof records;
type Versioned = keyof Records;
/** What XKS workers serve by: a change of it that they do not hear of does not compile. */
type Served = 'vaults' | 'key_sets' | 'cloud_keys' | 'xks_credentials';
type TransactionFor<T extends Versioned> = T extends Served ? ChangeTransaction : ActTransaction;
type Row<T extends Versioned> = Selectable<Tables[T]>;
/** A row as it was read, with the columns that may be changed. */
type Read<T extends Versioned> = Partial<Row<T>> & { row_version: number };
type Change<T extends Versioned> = Edit<Omit<Row<T>, 'row_version' | 'created_at' | 'updated_at'>>;
/** The tables as {@link noteOn} has them. */
type Noting = {
  [T in Versioned]: {
    [C in keyof Tables[T]]: C extends Records[T]['notes'][number]
      ? Tables[T][C]
      : ColumnType<SelectType<Tables[T][C]>, InsertType<Tables[T][C]>, never>;
  };
};

const withoutTime: ReadonlySet<Versioned> = new Set(['api_keys', 'xks_credentials']);

/**
 * Changes a record that was read in this transaction, or before it: it is changed only where its row version is still the
 * one that was read, whatever was awaited between. Answers undefined where the change changes nothing: then there is no
 * statement, no new version and nothing to put on record. Notes of a row that was read before this transaction are for
 * saveRecord. Throws VaultError `precondition`.
 */
export async function editRecord<T extends Versioned>(
  trx: TransactionFor<T>,
  table: T,
  before: Read<T>,
  change: Change<T>,
): Promise<Row<T> | undefined> {
  if (!changes<object>(before, change)) return undefined;
  return bumpRecord(trx, table, before, change);
}

/** The same for a change of what belongs to the record and stands elsewhere: the record has another version by it. */
export async function bumpRecord<T extends Versioned>(
  trx: TransactionFor<T>,
  table: T,
  before: Read<T>,
  change: Change<T> = {},
): Promise<Row<T>> {
  const row_version = before.row_version + 1;
  return update(trx as ActTransaction, table, before, {
    ...change,
    row_version,
    ...timeOf(trx as ActTransaction, table),
  });
}

/** SQLite takes 32,766 parameters in a statement. */
const idsPerBatch = 5000;

/**
 * Changes many records alike, each a new version of whichever it has: those that a query in this transaction finds, or that
 * were found in it. Answers them as they are then.
 */
export async function bumpRecords<T extends Versioned>(
  trx: TransactionFor<T>,
  table: T,
  which: readonly string[] | Expression<Record<string, string>>,
  change: { [C in keyof Change<T>]: Change<T>[C] | Expression<Change<T>[C]> },
): Promise<Row<T>[]> {
  const found = Array.isArray(which) ? which : undefined;
  if (found !== undefined && found.length > idsPerBatch) {
    const after: Row<T>[] = [];
    for (let at = 0; at < found.length; at += idsPerBatch)
      for (const row of await bumpRecords(trx, table, found.slice(at, at + idsPerBatch), change))
        after.push(row);
    return after;
  }
  if (found?.length === 0) return [];
  const rows = await (trx as ActTransaction)
    .updateTable(table as 'users')
    .set((eb) => ({
      ...change,
      row_version: eb('row_version', '+', 1),
      ...timeOf(trx as ActTransaction, table),
    }))
    .where(records[table].key as 'id', 'in', which as readonly string[])
    .returningAll()
    .execute();
  return rows as unknown as Row<T>[];
}

/**
 * Writes a change of what may be notes alone: then it is no new version, and yet only of the one that was read. A note is
 * written even where it says what was read, since others may have been noted since. Throws VaultError `precondition`, also
 * where the record is gone.
 */
export async function saveRecord<T extends Versioned>(
  trx: TransactionFor<T>,
  table: T,
  before: Row<T> & Read<T>,
  change: Change<T>,
): Promise<Row<T>> {
  const notes: ReadonlySet<string> = new Set(records[table].notes);
  const columns = Object.entries(change).filter(([, value]) => value !== undefined);
  if (columns.some(([column, value]) => !notes.has(column) && changes<object>(before, { [column]: value })))
    return bumpRecord(trx, table, before, change);
  const noted = columns.filter(([column]) => notes.has(column));
  if (noted.length === 0) return before;
  return update(trx as ActTransaction, table, before, Object.fromEntries(noted));
}

/** An UPDATE of what is noted of records without a new version; of their other columns none compiles. */
export function noteOn<T extends Versioned>(
  trx: Pick<Transaction<Tables>, 'updateTable'>,
  table: T,
): UpdateQueryBuilder<Noting, T, T, UpdateResult> {
  return trx.updateTable(table as 'users') as unknown as UpdateQueryBuilder<Noting, T, T, UpdateResult>;
}

// Kysely's types do not follow a table that is a parameter; ours do.
async function update<T extends Versioned>(
  trx: ActTransaction,
  table: T,
  before: Read<T>,
  columns: object,
): Promise<Row<T>> {
  const key = records[table].key as 'id';
  const after = await trx
    .updateTable(table as 'users')
    .set(columns)
    .where(key, '=', (before as Record<string, unknown>)[key] as string)
    .where('row_version', '=', before.row_version)
    .returningAll()
    .executeTakeFirst();
  if (after === undefined) throw changedMeanwhile();
  changesOnly(trx, before);
  return after as unknown as Row<T>;
}

function timeOf(trx: ActTransaction, table: Versioned): object {
  return withoutTime.has(table) ? {} : { updated_at: trx.at.toISOString() };
}
