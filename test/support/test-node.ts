import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { TestCa } from './certificates.ts';
import type { Shim } from './shim.ts';
import type { TokenFixture } from './tokens.ts';
import { XksClient, type KeySetAccess } from './xks-client.ts';

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
  output = '';
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
    if (options.init !== false) await node.cli('init');
    return node;
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
    const child = spawn(process.execPath, [main, '--config', this.config, 'serve'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const ready = Promise.withResolvers<void>();
    child.once('exit', () => ready.reject(new Error(`holdfast serve ended: ${this.output.slice(-2000)}`)));
    for (const stream of [child.stdout, child.stderr])
      onLine(stream, (line) => {
        this.output += `${line}\n`;
        const port = /^holdfast ready on port (\d+)/.exec(line)?.[1];
        if (port !== undefined) {
          this.port = Number(port);
          ready.resolve();
        } else if (line.startsWith('{')) this.#lines.push(JSON.parse(line) as LogLine);
      });
    await ready.promise;
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
  processes(): { supervisor: number; workers: number[]; hosts: number[] } {
    const children = childrenOf(this.pid);
    const of = (name: string) => children.filter((pid) => commandLine(pid).includes(name));
    return { supervisor: this.pid, workers: of('xks-worker.ts'), hosts: of('host-process.ts') };
  }

  /** A key set with a credential, made by the command line. */
  async makeKeySet(name: string, options: { token?: string; prefix?: string } = {}): Promise<KeySetAccess> {
    await this.cli(
      'key-set',
      'create',
      name,
      '--token',
      options.token ?? 'token',
      ...(options.prefix === undefined ? [] : ['--path-prefix', options.prefix]),
    );
    return this.issueCredential(name, options.prefix);
  }

  async issueCredential(keySet: string, prefix?: string): Promise<KeySetAccess> {
    const { accessKeyId, rawSecretAccessKey } = (await this.cliJson(
      'credential',
      'issue',
      '--key-set',
      keySet,
    )) as {
      accessKeyId: string;
      rawSecretAccessKey: string;
    };
    return {
      uriPath: `${prefix === undefined ? '' : `/${prefix}`}/kms/xks/v1`,
      accessKeyId,
      secretAccessKey: rawSecretAccessKey,
    };
  }

  /** Makes a CloudKey and gives its external key id. */
  async makeKey(keySet: string, name: string, usage = 'encrypt-decrypt'): Promise<string> {
    const { externalKeyId } = (await this.cliJson(
      'cloud-key',
      'create',
      name,
      '--key-set',
      keySet,
      '--usage',
      usage,
    )) as {
      externalKeyId: string;
    };
    return externalKeyId;
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

export function memoryDirectory(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
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
