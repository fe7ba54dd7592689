import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { nodeCommand, nodeFlags } from '../src/node-process.ts';
import { writeNodeFiles, type NodeOptions } from './node-files.ts';
import { openNode, type NodeVault, type OpenNodeVault } from './node-vault.ts';
import { ServedNode } from './served-node.ts';

export { memoryDirectory } from './memory-directory.ts';
export type { NodeOptions, TestToken } from './node-files.ts';
export type { LogLine } from './served-node.ts';

const root = path.resolve(import.meta.dirname, '..');
const main = path.join(root, 'src/main.ts');

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

/**
 * A whole node under test: its own directory, configuration, certificates and store; `holdfast serve` as a child
 * process. Everything it ever printed is kept in {@link TestNode.output}.
 */
export class TestNode extends ServedNode {
  /** 0 without a management API. */
  adminPort = 0;
  #adminPassword = '';
  #child: ChildProcess | undefined;
  /** Kept until the node is disposed of: a token host takes its time to start. */
  #vault: Promise<OpenNodeVault> | undefined;
  #store: Promise<OpenNodeVault> | undefined;

  /** Writes everything and initialises the store and the tokens; does not serve yet. */
  static async create(options: NodeOptions): Promise<TestNode> {
    const node = new TestNode(await writeNodeFiles(options));
    if (options.init !== false) await node.#init(options.admin !== undefined && options.admin !== false);
    return node;
  }

  /** By the command where there is to be an administrator; else without a process for it. */
  async #init(admin: boolean): Promise<void> {
    if (admin) {
      const printed = await this.cli('init');
      this.#adminPassword = /first password: (\S+)/.exec(printed)?.[1] ?? '';
    } else {
      this.#vault = openNode(this.config, { prepare: true });
      await this.#vault;
    }
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
        [...nodeFlags, main, '--json', '--config', this.config, ...words],
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

  /**
   * Starts `holdfast serve`, where told with a limit of open files, and of the code in another directory; resolves when it says that it
   * is ready. Rejects with the output when it ends instead.
   */
  async serve(
    environment: Record<string, string> = {},
    { openFiles, code = root }: { openFiles?: number; code?: string } = {},
  ): Promise<void> {
    // A test process that is ended by force takes its node along.
    const child = spawn(
      'setpriv',
      [
        ...['--pdeathsig', 'TERM'],
        ...(openFiles === undefined ? [] : ['prlimit', `--nofile=${openFiles}:${openFiles}`]),
        ...nodeCommand(main, '--config', this.config, 'serve').map((word) =>
          word.replace(`${root}/src/`, `${code}/src/`),
        ),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } },
    );
    this.#child = child;
    const ready = Promise.withResolvers<void>();
    child.once('exit', () => ready.reject(new Error(`holdfast serve ended: ${this.output.slice(-2000)}`)));
    for (const stream of [child.stdout, child.stderr])
      onLine(stream, (line) => {
        this.printed(line);
        const ports = /^holdfast ready on port (\d+)(?:, management on port (\d+))?/.exec(line);
        if (ports !== null) {
          this.port = Number(ports[1]);
          this.adminPort = Number(ports[2] ?? 0);
          ready.resolve();
        }
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

  /** Whether `holdfast serve` runs. */
  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Process ids of this node's processes by kind, from /proc. */
  processes(): { supervisor: number; workers: number[]; management: number[]; hosts: number[] } {
    const children = childrenOf(this.pid);
    const of = (script: string) => {
      // A process that is called otherwise would pass for one that is not there.
      if (!existsSync(path.join(root, script))) throw new Error(`there is no ${script}`);
      return children.filter((pid) => commandLine(pid).includes(script));
    };
    return {
      supervisor: this.pid,
      workers: of('src/node/xks-worker.ts'),
      management: of('src/node/management-worker.ts'),
      hosts: of('src/token/host/host-process.ts'),
    };
  }

  override hostPids(): number[] {
    return this.processes().hosts;
  }

  override async withVault<T>(run: (vault: NodeVault) => Promise<T>): Promise<T> {
    this.#vault ??= openNode(this.config);
    return run((await this.#vault).vault);
  }

  override async withStore<T>(run: (vault: NodeVault) => Promise<T>): Promise<T> {
    this.#store ??= this.#vault ?? openNode(this.config, { tokens: false });
    return run((await this.#store).vault);
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Ends the node with SIGTERM and waits for it; resolves with its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || !this.running) return child?.exitCode ?? null;
    const exited = once(child, 'close');
    child.kill(signal);
    await exited;
    return child.exitCode;
  }

  /** Ends the token host that acts on the vault have; the next act starts another. */
  async closeVault(): Promise<void> {
    const open = new Set([this.#vault, this.#store]);
    this.#vault = undefined;
    this.#store = undefined;
    for (const one of open) await (await one?.catch(() => undefined))?.close();
  }

  override async dispose(): Promise<void> {
    await this.stop();
    await this.closeVault();
    await rm(this.directory, { recursive: true, force: true });
  }
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

/** Names of what a confined process may write (Node's permission model). */
export function writable(pid: number): string[] {
  return [...commandLine(pid).matchAll(/--allow-fs-write=(\S+)/g)].map(([, file = '']) =>
    path.basename(file),
  );
}

export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
