import { setTimeout as delay } from 'node:timers/promises';
import { Kysely, sql, type Transaction } from 'kysely';
import { monotonicNow } from '../../clock.ts';
import { beginAct, beginUnrecorded, type Begun } from '../act-transaction.ts';
import { changeChannel } from './change-channel.ts';
import { CommitInDoubt, CommitNotCertain } from './commit-errors.ts';
import { isRecorded, markOf, wasDone, type TransactionMark } from './in-doubt.ts';
import { StorePool, type PoolOptions, type StoreConnections, type Timeouts } from './pool.ts';
import { StoreDialect } from './postgres-dialect.ts';
import { mayGoThrough } from './postgres-faults.ts';
import { readBack } from '../read-back.ts';
import {
  moveRevision,
  maxTold,
  momentOf,
  toldChanges,
  toldOutright,
  type Moment,
  type Moved,
} from '../revision-log.ts';
import type { Tables } from '../schema.ts';
import type { ChangesSince } from '../served-changes.ts';
import type { Session } from './session.ts';
import { nameOf, type PostgresSettings } from './settings.ts';
import { assertNotNewer, migrationsOf, pendingIn, upgrade, upgradeBeside } from './upgrading.ts';
import { assertNotMoved, type MovedToo } from '../moved-mark.ts';
import { StoreError } from '../store-error.ts';
import type { Unrecorded } from '../unrecorded.ts';
import {
  knownMigrations,
  type Acting,
  type ActTransaction,
  type ChangeTransaction,
  type OlderDb,
  type ReadableStore,
  type Store,
} from '../store.ts';

/** How long a transaction is tried, milliseconds: the database may be about to be there again. */
const usualPatience = 5000;
/** How long a transaction in doubt is looked for, milliseconds. */
const maxDoubt = 10_000;
/** Between two tries, milliseconds, and as much again by chance. */
const pause = 50;

/** Of processes that write, which wait for each other. */
const writing: Timeouts = {
  connect: 3000,
  lock: 5000,
  statement: 10_000,
  answer: 15_000,
  idleInTransaction: 10_000,
};

/** Of those that serve AWS, which has given up long before: then at the latest another connection is tried. */
const reading: Timeouts = {
  connect: 2000,
  lock: 1000,
  statement: 3000,
  answer: 4000,
  idleInTransaction: 1000,
};

export interface PostgresOptions extends Partial<Pick<PoolOptions, 'readonly' | 'size'>>, MovedToo {
  timeouts?: Partial<Timeouts>;
  /** How long a transaction is tried while the database is away, milliseconds; 5 s without it. */
  patience?: number;
  /** Told what the server does not do that is claimed of it, whenever that changes; nothing where all is as claimed. */
  onDurability?: (problems: readonly string[]) => void;
}

/** The store as one database of PostgreSQL. Whatever is wrong with it or on the way to it is a StoreError. */
export class PostgresStore implements Store {
  readonly db: Kysely<Tables>;
  readonly name: string;
  readonly #settings: PostgresSettings;
  readonly #patience: number;
  readonly #dialect: StoreDialect;
  readonly #pool: StorePool;
  readonly #onDurability: PostgresOptions['onDurability'];
  #durabilityProblems: readonly string[] = [];
  #asking: Promise<Moment> | undefined;
  #next: Promise<Moment> | undefined;

