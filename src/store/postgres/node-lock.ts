import { hostname } from 'node:os';
import { assertDirect } from './direct.ts';
import { BoundedClient, clientOptions } from './pool.ts';
import { toStoreError } from './postgres-faults.ts';
import { nameOf, type PostgresSettings } from './settings.ts';
import { movedError, type MovedMark } from '../moved-mark.ts';
import { codeOf, StoreError } from '../store-error.ts';

/** What has it: several nodes, and what upgrades it beside them, or one command alone. */
export type DatabaseUse = 'serve' | 'upgrade' | 'init' | 'store move' | 'store reopen';

/** What may have become of a database while the connection that holds its lock was lost. */
export interface WhileAway {
  /** Another has taken it. */
  onTaken?: (problem: string) => void;
  /** It was moved, or a move of it was begun: no node may serve from it, and the lock is not taken again. */
  onMoved?: (error: StoreError) => void;
}

/** Of the session that has it, and no transaction's. */
const nodeLock = '4748314691126226542';

/** SQLSTATE of a table that is not there. */
const undefinedTable = '42P01';

/** Between two tries to have it again after the connection was lost, milliseconds. */
const pause = 1000;
/** For a connection, and for an answer by it, milliseconds. */
const timeout = 3000;
/** Between two looks whether the server is still there, which a connection that was cut off in silence does not tell, milliseconds. */
const lookInterval = 10_000;

/**
 * Whose a database with a store is: that of all nodes that serve from it, or of one command that makes it anew, and then of nobody
 * else. The server lets go of it together with the connection, which is made again when it was lost.
 */
export class DatabaseLock {
  readonly #settings: PostgresSettings;
  readonly #command: DatabaseUse;
  readonly #whileAway: WhileAway;
  #client: BoundedClient | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;
  #connecting: Promise<void> | undefined;
  #released = false;
  /** That another has taken it. */
  #told = false;

  private constructor(settings: PostgresSettings, command: DatabaseUse, whileAway: WhileAway) {
    this.#settings = settings;
    this.#command = command;
    this.#whileAway = whileAway;
  }

  /** Throws StoreError: `locked` where another has it, and tells who; `moved` where nodes may not serve from it any more. */
  static async take(
    settings: PostgresSettings,
    command: DatabaseUse,
    whileAway: WhileAway = {},
  ): Promise<DatabaseLock> {
    const lock = new DatabaseLock(settings, command, whileAway);
    await lock.#connect();
    return lock;
  }

  /** Within seconds, whatever has become of the server. */
  async release(): Promise<void> {
    this.#released = true;
    clearTimeout(this.#timer);
    clearInterval(this.#looking);
    // A connection that is being made just now would keep the process from ending: it sees what was released.
    await this.#connecting?.catch(() => undefined);
    await this.#client?.end().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const client = new BoundedClient({
      ...clientOptions(this.#settings),
      // PostgreSQL keeps 63 bytes of it.
      application_name: `holdfast ${this.#command}, process ${process.pid} on ${hostname()}`.slice(0, 63),
      connectionTimeoutMillis: timeout,
      query_timeout: timeout,
    });
    let hasEnded = false;
    client.on('error', () => undefined);
    client.once('end', () => {
      hasEnded = true;
    });
    try {
      await client.connect();
      await this.#assertDirect(client);
      const take = this.#isShared ? 'pg_try_advisory_lock_shared' : 'pg_try_advisory_lock';
      const { rows } = await client.query<{ taken: boolean }>(`SELECT ${take}(${nodeLock}) AS taken`);
      // After the lock was asked for: whoever moves the store then has to wait for this one, or has marked it before. And where
      // it was not taken, too: the mark is there before the first row is copied.
      if (this.#command === 'serve') await this.#assertNotMoved(client);
      if (rows[0]?.taken !== true) throw await this.#heldBy(client);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw toStoreError(error);
    }
    this.#client = client;
    this.#told = false;
    if (hasEnded) return this.#again();
    client.once('end', () => this.#again());
    this.#look(client);
  }

  /** Before it takes anything: a pooler would keep what is taken, and give it to whoever comes next. */
  async #assertDirect(client: BoundedClient): Promise<void> {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    assertDirect(client, rows[0]?.pid ?? 0, this.#settings);
  }

  /** Only a mark that was read says so: a database that does not answer, or has no store, is none that was moved. */
  async #assertNotMoved(client: BoundedClient): Promise<void> {
    const mark = await readMark(client);
    if (mark !== undefined) throw movedError(nameOf(this.#settings), mark);
  }

  /** One that does not answer is ended, and another is made. */
  #look(client: BoundedClient): void {
    clearInterval(this.#looking);
    this.#looking = setInterval(() => {
      client.query('SELECT 1').catch(() => client.connection.stream.destroy());
    }, lookInterval).unref();
  }

  #again(): void {
    clearInterval(this.#looking);
    if (this.#released) return;
    this.#timer = setTimeout(() => {
      this.#connecting = this.#connect();
      this.#connecting.catch((error: unknown) => {
        if (error instanceof StoreError && error.fault === 'moved') return this.#whileAway.onMoved?.(error);
        // Once, however often it is tried.
        const isTaken = error instanceof StoreError && error.fault === 'locked';
        if (isTaken && !this.#told) this.#whileAway.onTaken?.(error.message);
        this.#told = isTaken;
        this.#again();
      });
    }, pause).unref();
  }

  get #isShared(): boolean {
    return this.#command === 'serve' || this.#command === 'upgrade';
  }

  async #heldBy(client: BoundedClient): Promise<StoreError> {
    const { rows } = await client.query<{ name: string; since: string }>(
      `SELECT application_name AS name, backend_start::text AS since FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND (classid::bigint << 32 | objid::bigint) = ${nodeLock}
        ORDER BY backend_start LIMIT 5`,
    );
    const who = rows.map(({ name, since }) => `${name}, has it since ${since}`).join('; ');
    return new StoreError(
      'locked',
      `the database ${nameOf(this.#settings)} is in use already: ${who === '' ? 'another holdfast has it' : who}`,
      this.#isShared ? 'try again once that has ended' : 'end every node of this database first',
    );
  }
}

/** By this connection, and so of the database that the lock is of. */
async function readMark(client: BoundedClient): Promise<MovedMark | undefined> {
  try {
    const { rows } = await client.query<MovedMark>(
      'SELECT moved_to, begun_at, ended_at FROM public.store_moves',
    );
    return rows[0];
  } catch (error) {
    if (codeOf(error) === undefinedTable) return undefined;
    throw error;
  }
}
