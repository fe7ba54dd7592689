import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { boundCommand, nodeCommand } from '../node-process.ts';
import { standardError } from '../output-sink.ts';
import { systemReason } from '../system-reason.ts';

interface ModuleProcessOptions {
  /** What it runs; written for this way of starting it. */
  script: string;
  /** Over our own. */
  environment: Readonly<Record<string, string>>;
  /** Whether it has a socket as fd 3. */
  socket: boolean;
}

/**
 * How every process that loads a vendor's module is started: bound to this one, told through stdin, and telling lines by fd 4,
 * which can be written to as well. What the module prints goes to our stderr, by way of us: it must not get between the
 * log lines on stdout, nor stand still with its process because nobody reads it.
 */
export class ModuleProcess {
  /** Hears of each line. What it throws is nobody's. */
  onLine: (line: string) => void = () => undefined;
  /** Resolves with how it ended, or that it could not be started. */
  readonly exited: Promise<string>;
  /** Null where the system gave no pipe. */
  readonly stdin: ChildProcess['stdin'];
  /** Our end of fd 3. Nothing is read from it here. */
  readonly socket: Socket | undefined;
  readonly lines: Socket;
  readonly #child: ChildProcess;
  readonly #reader: Interface;
  readonly #outputs: readonly Socket[];
  readonly #allRead: Promise<unknown>;

  /** Throws what the system throws where no process could be made. */
  constructor({ script, environment, socket }: ModuleProcessOptions) {
    const [command, ...words] = boundCommand(nodeCommand(script));
    this.#child = spawn(command, words, {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'pipe', socket ? 'pipe' : 'ignore', 'pipe'],
    });
    this.exited = new Promise<string>((resolve) => {
      this.#child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
      this.#child.once('error', (error) =>
        resolve(`its process could not be started: ${systemReason(error).words}`),
      );
    });
    const [stdin, stdout, stderr, ours, lines] = this.#child.stdio as unknown as [
      ChildProcess['stdin'],
      Socket,
      Socket,
      Socket | null,
      Socket,
    ];
    this.stdin = stdin;
    this.socket = ours ?? undefined;
    this.lines = lines;
    // Absent where the system gave no pipe.
    for (const stream of [stdin, ours, lines]) stream?.on('error', () => undefined);
    this.#outputs = [stdout, stderr];
    const printed = this.#outputs.map(async (stream) => standardError().forward(stream));
    this.#reader = createInterface({ input: lines });
    this.#allRead = Promise.all([once(this.#reader, 'close').catch(() => undefined), ...printed]);
    this.#reader.on('line', (line) => this.onLine(line));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /**
   * Once it has exited: reads what it said last, for so many milliseconds at the most, since a process that the module
   * started may hold the pipes open.
   */
  async readRest(timeout: number): Promise<void> {
    await Promise.race([this.#allRead, delay(timeout)]);
    this.#reader.close();
    for (const stream of [this.lines, ...this.#outputs]) stream.destroy();
  }
}