  private constructor(settings: PostgresSettings, options: PostgresOptions) {
    const { readonly = false, size = readonly ? 4 : 8, timeouts, onDurability } = options;
    this.name = nameOf(settings);
    this.#settings = settings;
    this.#patience = options.patience ?? usualPatience;
    this.#onDurability = onDurability;
    this.#pool = new StorePool(settings, {
      size,
      readonly,
      timeouts: { ...(readonly ? reading : writing), ...timeouts },
      onSession: (session) => this.#hear(session),
    });
    this.#dialect = new StoreDialect(this.#pool);
    this.db = new Kysely<Tables>({ dialect: this.#dialect });
  }

  /** Brings the schema up to date, that of an empty database from nothing. Throws StoreError. */
  static async init(settings: PostgresSettings, options: PostgresOptions = {}): Promise<PostgresStore> {
    const work = await pendingIn(settings);
    if (work.pending.length > 0) await (work.isBeside ? upgradeBeside : upgrade)(settings);
    return PostgresStore.open(settings, options);
  }

  /** Whether `init` may bring it up to date while nodes of the version before work with it. Throws StoreError. */
  static async isUpgradedBeside(settings: PostgresSettings): Promise<boolean> {
    return (await pendingIn(settings)).isBeside;
  }

  /** Opens a store that is up to date and nowhere else. Throws StoreError. */
  static async open(settings: PostgresSettings, options: PostgresOptions = {}): Promise<PostgresStore> {
    const store = new PostgresStore(settings, options);
    try {
      const executed = await migrationsOf(store.db);
      if (executed.length === 0)
        throw new StoreError('missing', `the database ${store.name} has no store`, 'run: holdfast init');
      assertNotNewer(store.name, executed);
      if (!knownMigrations.every((name) => executed.includes(name)))
        throw new StoreError('older', `the store in ${store.name} has an older schema`, 'run: holdfast init');
      if (options.movedToo !== true) await assertNotMoved(store.name, store.db);
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** The same for who only reads: nothing can be written by its connections, and its type has no way to. */
  static async openToRead(settings: PostgresSettings): Promise<ReadableStore> {
    return PostgresStore.open(settings, { readonly: true });
  }

  /** Reads one that may be of an earlier release, whose tables are those of that release. Throws StoreError. */
  static async readOlder<T>(settings: PostgresSettings, read: (db: OlderDb) => Promise<T>): Promise<T> {
    const store = new PostgresStore(settings, { readonly: true });
    try {
      assertNotNewer(store.name, await migrationsOf(store.db));
      return await read(store.db);
    } finally {
      await store.close();
    }
  }

  get connections(): StoreConnections {
    return this.#pool.connections;
  }

  /** What the server does not do that is claimed of it, by its newest connection. */
  get durabilityProblems(): readonly string[] {
    return this.#durabilityProblems;
  }

  /**
   * Asked of the database after this call began: what was acknowledged before is in it. One question at a time, and all who come
   * while it is under way share the next.
   */
  async moment(): Promise<Moment> {
    if (this.#asking === undefined) return this.#ask();
    this.#next ??= this.#asking.then(
      async () => this.#askNext(),
      async () => this.#askNext(),
    );
    return this.#next;
  }

  async revision(): Promise<number> {
    return (await this.moment()).revision;
  }

  async changesSince(since: Moment): Promise<ChangesSince> {
    const now = await this.#readMoment();
    const outright = toldOutright(since, now);
    if (outright !== undefined) return outright;
    const rows = await this.db
      .selectFrom('served_changes')
      .selectAll()
      .where('revision', '>=', since.revision)
      .orderBy('revision')
      .limit(maxTold + 1)
      .execute();
    return toldChanges(rows, since, now);
  }

  async change<T>(act: Acting, run: (trx: ChangeTransaction) => Promise<T>): Promise<T> {
    return this.#transact(async (raw) => beginAct(raw, act), run, 'moves');
  }

  async write<T>(act: Acting, run: (trx: ActTransaction) => Promise<T>): Promise<T> {
    return this.#transact(async (raw) => beginAct(raw, act), run, 'waits');
  }

  async bookkeep<T>(why: Unrecorded, run: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
    return this.#transact(async (raw) => beginUnrecorded(raw, why), run, 'only what is written');
  }

  async close(): Promise<void> {
    await this.db.destroy();
  }

  async #ask(): Promise<Moment> {
    const asking = this.#readMoment();
    this.#asking = asking;
    try {
      return await asking;
    } finally {
      if (this.#asking === asking) this.#asking = undefined;
    }
  }

  async #askNext(): Promise<Moment> {
    this.#next = undefined;
    return this.#ask();
  }

  async #readMoment(): Promise<Moment> {
    const row = await this.db
      .selectFrom('revision')
      .select(['revision', 'mark', 'marked', 'store_id'])
      .where('id', '=', 1)
      .executeTakeFirstOrThrow();
    return momentOf(row);
  }

  async #transact<Trx extends Transaction<Tables>, T>(
    begin: (raw: Transaction<Tables>) => Promise<Begun<Trx>>,
    run: (trx: Trx) => Promise<T>,
    unchanged: 'moves' | 'waits' | 'only what is written',
  ): Promise<T> {
    const until = monotonicNow() + this.#patience;
    for (;;) {
      const ended: Ended<T>[] = [];
      try {
        await this.db.transaction().execute(async (raw) => {
          const { trx, assertSound, committed } = await begin(raw);
          const result = await run(trx);
          const changes = await this.#dialect.changesOf(raw);
          let moved: Moved | undefined;
          if (unchanged === 'moves' || changes.any) moved = await moveRevision(trx, changes);
          // What the act found done may be uncertain still, and is answered as done now.
          else if (unchanged === 'waits' && this.#settings.durability === 'synchronous') await barrier(raw);
          if (changes.any) await hint(raw);
          await readBack(trx);
          assertSound();
          ended.push({ result, committed: () => committed(moved), mark: await markOf(raw) });
        });
        return resultOf(ended);
      } catch (error) {
        if (error instanceof CommitNotCertain) throw notCertain(error);
        if (error instanceof CommitInDoubt) {
          if (await this.#settled(error, ended[0]?.mark)) return resultOf(ended);
        } else if (!mayGoThrough(error)) throw error;
        // It was certainly not done: it may be run again as if it had never been.
        if (monotonicNow() > until) throw error instanceof CommitInDoubt ? notDone(error) : error;
        await delay(pause + Math.random() * pause);
      }
    }
  }

  /** Whether a transaction in doubt was done. Throws StoreError where that, or that it stays so, cannot be told. */
  async #settled(error: CommitInDoubt, mark: TransactionMark | undefined): Promise<boolean> {
    for (const until = monotonicNow() + maxDoubt; ;) {
      const done = mark === undefined ? undefined : await wasDone(this.db, mark, error.session, until);
      if (mark === undefined || done === undefined)
        throw new StoreError(
          'in-doubt',
          'the connection to the database was lost while it wrote: whether that was done is not known',
          'look whether it was, then repeat it if not',
          error,
        );
      if (!done || this.#settings.durability !== 'synchronous' || (await this.#isCertain(mark))) return done;
    }
  }

  /**
   * Who else waited for the standby is not known: what is written after it and acknowledged has it before. Looked for in that
   * transaction: by now another server may answer, to which it never came.
   */
  async #isCertain(mark: TransactionMark): Promise<boolean> {
    try {
      return await this.db.transaction().execute(async (trx) => {
        await barrier(trx);
        return isRecorded(trx, mark);
      });
    } catch (error) {
      throw notCertain(error);
    }
  }

  #hear({ problems }: Session): void {
    const isNew = problems.join() !== this.#durabilityProblems.join();
    this.#durabilityProblems = problems;
    if (isNew) this.#onDurability?.(problems);
  }
}

