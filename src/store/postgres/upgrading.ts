import { setTimeout as delay } from 'node:timers/promises';
import { sql, type Kysely } from 'kysely';
import { isExpanding } from '../migrations.ts';
import type { Tables } from '../schema.ts';
import { executedMigrations, knownMigrations, migrate } from '../store.ts';
import { StoreError } from '../store-error.ts';
import { migratingDb } from './migrating.ts';
import { StorePool, type Timeouts } from './pool.ts';
import { toStoreError } from './postgres-faults.ts';
import { nameOf, type PostgresSettings } from './settings.ts';

/** Tables are rewritten, and indexes made, for as long as that takes. */
const alone: Timeouts = {
  ...{ connect: 3000, lock: 60_000 },
  ...{ statement: 0, answer: 0, idleInTransaction: 0 },
};

/**
 * Whoever wants a table behind a change of it waits for as long as that waits itself: XKS requests, which AWS gives 250 ms. So it gives
 * up soon, and tries again.
 */
const beside: Timeouts = { ...alone, lock: 100 };
const triesBeside = 100;
const pauseBeside = 500;

/** What has to be done for a database to be of this version. Throws StoreError where it is of one that this does not work with. */
export async function pendingIn(settings: PostgresSettings): Promise<{
  pending: readonly string[];
  /** Nodes of the version before may go on working with it. */
  isBeside: boolean;
}> {
  return withDb(settings, alone, async (db) => {
    const executed = await migrationsOf(db);
    assertNotNewer(nameOf(settings), executed);
    const pending = knownMigrations.filter((name) => !executed.includes(name));
    const unknown = executed.find((name) => !knownMigrations.includes(name));
    if (pending.length > 0 && unknown !== undefined) throw isNewer(nameOf(settings), unknown);
    return { pending, isBeside: executed.length > 0 && pending.every(isExpanding) };
  });
}

/** With the database alone. */
export async function upgrade(settings: PostgresSettings): Promise<void> {
  await withDb(settings, alone, migrate);
}

/** While nodes work with it. */
export async function upgradeBeside(settings: PostgresSettings): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      return await withDb(settings, beside, migrate);
    } catch (error) {
      const { fault } = error as StoreError;
      if (fault !== 'locked' || tries === triesBeside) throw error;
      await delay(pauseBeside);
    }
}

/** The names of the migrations that were run on it, in order. */
export async function migrationsOf(db: Kysely<Tables>): Promise<string[]> {
  const { rows } = await sql<{
    list: string | null;
  }>`SELECT to_regclass('kysely_migration')::text AS list`.execute(db);
  return typeof rows[0]?.list !== 'string' ? [] : executedMigrations(db);
}

/** What a newer version has only added is left alone. */
export function assertNotNewer(name: string, executed: readonly string[]): void {
  const unknown = executed.find((one) => !knownMigrations.includes(one) && !isExpanding(one));
  if (unknown !== undefined) throw isNewer(name, unknown);
}

function isNewer(name: string, unknown: string): StoreError {
  return new StoreError(
    'newer',
    `the store in ${name} was made by a newer version of Holdfast (${unknown})`,
    'start the newer version, or put back the backup from before the upgrade',
  );
}

async function withDb<T>(
  settings: PostgresSettings,
  timeouts: Timeouts,
  run: (db: Kysely<Tables>) => Promise<T>,
): Promise<T> {
  const db = migratingDb(new StorePool(settings, { size: 2, timeouts }));
  try {
    return await run(db);
  } catch (error) {
    throw toStoreError(error);
  } finally {
    await db.destroy();
  }
}
