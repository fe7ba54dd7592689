import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { asNobody, newestPrograms, own } from '../testing/postgres.ts';
import { sendSignal } from './fleet.ts';
import { ThreadedWire } from './threaded-wire.ts';

/** Seconds. The shortest that Patroni takes for `ttl`: `loop_wait + 2 * retry_timeout` may be as long as that at the most. */
const times = { ttl: 20, loop_wait: 2, retry_timeout: 5 };

/** As docs/fleet.md asks of an operator: written into etcd by the first member, and of all from then on. */
const dcs = {
  ...times,
  maximum_lag_on_failover: 1_048_576,
  synchronous_mode: true,
  synchronous_mode_strict: true,
  postgresql: {
    use_pg_rewind: true,
    use_slots: true,
    parameters: { max_connections: 100, wal_keep_size: '128MB', max_wal_size: '256MB' },
  },
};

const accessRules = [
  'local all all trust',
  'local replication all trust',
  'hostssl all all 127.0.0.1/32 scram-sha-256',
  'hostssl replication all 127.0.0.1/32 scram-sha-256',
];

export interface MemberOptions {
  name: string;
  /** Where all that it makes is put; of the user of the servers. */
  directory: string;
  /** What it prints is added there. */
  log: string;
  /** On loopback: of PostgreSQL, of Patroni's REST API. */
  ports: { postgres: number; rest: number };
  tls: { certificate: string; key: string; ca: string };
}

/** A PostgreSQL that Patroni runs, and its own way to etcd. */
export class PatroniMember {
  readonly name: string;
  readonly ports: MemberOptions['ports'];
  /** To etcd. */
  readonly wire: ThreadedWire;
  readonly #directory: string;
  readonly #log: string;
  #patroni: ChildProcess | undefined;

  private constructor({ name, directory, log, ports }: MemberOptions, wire: ThreadedWire) {
    this.name = name;
    this.ports = ports;
    this.wire = wire;
    this.#directory = directory;
    this.#log = log;
  }

  /** Does not run yet. `etcd`: as {@link ThreadedWire.open} takes it. */
  static async create(options: MemberOptions, etcd: SharedArrayBuffer): Promise<PatroniMember> {
    const member = new PatroniMember(options, await ThreadedWire.open(etcd));
    await writeFile(member.#configuration, JSON.stringify(member.#settings(options)), { mode: 0o600 });
    own(member.#configuration);
    return member;
  }

  get #configuration(): string {
    return path.join(this.#directory, `${this.name}.yml`);
  }

  get #data(): string {
    return path.join(this.#directory, this.name);
  }

  /** YAML, as all JSON is. */
  #settings({ ports, tls }: MemberOptions): object {
    const rest = `127.0.0.1:${ports.rest}`;
    const postgres = `127.0.0.1:${ports.postgres}`;
    return {
      scope: 'chaos',
      name: this.name,
      restapi: { listen: rest, connect_address: rest },
      // By this address, and not by the one that etcd tells of itself.
      etcd3: { proxy: `http://127.0.0.1:${this.wire.port}` },
      bootstrap: { dcs, initdb: [{ encoding: 'UTF8' }, { locale: 'C.UTF-8' }] },
      postgresql: {
        listen: postgres,
        connect_address: postgres,
        data_dir: this.#data,
        bin_dir: newestPrograms,
        pgpass: path.join(this.#directory, `${this.name}.pgpass`),
        use_unix_socket: true,
        remove_data_directory_on_rewind_failure: true,
        remove_data_directory_on_diverged_timelines: true,
        authentication: {
          superuser: { username: 'postgres', password: 'not a secret', sslmode: 'require' },
          replication: { username: 'replicator', password: 'not a secret', sslmode: 'require' },
        },
        parameters: {
          unix_socket_directories: this.#directory,
          shared_buffers: '16MB',
          ssl: 'on',
          ssl_cert_file: tls.certificate,
          ssl_key_file: tls.key,
          ssl_ca_file: tls.ca,
        },
        pg_hba: accessRules,
      },
    };
  }

  start(): void {
    const log = openSync(this.#log, 'a', 0o600);
    const [program, words] = asNobody(['/usr/bin/patroni', this.#configuration]);
    const env = { ...process.env, LANG: 'C.UTF-8', HOME: this.#directory };
    this.#patroni = spawn(program, words, { cwd: this.#directory, stdio: ['ignore', log, log], env });
    closeSync(log);
    this.#patroni.unref();
  }

  /** Kills what is there of Patroni and of its PostgreSQL, whose other processes end with the postmaster. */
  async kill({ patroni, postgres }: { patroni: boolean; postgres: boolean }): Promise<void> {
    const child = this.#patroni;
    // First Patroni: it would start the server again.
    if (patroni && child !== undefined && child.exitCode === null && child.signalCode === null) {
      child.ref();
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    const postmaster = this.#postmaster();
    if (postgres && postmaster !== undefined) sendSignal(postmaster, 'SIGKILL');
  }

  /** At the end of this process nothing can be waited for. */
  killAtOnce(): void {
    this.#patroni?.kill('SIGKILL');
    const postmaster = this.#postmaster();
    if (postmaster !== undefined) sendSignal(postmaster, 'SIGKILL');
  }

  /** Undefined where none runs. */
  #postmaster(): number | undefined {
    try {
      const [pid = ''] = readFileSync(path.join(this.#data, 'postmaster.pid'), 'utf8').split('\n');
      // The file outlives a server that was killed, and its number may be another's by now.
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(this.#data) ? Number(pid) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Asks its REST API; undefined where that does not answer. */
  async ask(
    method: 'GET' | 'POST',
    address: string,
    body?: object,
  ): Promise<{ status: number; text: string } | undefined> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.ports.rest}${address}`, {
        method,
        signal: AbortSignal.timeout(method === 'GET' ? 2_000 : 60_000),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, text: await answer.text() };
    } catch {
      return undefined;
    }
  }
}
