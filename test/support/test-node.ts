import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { TestCa } from './certificates.ts';
import { memoryDirectory } from './memory-directory.ts';
import type { Shim } from './shim.ts';
import { openNodeVault, type KeyUsage, type NodeVault } from './node-vault.ts';
import type { TokenFixture } from './tokens.ts';
import { XksClient, type KeySetAccess } from './xks-client.ts';

export { memoryDirectory } from './memory-directory.ts';

const root = path.resolve(import.meta.dirname, '../..');
const main = path.join(root, 'src/main.ts');

export interface TestToken {
  fixture: TokenFixture;
  /** Puts the fault shim between the token host and the token. */
  shim?: Shim;
  /** Name in the configuration; `token` unless given. */
  name?: string;
  /** Another profile than the fixture's. */
  profile?: string;
  /** More lines of the token's TOML table, such as `hosts = 4`. */
  settings?: Record<string, string | number>;
}

export interface NodeOptions {
  tokens: TestToken[];
  workers?: number;
  /** More lines of the [xks] and [xks.tls] tables. */
  xks?: Record<string, string | number>;
  mutualTls?: { subjects: string[] };
  /** Run `holdfast init`; true unless given. */
  init?: boolean;
  /** Serve the management API too, or only with these lines of the [admin] table; no unless given. */
  admin?: boolean | Record<string, string | number>;
}

/** How to reach a node's management API. */
export interface AdminAccess {
  /** Origin. */
  endpoint: string;
  port: number;
  /** PEM file. */
  ca: string;
  /** The first appliance administrator. */
  username: string;
  password: string;
}

export interface LogLine {
  level: string;
  msg: string;
  [name: string]: unknown;
}

/**
 * A whole node under test: its own directory, configuration, certificates and store; `holdfast serve` as a child
 * process. Everything it ever printed is kept in {@link TestNode.output}.
 */
export class TestNode {
  readonly directory: string;
  readonly config: string;
  readonly ca: TestCa;
  /** CA of client certificates, where mutual TLS is on. */
  readonly clientCa: TestCa;
  readonly tls: { certificate: string; key: string };
  port = 0;
  /** 0 without a management API. */
  adminPort = 0;
  output = '';
  #adminPassword = '';
  readonly #lines: LogLine[] = [];
  #child: ChildProcess | undefined;

  private constructor(directory: string, config: string, ca: TestCa, clientCa: TestCa, tls: TestNode['tls']) {
    this.directory = directory;
    this.config = config;
    this.ca = ca;
    this.clientCa = clientCa;
    this.tls = tls;
  }

  /** Writes everything and initialises the store and the tokens; does not serve yet. */
  static async create(options: NodeOptions): Promise<TestNode> {
    const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-node-'));
    await mkdir(path.join(directory, 'tls'), { mode: 0o700 });
    const ca = await TestCa.create(path.join(directory, 'tls'));
    const clientCa = await TestCa.create(path.join(directory, 'tls'), 'client-ca');
    const tls = await ca.issue('localhost');
    const config = path.join(directory, 'holdfast.toml');
    await writeFile(config, configText(options, tls, clientCa), { mode: 0o600 });
    const node = new TestNode(directory, config, ca, clientCa, tls);
    if (options.init !== false) await node.#init();
    return node;
  }

