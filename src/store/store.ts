import { sql, type Kysely, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import { migrations } from './migrations.ts';
import type { Acting, ActTransaction, ChangeTransaction } from './act-transaction.ts';
import type { Tables } from './schema.ts';
import type { Moment } from './revision-log.ts';
import type { ChangesSince } from './served-changes.ts';
import type { Unrecorded } from './unrecorded.ts';

export type { Acting, ActTransaction, Authority, ChangeTransaction } from './act-transaction.ts';

/** What serves AWS reads by: nothing can be written through it. */
export interface ReadableStore {
  readonly db: Pick<Kysely<Tables>, 'selectFrom'>;
  /**
   * Moves with every change that was acknowledged anywhere before this call. Asked for each XKS request: cheap, and never behind
   * (promise 2).
   */
  moment(): Moment | Promise<Moment>;
  /** The number of that moment alone. By it nobody tells whether what they remember still holds: it may have been used before. */
  revision(): number | Promise<number>;
  /**
   * What was changed after the moment `since` of what XKS workers serve by: all that had been by the time `moment()` answered
   * last, at the least.
   */
  changesSince(since: Moment): ChangesSince | Promise<ChangesSince>;
  close(): Promise<void>;
}

/** Where vault records are kept. A file (SQLite), or a database (PostgreSQL). */
export interface Store extends ReadableStore {
  readonly db: Kysely<Tables>;
  /**
   * One act in one transaction: its authority first, then what it does, and last whether that is sound (act-transaction.ts).
   * Moves the revision, so that XKS workers see it; what it changes of what they serve by is noted with it by the store
   * itself, whoever writes it. May run it again where another write came between.
   */
  change<T>(act: Acting, run: (trx: ChangeTransaction) => Promise<T>): Promise<T>;
  /**
   * The same for what no XKS worker has to see: the revision stays, unless it does change what they serve by. Where it changes nothing
   * at all, what it has read is as certain afterwards as what it would have written.
   */
  write<T>(act: Acting, run: (trx: ActTransaction) => Promise<T>): Promise<T>;
  /** A write that is nobody's act, such as a count, a lease, or that something was used, and why: the revision as with `write`. */
  bookkeep<T>(why: Unrecorded, run: (trx: Transaction<Tables>) => Promise<T>): Promise<T>;
}

/** What a store of an earlier release is read by, once it was looked which tables it has. */
export type OlderDb = Pick<Kysely<Tables>, 'selectFrom' | 'introspection'>;

/** Brings the schema up to date. Only `holdfast init` does so; serving a store of another version is refused. */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  const { error } = await migrator(db).migrateToLatest();
  if (error !== undefined) throw error;
}

/** The names of the migrations of this version, in order. */
export const knownMigrations: readonly string[] = Object.keys(migrations);

/** The names of those that were run on a store that has a list of them, in order. */
export async function executedMigrations(db: Kysely<Tables>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`SELECT name FROM kysely_migration`.execute(db);
  return rows.map(({ name }) => name).toSorted();
}

function migrator(db: Kysely<Tables>): Migrator {
  return new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
}
