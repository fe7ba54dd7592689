import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { tokenLabel, writeSafely } from '../../src/cli/node/quickstart-parts.ts';
import type { PostgresCluster } from '../../testing/postgres.ts';
import { childrenOf } from '../../testing/test-node.ts';

const command = path.resolve(import.meta.dirname, '../../bin/holdfast');

/** What all nodes of the fleet have in common: a directory with the token, the certificates and people's files; the database. */
export interface Common {
  directory: string;
  cluster: PostgresCluster;
  database: string;
  /** Milliseconds within which an XKS request is answered. */
  answerWithin: number;
}

/** A command that did not exit with 0. */
export class FailedCommand extends Error {
  /** What it printed. */
  readonly output: string;
  /** What it said to standard error: with `--json` a problem as JSON. */
  readonly problem: string;

  constructor(words: readonly string[], output: string, problem: string) {
    super(`holdfast ${words.join(' ')}\n${problem.trim()}`);
    this.name = 'FailedCommand';
    this.output = output;
    this.problem = problem;
  }
}

/** One node of the fleet, with a state directory of its own. */
export class FleetNode {
  readonly name: string;
  readonly port: number;
  readonly #adminPort: number;
  readonly #common: Common;
  readonly #config: string;
  #child: ChildProcess | undefined;
  #encrypts = 0;
  #refused = 0;
  readonly #complaints: string[] = [];

  constructor(name: string, common: Common, ports: { xks: number; admin: number }) {
    this.name = name;
    this.port = ports.xks;
    this.#adminPort = ports.admin;
    this.#common = common;
    this.#config = path.join(common.directory, name, 'holdfast.toml');
  }

  /** Writes its configuration and runs `holdfast init`: the first one makes the tables. */
  async prepare(): Promise<string> {
    const { directory, cluster, database, answerWithin } = this.#common;
    const { host, port, user } = cluster.settings(database, 'tls');
    mkdirSync(path.dirname(this.#config), { mode: 0o700 });
    writeSafely(
      this.#config,
      `[node]
state_directory = "state"
[store]
kind = "postgres"
address = "${host}"
port = ${port}
database = "${database}"
user = "${user}"
password_file = "${cluster.passwordFile}"
ca = "${cluster.ca.certificate}"
durability = "single"
[xks]
address = "127.0.0.1"
port = ${this.port}
proxy_protocol_from = ["127.0.0.1"]
answer_within_ms = ${answerWithin}
[xks.tls]
certificate = "${directory}/tls/server.pem"
key = "${directory}/tls/server-key.pem"
[admin]
port = ${this.#adminPort}
[[token]]
name = "softhsm"
profile = "softhsm2"
label = "${tokenLabel}"
pin = { file = "${directory}/pin" }
environment = { SOFTHSM2_CONF = "${directory}/softhsm2.conf" }
`,
    );
    const password = path.join(directory, 'files', 'admin.password');
    return this.command('--config', this.#config, 'init', '--password-file', password);
  }

  /** Resolves when it is ready. */
  async serve(): Promise<void> {
    // Whatever becomes of us, no node outlives us.
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', command, '--config', this.#config, 'serve'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.#environment(),
    });
    this.#child = child;
    const ready = Promise.withResolvers<void>();
    let last = '';
    child.once('exit', (code) =>
      ready.reject(new Error(`holdfast serve of ${this.name} ended (${code}): ${last}`)),
    );
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        last = line;
        this.#hear(line);
        if (line.startsWith('holdfast ready on port ')) ready.resolve();
      });
    await ready.promise;
  }

  #hear(line: string): void {
    if (line.includes('"level":"error"')) this.#complaints.push(line);
    if (!line.includes('"operation":"Encrypt"')) return;
    if (line.includes('"status":200')) this.#encrypts += 1;
    else if (line.includes('InvalidStateException')) this.#refused += 1;
  }

  /** By its log since it was last asked: Encrypts with success, and those that it refused for the state of the key. */
  answered(): { encrypts: number; refused: number } {
    const answered = { encrypts: this.#encrypts, refused: this.#refused };
    this.#encrypts = 0;
    this.#refused = 0;
    return answered;
  }

  /** The last errors in its log. */
  get complaints(): readonly string[] {
    return this.#complaints.slice(-3);
  }

  /** kill -9 of all its processes at once, as when its machine loses power; resolves with how many there were. */
  async kill(): Promise<number> {
    const child = this.#child;
    if (child?.pid === undefined) throw new Error(`${this.name} does not run`);
    const gone = once(child, 'close');
    const pids = [child.pid, ...childrenOf(child.pid)];
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await gone;
    return pids.length;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'close');
    child.kill('SIGTERM');
    await gone;
  }

  /** Runs `holdfast …` against this node as an operator would; resolves with what it prints. Throws FailedCommand. */
  async command(...words: string[]): Promise<string> {
    const { directory } = this.#common;
    return new Promise((resolve, reject) => {
      execFile(command, words, { env: this.#environment(), cwd: directory }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new FailedCommand(words, stdout, stderr));
      });
    });
  }

  /** What `holdfast --json …` prints, parsed. */
  async json<T>(...words: string[]): Promise<T> {
    return JSON.parse(await this.command('--json', ...words)) as T;
  }

  #environment(): NodeJS.ProcessEnv {
    const { directory } = this.#common;
    return {
      PATH: process.env['PATH'],
      LANG: process.env['LANG'],
      HOME: directory,
      // A session is with one node.
      XDG_CONFIG_HOME: path.join(directory, 'profiles', this.name),
      XDG_STATE_HOME: path.join(directory, 'profiles', this.name),
      SOFTHSM2_CONF: path.join(directory, 'softhsm2.conf'),
      HOLDFAST_NODE: process.execPath,
      HOLDFAST_CA: path.join(directory, 'tls', 'ca.pem'),
      HOLDFAST_ENDPOINT: `https://localhost:${this.#adminPort}`,
    };
  }
}
