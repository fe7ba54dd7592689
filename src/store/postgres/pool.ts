import { readFileSync } from 'node:fs';
import { checkServerIdentity } from 'node:tls';
import { Client, Pool, type ClientBase, type ClientConfig, type PoolClient, type PoolConfig } from 'pg';
import { StoreClient } from './client.ts';
import { toStoreError } from './postgres-faults.ts';
import { examine, type Session } from './session.ts';
import type { PostgresSettings } from './settings.ts';

/** Milliseconds. */
export interface Timeouts {
  /** Until a connection is there: to the server, or one of the pool that is in use. */
  connect: number;
  /** For a lock that another transaction holds. */
  lock: number;
  /** For one statement, by the server's clock. */
  statement: number;
  /** The same by ours, for a server that is not there any more; longer. */
  answer: number;
  /** For a transaction whose process does nothing. */
  idleInTransaction: number;
}

/** Of one process. `waiting` are those who wait for one. */
export interface StoreConnections {
  used: number;
  idle: number;
  waiting: number;
}

export interface PoolOptions {
  /** Connections at the most. */
  size: number;
  timeouts: Timeouts;
  /** Nothing can be written by it: for processes that only read. */
  readonly?: boolean;
  /** Told of each new connection. */
  onSession?: (session: Session) => void;
}

/** SQL types as SQLite gives them: numbers as numbers, truth values as 0 and 1, bytes as Buffers, all else as text. */
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  16: (text) => (text === 't' ? 1 : 0),
  17: (text) => Buffer.from(text.slice(2), 'hex'),
  20: wholeNumber,
  21: Number,
  23: Number,
  1700: wholeNumber,
};

/** An int8, which may be more than a number holds: then it is none of ours. */
function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new RangeError('a number in the database is too large');
  return number;
}

/** As `pg` takes them. */
export const storeTypes = { getTypeParser: (oid: number) => parsers[oid] ?? ((text: string) => text) };

/** How one connection is made; without what a pool adds to it. */
export function clientOptions(settings: PostgresSettings): ClientConfig {
  const { host, port, database, user } = settings;
  return {
    ...{ host, port, database, user },
    ...secretsOf(settings),
    client_encoding: 'UTF8',
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    enableChannelBinding: true,
  };
}

/** How long the server may take to close a connection that we have ended, milliseconds. */
const closeTimeout = 1_000;

/** One whose end is waited for so long and no longer: a server that is not there any more answers nothing, for a quarter of an hour. */
export class BoundedClient extends Client {
  override end(): Promise<void>;
  override end(callback: (error: Error) => void): void;
  override end(callback?: (error: Error) => void): Promise<void> | void {
    // The stream of this moment: TLS puts another in its place.
    const late = setTimeout(() => this.connection.stream.destroy(), closeTimeout).unref();
    this.once('end', () => clearTimeout(late));
    return callback === undefined ? super.end() : super.end(callback);
  }
}

/** Files of the settings are read for each connection, so that a password or certificate is changed without a restart. */
class FreshClient extends BoundedClient {
  constructor(options: PoolConfig & { settings: PostgresSettings }) {
    super({ ...options, ...secretsOf(options.settings) });
  }
}

function secretsOf(settings: PostgresSettings): Pick<PoolConfig, 'password' | 'ssl'> {
  const { host, passwordFile, caFile, certificateFile, keyFile, serverName } = settings;
  // A text: without one `pg` looks for a ~/.pgpass.
  const password = passwordFile === undefined ? '' : readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '');
  if (host.startsWith('/')) return { password, ssl: false };
  return {
    password,
    ssl: {
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      // `pg` itself asks for the certificate of `host`.
      checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName ?? host, certificate),
      ...(caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') }),
      ...(certificateFile === undefined ? {} : { cert: readFileSync(certificateFile, 'utf8') }),
      ...(keyFile === undefined ? {} : { key: readFileSync(keyFile, 'utf8') }),
    },
  };
}

/**
 * Connections to one server, each looked at before it is used and thrown away after whatever leaves it in an unknown state.
 * Nothing of libpq's environment counts (PGHOST, PGSSLMODE, PGOPTIONS and their like).
 */
export class StorePool {
  readonly options = {};
  readonly #pool: Pool;
  /** For a connection and the look at it, milliseconds. */
  readonly #timeout: number;
  readonly #clients = new WeakMap<PoolClient, StoreClient>();
  readonly #sessions = new WeakMap<object, Session>();

  constructor(settings: PostgresSettings, { size, timeouts, readonly = false, onSession }: PoolOptions) {
    const variables: Record<string, string | number> = {
      search_path: 'public',
      TimeZone: 'UTC',
      lock_timeout: timeouts.lock,
      statement_timeout: timeouts.statement,
      idle_in_transaction_session_timeout: timeouts.idleInTransaction,
      ...(readonly ? { default_transaction_read_only: 'on' } : {}),
    };
    // Awaited by the pool, which throws the connection away where it is refused here.
    const look: (client: ClientBase) => unknown = async (client) => {
      const session = await examine(client as Client, settings);
      this.#sessions.set(client, session);
      onSession?.(session);
    };
    const options: PoolConfig & { settings: PostgresSettings } = {
      settings,
      Client: FreshClient as never,
      host: settings.host,
      port: settings.port,
      database: settings.database,
      user: settings.user,
      options: Object.entries(variables)
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(' '),
      application_name: 'holdfast',
      fallback_application_name: 'holdfast',
      client_encoding: 'UTF8',
      max: size,
      connectionTimeoutMillis: timeouts.connect,
      query_timeout: timeouts.answer,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      enableChannelBinding: true,
      types: storeTypes,
      onConnect: look,
    };
    this.#timeout = 2 * timeouts.connect + (timeouts.answer === 0 ? 60_000 : timeouts.answer);
    this.#pool = new Pool(options);
    // Of one that is idle: the pool has thrown it away, and the next is made when it is needed.
    this.#pool.on('error', () => undefined);
  }

  /** How many connections there are, and how many wait for one. */
  get connections(): StoreConnections {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { used: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
  }

  async connect(): Promise<StoreClient> {
    let client: PoolClient;
    try {
      client = await this.#inTime(this.#pool.connect());
    } catch (error) {
      throw toStoreError(error);
    }
    const known = this.#clients.get(client);
    if (known !== undefined) return known;
    const session = this.#sessions.get(client);
    if (session === undefined) throw new Error('a connection that nobody has looked at');
    // While it is in use nobody else listens, and an error that nobody hears ends the process.
    client.on('error', () => undefined);
    const made = new StoreClient(client, session);
    this.#clients.set(client, made);
    return made;
  }

  /** Whatever becomes of a connection that is being made: nobody waits for it for ever. */
  async #inTime(connecting: Promise<PoolClient>): Promise<PoolClient> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        connecting.then(
          (client) => client.release(true),
          () => undefined,
        );
        reject(new Error('timeout exceeded when trying to connect'));
      }, this.#timeout);
    });
    try {
      return await Promise.race([connecting, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async end(): Promise<void> {
    await this.#pool.end();
  }
}
