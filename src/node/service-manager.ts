import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Logger } from '../log.ts';

const program = '/usr/bin/systemd-notify';
/** How long systemd is waited for, milliseconds. */
const timeout = 5_000;

/**
 * The service manager that has started the node, told how it is (sd_notify(3)). Node opens no datagram socket of a file system,
 * so systemd's own program sends it; nothing of the node waits for that.
 */
export class ServiceManager {
  readonly #log: Logger;
  readonly #environment: NodeJS.ProcessEnv;
  /** Within which it wants a sign of life, milliseconds; undefined where it wants none. */
  readonly #watchdog: number | undefined;
  #telling: Promise<void> = Promise.resolve();
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  /** It was told READY=1, and not yet STOPPING=1. */
  #serves = false;
  #failed = false;

  private constructor(environment: NodeJS.ProcessEnv, watchdog: number | undefined, log: Logger) {
    this.#environment = environment;
    this.#watchdog = watchdog;
    this.#log = log;
  }

  /**
   * As systemd names it; undefined where none has started this process. Takes its name away from `env`, so that no process that is
   * started later knows of it: workers face the network.
   */
  static take(env: NodeJS.ProcessEnv, log: Logger): ServiceManager | undefined {
    const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid, PATH } = env;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
    if (socket === undefined || socket === '') return undefined;
    const isOurs = pid === undefined || pid === String(process.pid);
    const wanted = Number(microseconds) / 1_000;
    const watchdog = isOurs && wanted > 0 ? wanted : undefined;
    return new ServiceManager({ NOTIFY_SOCKET: socket, PATH }, watchdog, log);
  }

  /** The node serves. From now on it gives a sign of life while it `isWell`, in time, with its `status` in one line. */
  ready(isWell: () => boolean, status: () => string): void {
    this.#serves = true;
    this.#tell('READY=1', `STATUS=${status()}`);
    if (this.#watchdog === undefined) return;
    this.#timer ??= setInterval(() => {
      // What systemd has not taken yet says enough.
      if (isWell() && this.#waiting === 0) this.#tell('WATCHDOG=1', `STATUS=${status()}`);
    }, this.#watchdog / 3).unref();
  }

  /** The configuration is read again, by `reload`. A node that does not serve yet, or ends, must not say that it is ready. */
  reloading(reload: () => void): void {
    if (this.#serves) this.#tell('RELOADING=1');
    reload();
    if (this.#serves) this.#tell('READY=1');
  }

  /**
   * No sign of life is owed any more once it drains. It ends within so many milliseconds, which are its own whatever `TimeoutStopSec`
   * says: a unit that knows nothing of `xks.drain_ms` would have it killed in the midst of the drain.
   */
  stopping(within: number): void {
    clearInterval(this.#timer);
    this.#serves = false;
    this.#tell('STOPPING=1', `EXTEND_TIMEOUT_USEC=${Math.ceil(within) * 1_000}`, 'STATUS=draining');
  }

  /** What was told has been taken, or cannot be. */
  async settled(): Promise<void> {
    await this.#telling;
  }

  #tell(...lines: string[]): void {
    this.#waiting++;
    const before = this.#telling;
    this.#telling = (async () => {
      await before;
      await this.#send(lines);
      this.#waiting--;
    })();
  }

  async #send(lines: string[]): Promise<void> {
    try {
      await promisify(execFile)(program, lines, { env: this.#environment, timeout });
      this.#failed = false;
    } catch (error) {
      // Once: the next try may fail alike.
      if (!this.#failed)
        this.#log.warn(
          { problem: (error as Error).message },
          'systemd could not be told how the node is; with Type=notify it ends the node for that',
        );
      this.#failed = true;
    }
  }
}
