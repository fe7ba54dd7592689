import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { childrenOf } from '../testing/test-node.ts';

/** Clock ticks a second of /proc/PID/stat, on every Linux that Node runs on. */
const ticksPerSecond = 100;

export interface ServerOptions {
  env?: Record<string, string>;
  /** Milliseconds until it is given up. */
  timeout?: number;
  /** The directory of the code that it runs, where that is not this one. */
  checkout?: string;
}

const ownCheckout = path.resolve(import.meta.dirname, '..');

/** Of a script by that name the command is started, as people do; any other as the command starts Node, with the code that set-up has stripped. */
function commandOf(checkout: string, [script = '', ...words]: readonly string[]): string[] {
  if (script === path.join(checkout, 'src/main.ts')) return [path.join(checkout, 'bin/holdfast'), ...words];
  const stripped = path.join(checkout, 'src/stripped-types.js');
  const flags = existsSync(stripped) ? ['--import', pathToFileURL(stripped).href] : [];
  return [process.execPath, '--disable-sigusr1', ...flags, script, ...words];
}

/** A server under load: a process with its descendants, its output in a file so that reading it costs us nothing. */
export class Server {
  readonly name: string;
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(name: string, port: number, child: ChildProcess) {
    this.name = name;
    this.port = port;
    this.#child = child;
  }

  /** Starts it and waits for the line with its port, which it prints once it takes connections. */
  static async start(
    name: string,
    words: readonly string[],
    logFile: string,
    { env = {}, timeout = 60_000, checkout = ownCheckout }: ServerOptions = {},
  ): Promise<Server> {
    const output = openSync(logFile, 'w', 0o600);
    // One that is interrupted takes its servers along.
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...commandOf(checkout, words)], {
      stdio: ['ignore', output, output],
      env: { ...process.env, NODE_COMPILE_CACHE: undefined, ...env },
    });
    for (let waited = 0; waited < timeout; waited += 50) {
      const port = /^(?:holdfast )?ready on port (\d+)/m.exec(readFileSync(logFile, 'utf8'))?.[1];
      if (port !== undefined) return new Server(name, Number(port), child);
      if (child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    child.kill('SIGKILL');
    throw new Error(`${name} did not start: ${readFileSync(logFile, 'utf8').slice(-1000)}`);
  }

  /** Of the process that was started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get pids(): number[] {
    return [this.pid, ...childrenOf(this.pid)];
  }

  /** Processor time of all processes so far, seconds. */
  get cpuSeconds(): number {
    return this.pids.reduce((sum, pid) => sum + cpuOf(pid), 0);
  }

  /** Resident memory of all processes, MiB. */
  get residentMiB(): number {
    return this.pids.reduce((sum, pid) => sum + residentOf(pid), 0);
  }

  /** The same with what they share counted once, MiB. */
  get proportionalMiB(): number {
    return this.pids.reduce((sum, pid) => sum + proportionalOf(pid), 0);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}

export const mainScript = path.resolve(import.meta.dirname, '../src/main.ts');

/** Processor time of a process so far, seconds; 0 where it is gone. */
export function cpuOf(pid: number): number {
  try {
    // Behind the command's closing parenthesis, utime and stime are the 12th and 13th field (proc_pid_stat(5)).
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return 0;
  }
}

/** Memory with what is shared counted in part (PSS), MiB. Only root and the process's own user may read it. */
export function proportionalOf(pid: number): number {
  try {
    return (
      Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024
    );
  } catch {
    return 0;
  }
}

function residentOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
