import type { Kysely, Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import { migrations } from './migrations.ts';
import type { Tables } from './schema.ts';

/** Where vault records are kept. SQLite on one node; PostgreSQL for a fleet will share this. */
export interface Store {
  readonly db: Kysely<Tables>;
  /**
   * A number that moves with every change that was acknowledged anywhere before this call. Asked for each XKS request:
   * cheap, and never behind (promise 2).
   */
  revision(): number | Promise<number>;
  /** Runs a change in one transaction and moves the revision with it. */
  change<T>(run: (trx: Transaction<Tables>) => Promise<T>): Promise<T>;
  /** Runs a write that no other worker has to see, such as a count: the revision stays. */
  write<T>(run: (trx: Transaction<Tables>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Brings the schema up to date. Only `holdfast init` does so; serving a store of another version is refused. */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  const { error } = await migrator(db).migrateToLatest();
  if (error !== undefined) throw error;
}

export async function isUpToDate(db: Kysely<Tables>): Promise<boolean> {
  const known = await migrator(db).getMigrations();
  return known.every(({ executedAt }) => executedAt !== undefined);
}

function migrator(db: Kysely<Tables>): Migrator {
  return new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
}
