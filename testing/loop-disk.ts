import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { atExit } from './at-exit.ts';
import { memoryDirectory } from './memory-directory.ts';

const run = promisify(execFile);

/** Whatever becomes of the test: a frozen file system holds on to every process that writes to it. Seconds. */
const maxFreeze = 60;

/**
 * A file system of its own (ext4 on a loop device), which can be filled up, made to stand still and made read-only. For root on a machine
 * that has loop devices; {@link LoopDisk.create} answers with the reason where there is none.
 */
export class LoopDisk {
  readonly environment: Record<string, string> = {};
  /** Where it is mounted. */
  readonly directory: string;
  readonly #made: string;
  #safeguard: ChildProcess | undefined;
  #isDisposed = false;

  private constructor(made: string) {
    this.#made = made;
    this.directory = path.join(made, 'disk');
  }

  static async create(megabytes = 64): Promise<LoopDisk | string> {
    if (process.getuid?.() !== 0) return 'only root mounts a file system';
    const disk = new LoopDisk(await mkdtemp(path.join(memoryDirectory(), 'holdfast-loop-')));
    const image = path.join(disk.#made, 'image');
    try {
      await mkdir(disk.directory);
      await writeFile(image, '');
      await truncate(image, megabytes * 1024 * 1024);
      // No blocks that are kept for root: full is full.
      await run('mkfs.ext4', ['-q', '-m', '0', '-E', 'nodiscard', image]);
      await run('mount', ['-o', 'loop', image, disk.directory]);
      atExit(() => disk.#leave());
      return disk;
    } catch (error) {
      await rm(disk.#made, { recursive: true, force: true });
      return (error as Error).message;
    }
  }

  freeze(): void {
    const later = `sleep ${maxFreeze}; fsfreeze --unfreeze "$1"`;
    this.#safeguard = spawn('sh', ['-c', later, 'sh', this.directory], { detached: true, stdio: 'ignore' });
    this.#safeguard.unref();
    execFileSync('fsfreeze', ['--freeze', this.directory]);
  }

  thaw(): void {
    if (this.#safeguard?.pid === undefined) return;
    execFileSync('fsfreeze', ['--unfreeze', this.directory]);
    process.kill(-this.#safeguard.pid);
    this.#safeguard = undefined;
  }

  /** Until there is no byte left. */
  fill(): void {
    const descriptor = openSync(this.#filler, 'a', 0o600);
    try {
      for (let size = 1024 * 1024; size >= 512;)
        try {
          writeSync(descriptor, Buffer.alloc(size, 1));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          size /= 2;
        }
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  /** As ext4 makes it where the disk under it fails, for good: also files that are open already take nothing any more. */
  becomeReadOnly(): void {
    // (A plain remount is refused while somebody has a file open to write.)
    execFileSync('mount', ['-o', 'remount,abort', this.directory]);
  }

  makeRoom(): void {
    rmSync(this.#filler, { force: true });
  }

  get #filler(): string {
    return path.join(this.directory, 'filler');
  }

  /** The process ends, and has not disposed of it. */
  #leave(): void {
    if (this.#isDisposed) return;
    this.thaw();
    execFileSync('umount', ['--lazy', this.directory]);
    rmSync(this.#made, { recursive: true, force: true });
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    this.thaw();
    await run('umount', ['--lazy', this.directory]);
    await rm(this.#made, { recursive: true, force: true });
  }
}
