import { sql, type Kysely, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import { migrations } from './migrations.ts';
import type { Tables } from './schema.ts';
import type { ServedChanges } from './served-changes.ts';

/** Whoever acts still may: read again in the transaction of the act, so that nothing commits after it was taken away. */
export interface Authority {
  /** Reads by `trx` alone. Throws where whoever acts may no longer; then nothing of the act is done. */
  confirm(trx: Transaction<Tables>): Promise<void>;
}

/** An act as the store needs to know it. */
export interface Acting {
  readonly authority: Authority;
  readonly now: () => Date;
}

declare const confirmed: unique symbol;
declare const served: unique symbol;

/** The transaction of an act whose authority was confirmed in it. Made by {@link actIn} alone. */
export type ActTransaction = Transaction<Tables> & {
  readonly [confirmed]: true;
  /** When the act is done, which may be a good while after it began. */
  readonly at: Date;
};

/** One that XKS workers hear of: what they serve is changed in no other. */
export type ChangeTransaction = ActTransaction & { readonly [served]: true };

/** Confirms the act's authority in a transaction that has just begun. For implementations of {@link Store}. */
export async function actIn(trx: Transaction<Tables>, act: Acting): Promise<ChangeTransaction> {
  await act.authority.confirm(trx);
  return Object.assign(trx, { at: act.now() }) as ChangeTransaction;
}

/** What serves AWS reads by: nothing can be written through it. */
export interface ReadableStore {
  readonly db: Pick<Kysely<Tables>, 'selectFrom'>;
  /**
   * A number that moves with every change that was acknowledged anywhere before this call. Asked for each XKS request:
   * cheap, and never behind (promise 2).
   */
  revision(): number | Promise<number>;
  /**
   * What was changed after the revision `since` of what XKS workers serve by: all that had been by the time `revision()`
   * answered last, at the least.
   */
  changesSince(since: number): ServedChanges | Promise<ServedChanges>;
  close(): Promise<void>;
}

/** Where vault records are kept. SQLite on one node; PostgreSQL for a fleet will share this. */
export interface Store extends ReadableStore {
  readonly db: Kysely<Tables>;
  /**
   * One act in one transaction: its authority first, then what it does. Moves the revision, so that XKS workers see it;
   * what it changes of what they serve by is noted with it by the store itself, whoever writes it.
   * May run it again where another write came between.
   */
  change<T>(act: Acting, run: (trx: ChangeTransaction) => Promise<T>): Promise<T>;
  /** The same for what no XKS worker has to see: the revision stays, unless it does change what they serve by. */
  write<T>(act: Acting, run: (trx: ActTransaction) => Promise<T>): Promise<T>;
  /** A write that is nobody's act, such as a count, a lease, or that something was used: the revision as with `write`. */
  bookkeep<T>(run: (trx: Transaction<Tables>) => Promise<T>): Promise<T>;
}

/** Brings the schema up to date. Only `holdfast init` does so; serving a store of another version is refused. */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  const { error } = await migrator(db).migrateToLatest();
  if (error !== undefined) throw error;
}

/** The names of the migrations of this version, in order. */
export const knownMigrations: readonly string[] = Object.keys(migrations);

/** The names of those that were run on a store, in order; a store that is empty has none. */
export async function executedMigrations(db: Kysely<Tables>): Promise<string[]> {
  const tables = await sql<{ name: string }>`SELECT name FROM sqlite_schema
    WHERE type = 'table' AND name = 'kysely_migration'`.execute(db);
  if (tables.rows.length === 0) return [];
  const { rows } = await sql<{ name: string }>`SELECT name FROM kysely_migration ORDER BY name`.execute(db);
  return rows.map(({ name }) => name);
}

function migrator(db: Kysely<Tables>): Migrator {
  return new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
}