  async #init(): Promise<void> {
    const printed = await this.cli('init');
    this.#adminPassword = /first password: (\S+)/.exec(printed)?.[1] ?? '';
  }

  /** Creates and serves. */
  static async start(options: NodeOptions): Promise<TestNode> {
    const node = await TestNode.create(options);
    await node.serve();
    return node;
  }

  /** Runs `holdfast --json --config … <words>`; resolves with standard output. Rejects with the exit code and stderr. */
  async cli(...words: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile(
        process.execPath,
        [main, '--json', '--config', this.config, ...words],
        (error, stdout, stderr) => {
          this.output += stdout + stderr;
          if (error === null) resolve(stdout);
          else
            reject(
              Object.assign(new Error(`holdfast ${words.join(' ')}: ${stderr}`), {
                code: error.code,
                stderr,
              }),
            );
        },
      );
    });
  }

  /** The JSON that a command printed. */
  // oxlint-disable-next-line typescript/no-explicit-any -- parsed JSON of unknown shape
  async cliJson(...words: string[]): Promise<any> {
    return JSON.parse(await this.cli(...words)) as unknown;
  }

  /** Starts `holdfast serve`; resolves when it says that it is ready. Rejects with the output when it ends instead. */
  async serve(): Promise<void> {
    // A test process that is ended by force takes its node along.
    const child = spawn(
      'setpriv',
      ['--pdeathsig', 'TERM', process.execPath, main, '--config', this.config, 'serve'],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child = child;
    const ready = Promise.withResolvers<void>();
    child.once('exit', () => ready.reject(new Error(`holdfast serve ended: ${this.output.slice(-2000)}`)));
    for (const stream of [child.stdout, child.stderr])
      onLine(stream, (line) => {
        this.output += `${line}\n`;
        const ports = /^holdfast ready on port (\d+)(?:, management on port (\d+))?/.exec(line);
        if (ports !== null) {
          this.port = Number(ports[1]);
          this.adminPort = Number(ports[2] ?? 0);
          ready.resolve();
        } else if (line.startsWith('{')) this.#lines.push(JSON.parse(line) as LogLine);
      });
    await ready.promise;
  }

  /** The management API, signed in to by nobody yet: the first password must be changed first. */
  get admin(): AdminAccess {
    return {
      endpoint: `https://localhost:${this.adminPort}`,
      port: this.adminPort,
      ca: this.ca.certificate,
      username: 'admin',
      password: this.#adminPassword,
    };
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Log lines so far, of the supervisor and all workers. */
  get log(): readonly LogLine[] {
    return this.#lines;
  }

  /** Waits for a log line, also one that has come already. */
  async waitForLog(matches: (line: LogLine) => boolean, patience = 10_000): Promise<LogLine> {
    const until = Date.now() + patience;
    for (;;) {
      const line = this.#lines.find(matches);
      if (line !== undefined) return line;
      if (Date.now() > until)
        throw new Error(`no such log line; the last: ${JSON.stringify(this.#lines.slice(-5))}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Process ids of this node's processes by kind, from /proc. */
  processes(): { supervisor: number; workers: number[]; management: number[]; hosts: number[] } {
    const children = childrenOf(this.pid);
    const of = (name: string) => children.filter((pid) => commandLine(pid).includes(name));
    return {
      supervisor: this.pid,
      workers: of('xks-worker.ts'),
      management: of('admin-worker.ts'),
      hosts: of('host-process.ts'),
    };
  }

  /** Runs acts on the node's vault as the management process would, beside whatever the node is doing. */
  async withVault<T>(run: (vault: NodeVault) => Promise<T>): Promise<T> {
    return openNodeVault(this.config, run);
  }

  /** The same for acts that need no token. */
  async withStore<T>(run: (vault: NodeVault) => Promise<T>): Promise<T> {
    return openNodeVault(this.config, run, { tokens: false });
  }

  /** A key set with a credential. */
  async makeKeySet(name: string, options: { token?: string; prefix?: string } = {}): Promise<KeySetAccess> {
    return this.withVault(async (vault) => {
      await vault.makeKeySet(name, options);
      return vault.issueCredential(name);
    });
  }

  async issueCredential(keySet: string): Promise<KeySetAccess> {
    return this.withVault(async (vault) => vault.issueCredential(keySet));
  }

  /** Makes a CloudKey and gives its external key id. */
  async makeKey(keySet: string, name: string, usage: KeyUsage = 'encrypt-decrypt'): Promise<string> {
    return this.withVault(async (vault) => vault.makeKey(keySet, name, usage));
  }

  client(
    access: KeySetAccess,
    tls: { certificate?: string; key?: string; maxSockets?: number } = {},
  ): XksClient {
    return new XksClient(this.port, access, { ca: this.ca.certificate, ...tls });
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Ends the node with SIGTERM and waits for it; resolves with its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null)
      return child?.exitCode ?? null;
    const exited = once(child, 'close');
    child.kill(signal);
    await exited;
    return child.exitCode;
  }

  async dispose(): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}

function configText(options: NodeOptions, tls: TestNode['tls'], clientCa: TestCa): string {
  const table = (values: Record<string, unknown>) =>
    Object.entries(values)
      .map(([name, value]) => `${name} = ${toml(value)}`)
      .join('\n');
  const tokens = options.tokens.map(({ fixture, shim, name, profile, settings }) =>
    table({
      name: name ?? 'token',
      profile: profile ?? fixture.profile,
      label: fixture.label,
      module: shim?.module ?? fixture.module,
      pin: { file: fixture.pinFile },
      environment: { ...fixture.environment, ...shim?.environment },
      ...(fixture.initializeParameters === undefined
        ? {}
        : { initialize_parameters: fixture.initializeParameters }),
      ...settings,
    }),
  );
  return [
    '[node]\nstate_directory = "state"',
    `[xks]\n${table({ address: '127.0.0.1', port: 0, workers: options.workers ?? 1, drain_ms: 0, ...options.xks })}`,
    `[xks.tls]\n${table({
      ...tls,
      ...(options.mutualTls === undefined
        ? {}
        : { client_ca: clientCa.certificate, client_subjects: options.mutualTls.subjects }),
    })}`,
    `[admin]\n${table({
      enabled: options.admin !== undefined && options.admin !== false,
      port: 0,
      ...(typeof options.admin === 'object' ? options.admin : {}),
    })}`,
    ...tokens.map((token) => `[[token]]\n${token}`),
  ].join('\n\n');
}

function toml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toml).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([name, inner]) => `${name} = ${toml(inner)}`)
      .join(', ')} }`;
  return JSON.stringify(value);
}

/** Lines end at \n only: readline also ends them at U+2028, which JSON may contain. */
function onLine(stream: Readable, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
}

/** All descendants of a process, from /proc. */
export function childrenOf(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: parentOf(Number(name)) }));
  const found: number[] = [];
  for (let generation = [pid]; generation.length > 0;) {
    generation = parents.filter(({ parent }) => generation.includes(parent)).map((entry) => entry.pid);
    found.push(...generation);
  }
  return found;
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? -1);
  } catch {
    return -1;
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
