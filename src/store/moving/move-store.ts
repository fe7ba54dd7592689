import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Kysely } from 'kysely';
import { placeInWords, type StorePlace } from '../opening/open.ts';
import { CommitInDoubt, CommitNotCertain } from '../postgres/commit-errors.ts';
import { StorePool, type Timeouts } from '../postgres/pool.ts';
import { StoreDialect } from '../postgres/postgres-dialect.ts';
import { PostgresStore } from '../postgres/postgres.ts';
import type { PostgresSettings } from '../postgres/settings.ts';
import type { Tables } from '../schema.ts';
import { SqliteStore } from '../sqlite/sqlite.ts';
import { companions } from '../sqlite/store-file.ts';
import { syncToDisk } from '../sqlite/sync-to-disk.ts';
import { codeOf, StoreError } from '../store-error.ts';
import { toStoreError } from '../store-faults.ts';
import { beginMove, endMove, takeMoveBack } from './mark.ts';
import { moveRows } from './move.ts';
import { PostgresSide } from './postgres-side.ts';
import type { Side } from './side.ts';
import { SqliteSide } from './sqlite-side.ts';

/** It takes as long as there are rows. */
const timeouts: Timeouts = { connect: 3000, lock: 60_000, statement: 0, answer: 0, idleInTransaction: 0 };

/**
 * Copies a store to another place where none is, and compares every row; the old one is marked as moved, and no node opens it any more.
 * Whoever calls has the locks of both: no node works with either. Cut off wherever, it leaves the mark, and a second try goes through or
 * says that everything is there. Answers how many rows each table has. Throws StoreError; then nothing was moved and no mark is left,
 * unless that is `in-doubt`, or an earlier try has left one.
 */
export async function moveStore(from: StorePlace, to: StorePlace): Promise<Record<string, number>> {
  if (placeInWords(from) === placeInWords(to))
    throw new StoreError(
      'not-permitted',
      `the store is at ${placeInWords(from)} already`,
      'name another configuration',
    );
  // It is of this version, and nobody has changed its schema.
  const { isRepeated } = await beginMove(from, to);
  const counts = await copied(from, to, isRepeated);
  try {
    await endMove(from);
  } catch (error) {
    // It stays marked as begun, which no node opens either.
    throw inDoubt(error, `everything is at ${placeInWords(to)}: start the node with its configuration`);
  }
  return counts;
}

/** Of the place where a store goes. */
interface Target {
  /** Whether everything may be there, whatever fails from now on. */
  mayBeWhole: boolean;
}

async function copied(
  from: StorePlace,
  to: StorePlace,
  isRepeated: boolean,
): Promise<Record<string, number>> {
  const target: Target = { mayBeWhole: false };
  try {
    return await withSource(from, async (source) =>
      to.kind === 'sqlite' ? intoFile(source, to.path, target) : intoDatabase(source, to, target),
    );
  } catch (error) {
    // Where it may be there, nodes start on neither until somebody has looked.
    if (target.mayBeWhole) throw alreadyInDoubt(error) ?? inDoubt(error, remediationOfRepeat(to));
    if (isRepeated) throw ofRepeated(error, to);
    await takeBackAfter(error, from);
    throw error;
  }
}

function alreadyInDoubt(error: unknown): StoreError | undefined {
  return error instanceof StoreError && error.fault === 'in-doubt' ? error : undefined;
}

function remediationOfRepeat(to: StorePlace): string {
  return `repeat it: it goes through, or says that a store is at ${placeInWords(to)}, which then has everything. To give the move up: holdfast store reopen`;
}

/** The earlier try may have put everything there, so the mark that it left stays. */
function ofRepeated(error: unknown, to: StorePlace): StoreError {
  const told = error instanceof StoreError ? error : undefined;
  // Another place would be refused.
  const otherwise =
    told === undefined || told.fault === 'not-permitted' ? 'see to that, and repeat it' : told.remediation;
  return new StoreError(
    told?.fault ?? 'io',
    `${wordsOf(error)}; an earlier try of this move has not ended either, and the store stays marked as moved`,
    `look at ${placeInWords(to)} first: where the store is there, it has everything, so start the node with its configuration. Where it is not: ${otherwise}; or give the move up: holdfast store reopen`,
    error,
  );
}

