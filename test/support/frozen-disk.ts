import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const source = path.join(import.meta.dirname, 'frozen-disk.c');
const flags = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-fvisibility=hidden'];

/** A disk that can be made to stand still for the processes that are started with {@link FrozenDisk.environment}. */
export class FrozenDisk {
  readonly environment: { LD_PRELOAD: string; HOLDFAST_TEST_FROZEN: string };
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.environment = {
      LD_PRELOAD: path.join(directory, 'frozen-disk.so'),
      HOLDFAST_TEST_FROZEN: path.join(directory, 'frozen'),
    };
  }

  static async create(): Promise<FrozenDisk> {
    const disk = new FrozenDisk(await mkdtemp(path.join(tmpdir(), 'holdfast-disk-')));
    await promisify(execFile)('cc', [...flags, '-o', disk.environment.LD_PRELOAD, source, '-ldl']);
    return disk;
  }

  freeze(): void {
    writeFileSync(this.environment.HOLDFAST_TEST_FROZEN, '');
  }

  thaw(): void {
    rmSync(this.environment.HOLDFAST_TEST_FROZEN, { force: true });
  }

  async dispose(): Promise<void> {
    this.thaw();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
