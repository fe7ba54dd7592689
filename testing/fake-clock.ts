import { globSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * A calendar that can be set while processes run by it, as an operator, NTP or a hypervisor sets it: libfaketime, which
 * leaves the monotonic clock as it is.
 */
export class FakeClock {
  /** What a process needs from its start. */
  readonly environment: Record<string, string>;
  readonly #file: string;
  #offset = 0;

  /** The file is put into `directory`. `lazy`: processes see within a second what is set, and look at the clock as quickly as ever. */
  constructor(directory: string, { lazy = false }: { lazy?: boolean } = {}) {
    const [library] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1');
    if (library === undefined) throw new Error('libfaketime is missing; run: scripts/set-up test');
    this.#file = path.join(directory, 'clock');
    this.environment = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      ...(lazy ? { FAKETIME_CACHE_DURATION: '1' } : { FAKETIME_NO_CACHE: '1' }),
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // It would take a semaphore of all processes at each stat(): one that is stopped just then would stop all.
      NO_FAKE_STAT: '1',
    };
  }

  /** Removes what the library leaves behind of processes that were started by `pid`, itself included. */
  async dispose(pid: number): Promise<void> {
    for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`])
      await rm(path.join('/dev/shm', name), { force: true });
  }

  /** Sets it so many seconds off the true time. */
  async set(seconds: number): Promise<void> {
    // Read anew at each look at the clock: half a file would be another time.
    await writeFile(`${this.#file}.new`, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}\n`);
    await rename(`${this.#file}.new`, this.#file);
    this.#offset = seconds;
  }

  /** The time that the processes see. */
  now(): Date {
    return new Date(Date.now() + this.#offset * 1000);
  }
}
