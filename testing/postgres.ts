import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chownSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { chmod } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import type { PostgresSettings } from '../src/store/postgres/settings.ts';
import { PostgresStore } from '../src/store/postgres/postgres.ts';
import { atExit } from './at-exit.ts';
import { TestCa } from './certificates.ts';
import { freePort } from './free-port.ts';
import { memoryDirectory } from './memory-directory.ts';

const run = promisify(execFile);

/** The newest of Debian's, where there are several. */
export const newestPrograms = globSync('/usr/lib/postgresql/*/bin').toSorted().at(-1) ?? '';

/** The password of the role `holdfast`, which owns the databases. */
const password = 'not a secret';

const accessRules = `local all all trust
local replication all trust
hostssl all certified 127.0.0.1/32 cert
hostssl all all 127.0.0.1/32 scram-sha-256
hostssl replication all 127.0.0.1/32 scram-sha-256
`;

/**
 * A real PostgreSQL of the test's own: on a UNIX socket, and with TLS on loopback. As root it runs as `nobody`, since it refuses to
 * be root's; it ends with this process, however that ends.
 */
export class PostgresCluster {
  readonly directory: string;
  readonly port: number;
  readonly ca: TestCa;
  #server: ChildProcess | undefined;
  #databases = 0;

  private constructor(directory: string, port: number, ca: TestCa) {
    this.directory = directory;
    this.port = port;
    this.ca = ca;
  }

  /** In a directory of its own, which is gone with this process. */
  static async #inNewDirectory(ca?: TestCa, base = memoryDirectory()): Promise<PostgresCluster> {
    if (newestPrograms === '') throw new Error('PostgreSQL is not installed: apt-get install postgresql');
    const directory = mkdtempSync(path.join(base, 'holdfast-postgres-'));
    await chmod(directory, 0o755);
    const cluster = new PostgresCluster(directory, await freePort(), ca ?? (await TestCa.create(directory)));
    atExit(() => {
      cluster.#server?.kill('SIGQUIT');
      rmSync(directory, { recursive: true, force: true });
    });
    own(directory);
    return cluster;
  }

  /** Below `base`, and with a certificate of `ca`, where these are given. */
  static async create({
    base,
    ca: given,
  }: { base?: string | undefined; ca?: TestCa } = {}): Promise<PostgresCluster> {
    const cluster = await PostgresCluster.#inNewDirectory(given, base);
    const { directory, ca } = cluster;
    const data = path.join(directory, 'data');
    const server = await ca.issue('postgres');
    await run(
      ...asNobody([
        path.join(newestPrograms, 'initdb'),
        '-D',
        data,
        '-U',
        'postgres',
        '--no-sync',
        '--no-instructions',
        '--locale=C.UTF-8',
        '-A',
        'trust',
      ]),
    );
    own(server.key);
    const settings = {
      listen_addresses: `'127.0.0.1'`,
      port: cluster.port,
      unix_socket_directories: `'${directory}'`,
      ssl: 'on',
      ssl_cert_file: `'${server.certificate}'`,
      ssl_key_file: `'${server.key}'`,
      ssl_ca_file: `'${ca.certificate}'`,
      shared_buffers: `'16MB'`,
      max_connections: 100,
      autovacuum: 'off',
      max_wal_size: `'128MB'`,
    };
    appendFileSync(
      path.join(data, 'postgresql.conf'),
      Object.entries(settings)
        .map(([name, value]) => `${name} = ${value}\n`)
        .join(''),
    );
    writeFileSync(path.join(data, 'pg_hba.conf'), accessRules);
    writeFileSync(path.join(directory, 'password'), `${password}\n`, { mode: 0o600 });
    await cluster.start();
    await cluster.asSuperuser(`CREATE ROLE holdfast LOGIN PASSWORD '${password}'`);
    await cluster.asSuperuser('CREATE ROLE certified LOGIN');
    return cluster;
  }

  /** The file of the role's password. */
  get passwordFile(): string {
    return path.join(this.directory, 'password');
  }

  /** A standby by streaming replication, which runs and calls itself `name`: a copy of what this server has now. */
  async standby(name: string, base?: string): Promise<PostgresCluster> {
    const standby = await PostgresCluster.#inNewDirectory(this.ca, base);
    const data = path.join(standby.directory, 'data');
    const primary = `host=${this.directory} port=${this.port} user=postgres application_name=${name}`;
    const how = ['--checkpoint=fast', '--wal-method=stream', '--write-recovery-conf', '--no-sync'];
    await run(...asNobody([path.join(newestPrograms, 'pg_basebackup'), '-D', data, '-d', primary, ...how]));
    appendFileSync(
      path.join(data, 'postgresql.conf'),
      `port = ${standby.port}\nunix_socket_directories = '${standby.directory}'\n`,
    );
    await standby.start();
    return standby;
  }

  /** Of a standby: resolves once it is a primary. */
  async promote(): Promise<void> {
    await this.asSuperuser('SELECT pg_promote(true, 60)');
  }

  /** The postmaster's. */
  get pid(): number {
    const pid = this.#server?.pid;
    if (pid === undefined) throw new Error('PostgreSQL does not run');
    return pid;
  }

  /** A server that cannot go on may end by itself. */
  get isRunning(): boolean {
    return this.#server !== undefined && this.#server.exitCode === null && this.#server.signalCode === null;
  }

  /** Ends it, if it runs, and removes what it has. */
  async dispose(): Promise<void> {
    await this.stop('crash');
    rmSync(path.join(this.directory, 'data'), { recursive: true, force: true });
  }

  async start(): Promise<void> {
    const [program, words] = asNobody([
      path.join(newestPrograms, 'postgres'),
      '-D',
      path.join(this.directory, 'data'),
    ]);
    this.#server = spawn(program, words, { stdio: 'ignore' });
    this.#server.unref();
    for (;;) {
      try {
        return void (await this.asSuperuser('SELECT 1'));
      } catch (error) {
        if (this.#server.exitCode !== null || this.#server.signalCode !== null)
          throw new Error('PostgreSQL has ended', { cause: error });
        await delay(20);
      }
    }
  }

  /** `fast` ends its sessions; `crash` ends it as a power cut does. */
  async stop(how: 'fast' | 'crash' = 'fast'): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.ref();
    const gone = once(server, 'exit');
    server.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await gone;
  }

  async asSuperuser<T extends object>(sql: string, database = 'postgres'): Promise<T[]> {
    const client = new Client({
      host: this.directory,
      port: this.port,
      user: 'postgres',
      database,
      password: '',
    });
    // A server that ends meanwhile fails what is asked, and tells the client besides.
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<T>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** Until the server has heard of it. */
  async set(name: string, value: string): Promise<void> {
    await this.asSuperuser(`ALTER SYSTEM SET ${name} = '${value}'`);
    await this.asSuperuser('SELECT pg_reload_conf()');
    for (;;) {
      const [row] = await this.asSuperuser<{ value: string }>(`SELECT current_setting('${name}') AS value`);
      if (row?.value === value) return;
      await delay(10);
    }
  }

  /** A new database, empty or as `template` has it, by the UNIX socket or by TLS. */
  async database(template = 'template0', over: 'socket' | 'tls' = 'socket'): Promise<PostgresSettings> {
    const database = `t${++this.#databases}`;
    await this.asSuperuser(`CREATE DATABASE ${database} OWNER holdfast TEMPLATE ${template} ENCODING UTF8`);
    return this.settings(database, over);
  }

  settings(database: string, over: 'socket' | 'tls' = 'socket'): PostgresSettings {
    const { port } = this;
    const who = { database, user: 'holdfast', durability: 'single' as const };
    return over === 'socket'
      ? { host: this.directory, port, ...who }
      : { host: '127.0.0.1', port, ...who, passwordFile: this.passwordFile, caFile: this.ca.certificate };
  }
}