/**
 * Who serves from memory is woken once it is committed. A hint and no more: it may be lost, and whoever waits for them does not
 * rely on it. It takes a lock of the whole server for the COMMIT, so that nothing that is merely counted sends one.
 */
async function hint(trx: Transaction<Tables>): Promise<void> {
  await sql`SELECT pg_notify(${changeChannel}, '')`.execute(trx);
}

/** The COMMIT waits for the standby then, though nothing is changed; and so for all that was committed before. */
async function barrier(trx: Transaction<Tables>): Promise<void> {
  await trx
    .selectNoFrom((eb) =>
      eb.fn('pg_logical_emit_message', [eb.lit(true), eb.val('holdfast'), eb.val('')]).as('at'),
    )
    .execute();
}

/** A transaction that has come to its COMMIT. */
interface Ended<T> {
  result: T;
  committed: () => void;
  mark: TransactionMark | undefined;
}

function resultOf<T>([ended]: readonly Ended<T>[]): T {
  if (ended === undefined) throw new Error('a transaction has ended without a result');
  ended.committed();
  return ended.result;
}

function notCertain(cause: unknown): StoreError {
  return new StoreError(
    'not-certain',
    `it is done on this database server, and not yet certain on its standby (${(cause as Error).message})`,
    'see the standby, then look whether it was done, and repeat it if not: docs/fleet.md',
    cause,
  );
}

function notDone(cause: unknown): StoreError {
  return new StoreError(
    'unreachable',
    'the connection to the database was lost before it had written: nothing was done',
    'try again',
    cause,
  );
}
