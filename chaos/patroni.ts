import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { TestCa } from '../testing/certificates.ts';
import { freePort } from '../testing/free-port.ts';
import { memoryDirectory } from '../testing/memory-directory.ts';
import { asNobody, own } from '../testing/postgres.ts';
import type { PostgresSettings } from '../src/store/postgres/settings.ts';
import type { FleetDatabase } from './fleet.ts';
import { PatroniMember } from './patroni-member.ts';

/** Until it is whole again, milliseconds: a lock in etcd runs out, and an old primary is rewound or copied anew. */
const patience = 180_000;

const [role, database, password] = ['holdfast', 'holdfast', 'not a secret'];

/** Two PostgreSQL servers under Patroni, which takes no commit without a standby; etcd; and HAProxy, which leads to the primary. */
export class PatroniDatabase implements FleetDatabase {
  readonly ports = new SharedArrayBuffer(8);
  readonly members: PatroniMember[] = [];
  readonly #directory: string;
  readonly passwordFile: string;
  readonly ca: string;
  readonly settings: PostgresSettings;
  readonly #beside: ChildProcess[] = [];
  readonly #leave = () => {
    for (const member of this.members) member.killAtOnce();
    rmSync(this.#directory, { recursive: true, force: true });
  };

  private constructor(directory: string, port: number, ca: TestCa) {
    this.#directory = directory;
    this.passwordFile = path.join(directory, 'password');
    this.ca = ca.certificate;
    this.settings = { host: '127.0.0.1', port, database, user: role, durability: 'synchronous' };
    Atomics.store(new Int32Array(this.ports), 0, port);
    process.once('exit', this.#leave);
  }

  /** What Patroni prints goes into files in `logs`. */
  static async start(logs: string): Promise<PatroniDatabase> {
    const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-patroni-'));
    await chmod(directory, 0o755);
    const ca = await TestCa.create(directory);
    const started = new PatroniDatabase(directory, await freePort(), ca);
    own(directory);
    try {
      await started.#start(ca, logs);
      return started;
    } catch (error) {
      await started.stop();
      throw error;
    }
  }

  async #start(ca: TestCa, logs: string): Promise<void> {
    await writeFile(this.passwordFile, `${password}\n`, { mode: 0o600 });
    const etcd = new SharedArrayBuffer(8);
    Atomics.store(new Int32Array(etcd), 0, await this.#startEtcd());
    for (const name of ['member-1', 'member-2']) {
      const { certificate, key } = await ca.issue(name);
      own(key);
      const ports = { postgres: await freePort(), rest: await freePort() };
      const tls = { certificate, key, ca: ca.certificate };
      const log = path.join(logs, `${name}.log`);
      const options = { name, directory: this.#directory, log, ports, tls };
      this.members.push(await PatroniMember.create(options, etcd));
    }
    const [first, second] = this.members;
    // Whoever is first makes the database, and the other is a copy of it.
    first?.start();
    await this.#until('a primary', async () => (await this.leader()) !== undefined);
    second?.start();
    await this.#startHaproxy();
    await this.untilWhole();
    await this.#makeDatabase();
  }

  /** Resolves with its port, once it answers. */
  async #startEtcd(): Promise<number> {
    const [client, peer] = [await freePort(), await freePort()];
    const [clients, peers] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
    this.#run([
      ...(['/usr/bin/etcd', '--name', 'chaos', '--data-dir', path.join(this.#directory, 'etcd')] as const),
      ...['--listen-client-urls', clients, '--advertise-client-urls', clients],
      ...['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers],
      ...['--initial-cluster', `chaos=${peers}`],
    ]);
    await this.#until('etcd', async () => {
      try {
        return (await fetch(`${clients}/health`, { signal: AbortSignal.timeout(2_000) })).ok;
      } catch {
        return false;
      }
    });
    return client;
  }

  /** As docs/fleet.md has it: one address that leads to the primary, as Patroni says who that is. */
  async #startHaproxy(): Promise<void> {
    const file = path.join(this.#directory, 'haproxy.cfg');
    const servers = this.members.map(
      ({ name, ports }) => `    server ${name} 127.0.0.1:${ports.postgres} check port ${ports.rest}\n`,
    );
    await writeFile(
      file,
      `defaults
    mode tcp
    timeout connect 2s
    timeout client 1h
    timeout server 1h
    timeout check 2s
listen primary
    bind 127.0.0.1:${this.settings.port}
    option httpchk OPTIONS /primary
    http-check expect status 200
    default-server inter 500 fall 2 rise 1 on-marked-down shutdown-sessions
${servers.join('')}`,
    );
    own(file);
    const PATH = `${process.env['PATH']}:/usr/local/sbin:/usr/sbin`;
    this.#run(['/usr/bin/env', `PATH=${PATH}`, 'haproxy', '-db', '-f', file]);
  }

  #run(command: [string, ...string[]]): void {
    const [program, words] = asNobody(command);
    const child = spawn(program, words, { cwd: this.#directory, stdio: 'ignore' });
    child.unref();
    this.#beside.push(child);
  }

  async #makeDatabase(): Promise<void> {
    const leader = await this.leader();
    if (leader === undefined) throw new Error('Patroni has no primary');
    const client = new Client({
      ...{ host: this.#directory, port: leader.ports.postgres, user: 'postgres', database: 'postgres' },
      password: '',
    });
    await client.connect();
    await client.query(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`);
    await client.query(`CREATE DATABASE ${database} OWNER ${role} TEMPLATE template0 ENCODING UTF8`);
    await client.end();
  }

  /** The member that Patroni says is the primary; undefined while there is none. */
  async leader(): Promise<PatroniMember | undefined> {
    for (const member of this.members)
      if ((await member.ask('GET', '/primary'))?.status === 200) return member;
    return undefined;
  }

  /** Until there is a primary with a synchronous standby. */
  async untilWhole(): Promise<void> {
    await this.#until('a primary with a synchronous standby', async () => {
      const answer = await (await this.leader())?.ask('GET', '/cluster');
      if (answer?.status !== 200) return false;
      const { members } = JSON.parse(answer.text) as { members: { role: string; state: string }[] };
      // A standby that streams is `streaming` in later versions of Patroni.
      const isWell = (role: string) =>
        members.some((member) => member.role === role && /^(?:running|streaming)$/.test(member.state));
      return isWell('leader') && isWell('sync_standby');
    });
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (const end = performance.now() + patience; !(await holds()); await delay(100))
      if (performance.now() > end) throw new Error(`there is not ${what}: see the logs of Patroni`);
  }

  async stop(): Promise<void> {
    process.removeListener('exit', this.#leave);
    for (const member of this.members) {
      await member.kill({ patroni: true, postgres: true });
      await member.wire.close();
    }
    for (const child of this.#beside) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.ref();
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}
