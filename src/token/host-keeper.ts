import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Secret } from '../secret.ts';
import type { TokenInfo } from './cryptoki.ts';
import type { HostOrder, HostReport } from './host-process.ts';

/** What every host of one token is started with. */
export interface HostSettings {
  /** The token's name in the configuration. */
  token: string;
  order: Omit<HostOrder, 'pin'>;
  environment: Record<string, string>;
  /** Read anew at each start, so that a changed PIN file is seen. */
  pin: () => Promise<Secret | undefined>;
  /** How long loading, login and self-test may take, milliseconds. */
  startTimeout: number;
}

export interface RunningHost {
  id: number;
  pid: number;
  /** Our end of fd 3. Nothing is read from it before it is handed on. */
  socket: Socket;
  info: TokenInfo;
  made: string[];
}

export interface KeeperListener {
  onReady(host: RunningHost): void;
  onGone(id: number, why: string): void;
  /** The host could not start; it is tried again unless `final`. */
  onFailed(problem: string, wayOut: string, final: boolean): void;
}

/**
 * Lets hosts of one token start one after another until a login has succeeded, then a few at once, and none at all
 * once the token has refused the PIN: a wrong PIN tried by every host would lock the token.
 */
export class LoginGate {
  #running = 0;
  #proven = false;
  #refused = false;
  readonly #waiting: (() => void)[] = [];

  get refused(): boolean {
    return this.#refused;
  }

  /** Waits for a turn; false when the PIN was refused. */
  async enter(): Promise<boolean> {
    while (!this.#refused && this.#running >= (this.#proven ? 3 : 1))
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#refused) return false;
    this.#running++;
    return true;
  }

  leave(outcome: 'ready' | 'failed' | 'pin-refused'): void {
    this.#running--;
    this.#proven = outcome === 'ready';
    if (outcome === 'pin-refused') this.#refused = true;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** The operator says that the PIN is right now (SIGHUP). */
  reset(): void {
    this.#refused = false;
    this.#proven = false;
  }
}

const firstPause = 100;
const longestPause = 10_000;
/** A host that lived this long had come up well: the next failure starts from the shortest pause. */
const settledAfter = 30_000;

let lastId = 0;

/** Keeps one token host running: starts it, replaces it when it ends, with growing, jittered pauses when it fails. */
export class HostKeeper {
  readonly #settings: HostSettings;
  readonly #gate: LoginGate;
  readonly #listener: KeeperListener;
  #child: ChildProcess | undefined;
  #stopped = false;
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(settings: HostSettings, gate: LoginGate, listener: KeeperListener) {
    this.#settings = settings;
    this.#gate = gate;
    this.#listener = listener;
  }

  start(): void {
    this.#loop ??= this.#keep();
  }

  /** Ends the running host at once; another takes its place. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopping.abort();
    this.kill();
    await this.#loop;
  }

  async #keep(): Promise<void> {
    let failures = 0;
    while (!this.#stopped) {
      const began = Date.now();
      const wasReady = await this.#runOnce();
      if (this.#stopped) break;
      if (wasReady && Date.now() - began > settledAfter) failures = 0;
      // The first replacement of a host that had been ready comes at once.
      const longest = wasReady && failures === 0 ? 0 : Math.min(longestPause, firstPause * 2 ** failures);
      failures++;
      await delay(longest * (0.5 + Math.random() / 2), undefined, { signal: this.#stopping.signal }).catch(
        () => undefined,
      );
    }
  }

  /** One life of a host. True if it had become ready. */
  async #runOnce(): Promise<boolean> {
    if (!(await this.#gate.enter())) {
      await once(this.#stopping.signal, 'abort');
      return false;
    }
    if (this.#stopped) {
      this.#gate.leave('failed');
      return false;
    }
    let pin: Secret | undefined;
    try {
      pin = await this.#settings.pin();
    } catch (error) {
      this.#gate.leave('failed');
      this.#listener.onFailed(
        error instanceof Error ? error.message : 'the PIN cannot be read',
        'check token.pin',
        false,
      );
      return false;
    }
    const id = ++lastId;
    const child = spawn(process.execPath, [path.join(import.meta.dirname, 'host-process.ts')], {
      env: { ...process.env, ...this.#settings.environment },
      stdio: ['pipe', 'inherit', 'inherit', 'pipe', 'pipe'],
    });
    this.#child = child;
    const exited = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
      child.once('error', () => resolve('could not be started'));
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(
      JSON.stringify({ ...this.#settings.order, ...(pin === undefined ? {} : { pin: pin.reveal() }) }),
    );
    const socket = child.stdio[3] as Socket;
    socket.on('error', () => undefined);

    const overdue = setTimeout(() => child.kill('SIGKILL'), this.#settings.startTimeout);
    let lastReport: HostReport | undefined;
    let ready = false;
    const lines = createInterface({ input: child.stdio[4] as Socket });
    lines.on('line', (line) => {
      lastReport = JSON.parse(line) as HostReport;
      if (lastReport.state !== 'ready' || ready) return;
      ready = true;
      clearTimeout(overdue);
      this.#gate.leave('ready');
      this.#listener.onReady({
        id,
        pid: child.pid ?? 0,
        socket,
        info: lastReport.token,
        made: lastReport.made,
      });
    });
    const how = await exited;
    clearTimeout(overdue);
    // The report may still be in the pipe when the exit is told.
    if (!lines.terminal && !(child.stdio[4] as Socket).readableEnded)
      await Promise.race([once(lines, 'close'), delay(200)]);
    lines.close();
    this.#child = undefined;
    if (ready) {
      this.#listener.onGone(id, lastReport?.state === 'dead' ? lastReport.problem : how);
      return true;
    }
    socket.destroy();
    const failed = lastReport?.state === 'failed' ? lastReport : undefined;
    this.#gate.leave(failed?.pinRefused === true ? 'pin-refused' : 'failed');
    if (!this.#stopped)
      this.#listener.onFailed(
        failed?.problem ?? `the token host ended before it was ready (${how})`,
        failed?.wayOut ?? 'the module may hang or crash while loading; see its own log',
        failed?.pinRefused === true,
      );
    return false;
  }
}