let shared: Promise<PostgresCluster> | undefined;
let template: Promise<string> | undefined;

/** One for the whole test process. */
export async function sharedCluster(): Promise<PostgresCluster> {
  shared ??= PostgresCluster.create();
  return shared;
}

/** A database of the test's own on the shared server, with an up-to-date store: a copy of one that was made once. */
export async function freshDatabase(over: 'socket' | 'tls' = 'socket'): Promise<PostgresSettings> {
  const cluster = await sharedCluster();
  template ??= cluster.database().then(async (settings) => {
    await (await PostgresStore.init(settings)).close();
    return settings.database;
  });
  return cluster.database(await template, over);
}

/** A database with an up-to-date store, in whose place a copy of what it was once can be put, under whoever works with it. */
export async function databaseThatGoesBack(): Promise<{
  settings: PostgresSettings;
  /** While nobody is connected to it. */
  remember: () => Promise<void>;
  goBack: () => Promise<void>;
  /** Makes the copy another store, by its id. */
  renameCopy: (id: string) => Promise<void>;
}> {
  const settings = await freshDatabase();
  const { database } = settings;
  const cluster = await sharedCluster();
  return {
    settings,
    remember: async () => {
      await cluster.asSuperuser(`CREATE DATABASE ${database}_old OWNER holdfast TEMPLATE ${database}`);
    },
    renameCopy: async (id) => {
      await cluster.asSuperuser(`UPDATE revision SET store_id = '${id}'`, `${database}_old`);
    },
    goBack: async () => {
      await cluster.asSuperuser(`ALTER DATABASE ${database} ALLOW_CONNECTIONS false`);
      await cluster.asSuperuser(`DROP DATABASE ${database} WITH (FORCE)`);
      await cluster.asSuperuser(`ALTER DATABASE ${database}_old RENAME TO ${database}`);
    },
  };
}

/** As root a program runs as the user of the servers: it refuses to be root's. Either way it ends with this process. */
export function asNobody(command: [string, ...string[]]): [string, string[]] {
  const bound = ['--pdeathsig', 'KILL', '--', ...command];
  if (process.geteuid?.() !== 0) return ['/usr/bin/setpriv', bound];
  const { uid, gid } = nobody();
  return ['/usr/bin/setpriv', [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...bound]];
}

/** For such a program. */
export function own(file: string): void {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = nobody();
  chownSync(file, uid, gid);
}

/** The user that Debian's package makes. */
function nobody(): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) {
    const { uid: owner, gid: group } = statSync('/var/lib/postgresql');
    return { uid: owner, gid: group };
  }
  return { uid: Number(uid), gid: Number(gid) };
}
