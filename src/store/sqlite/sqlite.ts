import { chmodSync, existsSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import { Kysely, sql, type Transaction } from 'kysely';
import { monotonicNow } from '../../clock.ts';
import { ReadMeter } from './read-meter.ts';
import { purposeOf, readBack } from '../read-back.ts';
import { beforeEverything, moveRevision, type Moment } from '../revision-log.ts';
import { RevisionLog } from './revision-log.ts';
import type { Tables } from '../schema.ts';
import type { ChangesOfTransaction, ChangesSince } from '../served-changes.ts';
import { compareSchema, schemaDifferences, schemaOf } from './schema-check.ts';
import { assertNotNewer, assertOfThisVersion, assertUnaltered } from './schema-version.ts';
import { SpaceReserve } from './space-reserve.ts';
import { connect, leavingNothing, orStoreError, withRoom, type ConnectOptions } from './sqlite-connection.ts';
import { MigratingDialect, StoreDialect } from './sqlite-dialect.ts';
import { assertNotMoved, type MovedToo } from '../moved-mark.ts';
import { StoreError, type StoreFault } from '../store-error.ts';
import { companions, evidenceOf, examineStoreFile, orUnfitFileSystem } from './store-file.ts';
import { isBusy, orWhyNoMore, restoreIt, storeError, toStoreError } from '../store-faults.ts';
import {
  executedMigrations,
  knownMigrations,
  migrate,
  type Acting,
  type ActTransaction,
  type ChangeTransaction,
  type OlderDb,
  type ReadableStore,
  type Store,
} from '../store.ts';
import { WriteMeter } from './write-meter.ts';
import { beginAct, beginUnrecorded, type Begun } from '../act-transaction.ts';
import type { Unrecorded } from '../unrecorded.ts';

export { StoreError } from '../store-error.ts';

/** How long a transaction waits for another process's, milliseconds; the event loop goes on meanwhile. */
const maxWait = 5000;

type Schema = Awaited<ReturnType<typeof schemaOf>>;

/**
 * The store as one SQLite file: WAL, so that readers and the writer do not wait for each other; full sync, so that
 * what was acknowledged outlives a power cut. Whatever is wrong with the file or its disk is a StoreError.
 */
export class SqliteStore implements Store {
  readonly db: Kysely<Tables>;
  readonly writes = new WriteMeter();
  readonly reads = new ReadMeter();
  readonly reserve: SpaceReserve;
  readonly #main: Database.Database;
  /** A connection of its own: `data_version` tells of commits by other connections, and must not sit in a transaction. */
  readonly #watch: Database.Database;
  readonly #dataVersion: Database.Statement<[], number>;
  readonly #revisions: RevisionLog;
  /** Of the transaction under way: there is one connection that writes, and one transaction at a time on it. */
  readonly #changes: { current: ChangesOfTransaction | undefined } = { current: undefined };
  readonly #schemaVersion: Database.Statement<[], number>;
  readonly #watchedSchemaVersion: Database.Statement<[], number>;
  readonly #schema: Schema;
  #seenSchemaVersion: number;
  #watchedSchema: number;
  #seenDataVersion = -1;
  /** What the last write failed with, where every other does too. */
  #refused: StoreError | undefined;
  #moment = beforeEverything;

  private constructor(path: string, schema: Schema, options: ConnectOptions) {
    this.#main = connect(path, options);
    this.#watch = connect(path, options);
    this.#schema = schema;
    this.reserve = new SpaceReserve(path);
    this.db = new Kysely<Tables>({
      dialect: new StoreDialect({
        database: this.#main,
        translate: (error) => orWhyNoMore(toStoreError(error), this.reserve),
        meter: this.writes,
        reads: this.reads,
        changes: this.#changes,
      }),
    });
    this.#dataVersion = this.#watch.prepare<[], number>('PRAGMA data_version').pluck();
    this.#revisions = new RevisionLog(this.#watch);
    this.#schemaVersion = this.#main.prepare<[], number>('PRAGMA schema_version').pluck();
    this.#watchedSchemaVersion = this.#watch.prepare<[], number>('PRAGMA schema_version').pluck();
    this.#seenSchemaVersion = -1;
    this.#watchedSchema = -1;
  }

  /**
   * Creates the file (mode 0600) where it is missing and brings it up to date. Not where there has been one, and it is
   * gone: an empty store in its place would be taken for it. Throws StoreError.
   */
  static async init(path: string): Promise<SqliteStore> {
    examineStoreFile(path, evidenceOf(path), true);
    const isNew = !existsSync(path);
    try {
      // Only what the first look at it has begun is taken away: the log that a migration leaves may be all that has it.
      if (!isNew) await leavingNothing(path, async () => orStoreError(async () => lookInto(path)));
      try {
        await orStoreError(async () => bringUpToDate(path, isNew));
      } catch (error) {
        throw orUnfitFileSystem(path, error);
      }
      return await SqliteStore.open(path);
    } catch (error) {
      // Nothing is left behind of one that could not be made.
      if (isNew && error instanceof StoreError)
        for (const end of ['', ...companions]) rmSync(`${path}${end}`, { force: true });
      throw error;
    }
  }

  /** Opens an existing store that is up to date, whose schema nobody has changed, and that is nowhere else. Throws StoreError. */
  static async open(path: string, options: ConnectOptions & MovedToo = {}): Promise<SqliteStore> {
    examineStoreFile(path, evidenceOf(path), false);
    const open = async () => {
      const database = connect(path, options);
      try {
        const db = readingDb(database);
        const executed = await migrationsOf(db);
        assertOfThisVersion(path, executed);
        assertUnaltered(path, await schemaDifferences(database, executed));
        if (options.movedToo !== true) await assertNotMoved(path, db);
      } finally {
        database.close();
      }
      return new SqliteStore(path, await schemaOf(knownMigrations), options);
    };
    return leavingNothing(path, async () => withRoom(path, open));
  }

  /** The same for who only reads: by connections that SQLite lets write nothing, and a type that has no way to. */
  static async openToRead(path: string): Promise<ReadableStore> {
    return SqliteStore.open(path, { readonly: true });
  }

  /** Reads one that may be of an earlier release, whose tables are those of that release. Throws StoreError. */
  static async readOlder<T>(path: string, read: (db: OlderDb) => Promise<T>): Promise<T> {
    return leavingNothing(path, async () =>
      orStoreError(async () => {
        const database = connect(path, { readonly: true });
        try {
          const db = readingDb(database);
          const executed = await migrationsOf(db);
          assertNotNewer(path, executed);
          assertUnaltered(path, await schemaDifferences(database, executed));
          return await read(db);
        } finally {
          database.close();
        }
      }),
    );
  }

  revision(): number {
    return this.moment().revision;
  }

  moment(): Moment {
    try {
      const dataVersion = this.#dataVersion.get() ?? -1;
      if (dataVersion !== this.#seenDataVersion) {
        this.#moment = this.#revisions.read();
        this.#assertReadable();
        this.#seenDataVersion = dataVersion;
      }
      return this.#moment;
    } catch (error) {
      throw toStoreError(error);
    }
  }

  changesSince(since: Moment): ChangesSince {
    try {
      return this.#revisions.changes(since, this.moment());
    } catch (error) {
      throw toStoreError(error);
    }
  }

  async change<T>(act: Acting, run: (trx: ChangeTransaction) => Promise<T>): Promise<T> {
    return this.#transact(async (raw) => beginAct(raw, act), run, true);
  }

  async write<T>(act: Acting, run: (trx: ActTransaction) => Promise<T>): Promise<T> {
    return this.#transact(async (raw) => beginAct(raw, act), run, false);
  }

  async bookkeep<T>(why: Unrecorded, run: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
    return this.#transact(async (raw) => beginUnrecorded(raw, why), run, false);
  }

  async #transact<Trx extends Transaction<Tables>, T>(
    begin: (raw: Transaction<Tables>) => Promise<Begun<Trx>>,
    run: (trx: Trx) => Promise<T>,
    moves: boolean,
  ): Promise<T> {
    const until = monotonicNow() + maxWait;
    // Each try does the work anew: what writes much has room after a few.
    let slices = 1;
    for (;;) {
      let begun: Begun<Trx> | undefined;
      try {
        const result = await this.db.transaction().execute(async (raw) => {
          this.#assertWritable();
          begun = await begin(raw);
          const done = await run(begun.trx);
          const changes = this.#changes.current;
          if (changes !== undefined && (moves || changes.any)) await moveRevision(begun.trx, changes);
          await readBack(begun.trx);
          begun.assertSound();
          return done;
        });
        begun?.committed();
        this.#refused = undefined;
        this.#readAfterWrite();
        return result;
      } catch (error) {
        // The transaction was rolled back: it may be run again as if it had never been.
        if (isBusy(error)) {
          if (monotonicNow() > until) throw storeError('locked', error);
          await delay(5 + Math.random() * 20);
        } else if (this.#makesRoom(error, begun?.trx, slices)) slices *= 2;
        else {
          if (error instanceof StoreError && refusesAll.has(error.fault)) this.#refused = error;
          throw error;
        }
      }
    }
  }

  /**
   * Why every write is refused: somebody has changed the schema while it was open, or its disk took nothing of the last one
   * (the management process writes every few seconds).
   */
  whyUnwritable(): StoreError | undefined {
    try {
      this.#assertWritable();
      return this.#refused;
    } catch (error) {
      const told = toStoreError(error);
      if (told instanceof StoreError) return told;
      throw told;
    }
  }

  async close(): Promise<void> {
    this.#watch.close();
    await this.db.destroy();
    // Kysely closes only what it has used.
    this.#main.close();
  }

  /**
   * The first reader after a commit notes in the shared map (-shm) how far it reads. On a disk that has been frozen
   * meanwhile that waits, in a page fault, for the thaw; so the one that writes reads at once, and those that serve find
   * the note there and write nowhere.
   */
  #readAfterWrite(): void {
    try {
      this.#dataVersion.get();
    } catch {
      // What was written is written; the next reader will hear of it.
    }
  }

  /** Gives up a part of the reserve where that lets the transaction through. */
  #makesRoom(error: unknown, trx: Transaction<Tables> | undefined, slices: number): boolean {
    if (!(error instanceof StoreError) || error.fault !== 'full' || trx === undefined) return false;
    const purpose = purposeOf(trx);
    return purpose !== undefined && this.reserve.release(purpose, slices);
  }

  /** The schema that this transaction writes into is the one of the migrations: whatever was done to it since the last. */
  #assertWritable(): void {
    const version = this.#schemaVersion.get() ?? -1;
    if (version === this.#seenSchemaVersion) return;
    assertUnaltered(this.#main.name, compareSchema(this.#main, this.#schema));
    this.#seenSchemaVersion = version;
  }

  /** Triggers and indexes change nothing of what is read; other tables, and views in their place, do. */
  #assertReadable(): void {
    const version = this.#watchedSchemaVersion.get() ?? -1;
    if (version === this.#watchedSchema) return;
    const differences = compareSchema(this.#watch, this.#schema);
    assertUnaltered(
      this.#watch.name,
      differences.filter(({ type, kind }) => (type === 'table' && kind !== 'stranger') || type === 'view'),
    );
    this.#watchedSchema = version;
  }
}

/** Not a full disk, on which restrictions are written, nor a lock, which passes. */
const refusesAll: ReadonlySet<StoreFault> = new Set(['read-only', 'io', 'not-permitted', 'damaged']);

/** Opens it as whatever comes after does, and changes nothing. */
async function lookInto(path: string): Promise<void> {
  const database = connect(path);
  try {
    database.pragma('schema_version');
  } finally {
    database.close();
  }
}

async function bringUpToDate(path: string, isNew: boolean): Promise<void> {
  const first = connect(path);
  if (isNew) chmodSync(path, 0o600);
  // Tables are made anew under references to them (sqlite.org/lang_altertable.html, "Making Other Kinds Of Table
  // Schema Changes"); that nothing refers to nowhere is looked at afterwards.
  first.pragma('foreign_keys = OFF');
  const db = new Kysely<Tables>({
    dialect: new MigratingDialect({ database: first, translate: toStoreError }),
  });
  try {
    const executed = await migrationsOf(db);
    assertNotNewer(path, executed);
    // What somebody planted in the old schema would be carried into the new one.
    const differences = await schemaDifferences(first, executed);
    // An empty store has nothing yet, or only where the migrations are listed.
    assertUnaltered(
      path,
      executed.length > 0 ? differences : differences.filter(({ kind }) => kind !== 'missing'),
    );
    await migrate(db);
    const dangling = first.pragma('foreign_key_check') as unknown[];
    if (dangling.length > 0)
      throw new StoreError(
        'damaged',
        `the store at ${path} has ${dangling.length} references to nothing`,
        restoreIt,
      );
  } finally {
    await db.destroy();
  }
}

function readingDb(database: Database.Database): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new StoreDialect({ database, translate: toStoreError }) });
}

/** The names of the migrations that were run on it, in order; a file that is empty has none. */
async function migrationsOf(db: Kysely<Tables>): Promise<string[]> {
  const { rows } =
    await sql`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'kysely_migration'`.execute(db);
  return rows.length === 0 ? [] : executedMigrations(db);
}
