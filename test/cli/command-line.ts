import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { CommandOrder, CommandReport } from './command-server.ts';

const command = path.resolve(import.meta.dirname, '../../bin/holdfast');

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  input?: string;
  /** Called with everything printed so far whenever there is more; what it says goes to standard input. */
  listen?: (run: Run, say: (text: string) => void) => void;
}

/** Runs the command as people and programs do: a process of its own, never with a terminal. */
export async function runCommand(
  words: readonly string[],
  { env = {}, input = '', listen }: RunOptions = {},
): Promise<Run> {
  const child = spawn(command, words, {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const run: Run = { code: null, stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      run[name] += text;
      listen?.(run, (line) => child.stdin.write(line));
    });
  // A command that asks for nothing may have ended already.
  child.stdin.on('error', () => undefined);
  if (listen === undefined) child.stdin.end(input);
  else child.stdin.write(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { ...run, code };
}

/** Runs commands one after another in one process that is kept, without standard input: see command-server.ts. */
export class CommandServer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<Run>>();
  #lastId = 0;

  constructor({ cwd }: { cwd?: string } = {}) {
    this.#child = fork(path.join(import.meta.dirname, 'command-server.ts'), [], {
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', ({ id, ...run }: CommandReport) => {
      this.#waiting.get(id)?.resolve(run);
      this.#waiting.delete(id);
    });
    this.#child.once('exit', (code) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`a command ended the process that ran it, with ${String(code)}`));
    });
  }

  async run(
    words: readonly string[],
    { env = {}, terminal }: Pick<RunOptions, 'env'> & Pick<CommandOrder, 'terminal'> = {},
  ): Promise<Run> {
    const id = ++this.#lastId;
    const waiting = Promise.withResolvers<Run>();
    this.#waiting.set(id, waiting);
    const order: CommandOrder = {
      id,
      words: [...words],
      terminal,
      env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env },
    };
    this.#child.send(order);
    return waiting.promise;
  }

  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}