/** Throws StoreError where the mark cannot be taken off, with what has failed before. */
async function takeBackAfter(error: unknown, from: StorePlace): Promise<void> {
  try {
    await takeMoveBack(from);
  } catch (problem) {
    throw new StoreError(
      error instanceof StoreError ? error.fault : 'io',
      `nothing was moved (${wordsOf(error)}), and yet the mark that it was could not be taken off (${wordsOf(problem)})`,
      'see to the first, and repeat it; or give the move up: holdfast store reopen',
      error,
    );
  }
}

async function withSource<T>(from: StorePlace, run: (side: Side) => Promise<T>): Promise<T> {
  if (from.kind === 'postgres')
    return inDatabase(from, async (db) =>
      db.transaction().execute(async (trx) => run(new PostgresSide(trx))),
    );
  const side = new SqliteSide(from.path);
  try {
    return await run(side);
  } catch (error) {
    throw toStoreError(error);
  } finally {
    side.close();
  }
}

/** In one transaction. */
async function intoDatabase(
  source: Side,
  to: PostgresSettings,
  target: Target,
): Promise<Record<string, number>> {
  await (await PostgresStore.init(to)).close();
  try {
    return await inDatabase(to, async (db) =>
      db.transaction().execute(async (trx) => {
        const side = new PostgresSide(trx);
        const counts = await moveRows(source, side);
        await side.enableTriggers(await side.tables());
        target.mayBeWhole = true;
        return counts;
      }),
    );
  } catch (error) {
    if (!(error instanceof CommitInDoubt || error instanceof CommitNotCertain)) throw error;
    throw inDoubt(error, remediationOfRepeat({ kind: 'postgres', ...to }));
  }
}

async function inDatabase<T>(
  settings: PostgresSettings,
  run: (db: Kysely<Tables>) => Promise<T>,
): Promise<T> {
  const db = new Kysely<Tables>({
    dialect: new StoreDialect(new StorePool(settings, { size: 1, timeouts })),
  });
  try {
    return await run(db);
  } finally {
    await db.destroy();
  }
}

/** Beside its place first, where one that was cut off is made anew. */
async function intoFile(source: Side, file: string, target: Target): Promise<Record<string, number>> {
  if (existsSync(file))
    throw new StoreError(
      'not-permitted',
      `there is a store at ${file} already`,
      'name a file that is not there yet',
    );
  // SQLite would play the log of a store that is gone into the one that comes in its place.
  const left = companions.map((end) => `${file}${end}`).find((one) => existsSync(one));
  if (left !== undefined)
    throw new StoreError(
      'not-permitted',
      `${left} is left of a store that is gone`,
      'move it away, or name another file',
    );
  // In a directory of its own: what lies beside the store's place, such as the node's id, is of the node and not of this store.
  const making = `${file}-moving`;
  const prepared = path.join(making, path.basename(file));
  const remove = () => rmSync(making, { recursive: true, force: true });
  remove();
  try {
    mkdirSync(making, { mode: 0o700 });
    await (await SqliteStore.init(prepared)).close();
    const side = new SqliteSide(prepared, { write: true });
    let counts: Record<string, number>;
    try {
      counts = await moveRows(source, side);
      side.commit();
    } finally {
      side.close();
    }
    // Whole, of this version, and its schema as it was.
    await (await SqliteStore.open(prepared)).close();
    syncToDisk(prepared);
    target.mayBeWhole = true;
    renameSync(prepared, file);
    syncToDisk(path.dirname(file));
    remove();
    return counts;
  } catch (error) {
    if (target.mayBeWhole)
      throw inDoubt(error, `see the disk of ${file}, move that file away where it is there, and repeat it`);
    remove();
    throw orFull(error, file);
  }
}

function inDoubt(error: unknown, remediation: string): StoreError {
  return new StoreError(
    'in-doubt',
    `everything was copied, and what comes after that has failed (${wordsOf(error)})`,
    remediation,
    error,
  );
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Nobody works with a new store, so it has no reserve that anything would be written from. */
function orFull(error: unknown, file: string): unknown {
  const told = toStoreError(error);
  const isFull =
    told instanceof StoreError ? told.fault === 'full' : ['ENOSPC', 'EDQUOT'].includes(codeOf(told) ?? '');
  if (!isFull) return told;
  return new StoreError(
    'full',
    `there is no room for ${file} (${codeOf(told) ?? 'SQLITE_FULL'}); nothing was moved`,
    'make room on its disk, or within the quota of this user, or name another place; then repeat it',
    told,
  );
}
