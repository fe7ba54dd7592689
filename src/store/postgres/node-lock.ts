import { hostname } from 'node:os';
import { assertDirect } from './direct.ts';
import { BoundedClient, clientOptions } from './pool.ts';
import { toStoreError } from './postgres-faults.ts';
import { nameOf, type PostgresSettings } from './settings.ts';
import { StoreError } from '../store-error.ts';

/** What has it: several nodes, and what upgrades it beside them, or one command alone. */
export type DatabaseUse = 'serve' | 'upgrade' | 'init' | 'store move' | 'store reopen';

/** Of the session that has it, and no transaction's. */
const nodeLock = '4748314691126226542';

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
  readonly #onTaken: (problem: string) => void;
  #client: BoundedClient | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;
  #connecting: Promise<void> | undefined;
  #released = false;
  /** That another has taken it. */
  #told = false;

  private constructor(settings: PostgresSettings, command: DatabaseUse, onTaken: (problem: string) => void) {
    this.#settings = settings;
    this.#command = command;
    this.#onTaken = onTaken;
  }

  /**
   * Throws StoreError, `locked` where another has it, and tells who. `onTaken`: another has taken it while the connection was lost.
   */
  static async take(
    settings: PostgresSettings,
    command: DatabaseUse,
    onTaken: (problem: string) => void = () => undefined,
  ): Promise<DatabaseLock> {
    const lock = new DatabaseLock(settings, command, onTaken);
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
        // Once, however often it is tried.
        const isTaken = error instanceof StoreError && error.fault === 'locked';
        if (isTaken && !this.#told) this.#onTaken(error.message);
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
