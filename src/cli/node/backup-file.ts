import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import type { BackupSink } from '../../store/backup/writer.ts';
import { regainRoot } from '../../store/owner.ts';
import { reserveSize } from '../../store/sqlite/space-reserve.ts';
import { syncToDisk } from '../../store/sqlite/sync-to-disk.ts';
import { CliError } from '../output/cli-error.ts';
import { FileOutputError } from '../client/reserved-file.ts';
import { writeBytes } from '../output/streams.ts';

/** On the store's own disk so much stays free: the node needs it more than a backup there. */
const keptFree = 2 * reserveSize;
/** Looked at after so many bytes. */
const lookedAtEvery = 4 * 1024 * 1024;
const chunkBytes = 256 * 1024;

/** A backup on its way into a file: of another name, mode 0600, until it is whole. */
export class BackupFile implements BackupSink {
  readonly file: string;
  readonly #part: string;
  readonly #descriptor: number;
  readonly #room: DiskRoom;
  readonly #onSignal: (signal: NodeJS.Signals) => void;
  #closed = false;

  /** Throws CliError where there is such a file already, FileOutputError where it cannot be made. */
  constructor(file: string, storePath: string) {
    if (existsSync(file)) throw existsAlready(file);
    this.file = file;
    // What begins with a dot is not finished: `holdfast doctor --backup` passes it over.
    this.#part = path.join(
      path.dirname(file),
      `.${path.basename(file)}.${randomBytes(4).toString('hex')}.part`,
    );
    try {
      this.#descriptor = openSync(this.#part, 'wx', 0o600);
    } catch (error) {
      throw new FileOutputError(file, error);
    }
    this.#room = new DiskRoom(path.dirname(file), storePath);
    this.#onSignal = (signal) => {
      regainRoot();
      this.discard();
      // Nobody listens any more: it ends us.
      process.kill(process.pid, signal);
    };
    for (const signal of endings) process.once(signal, this.#onSignal);
  }

  write(bytes: Buffer): void {
    this.#room.take(bytes.length);
    try {
      writeWhole(this.#descriptor, bytes);
    } catch (error) {
      throw new FileOutputError(this.file, error);
    }
  }

  async storeReleased(): Promise<void> {
    // A file is as fast as its disk.
  }

  /** It is on the disk whole. */
  sync(): void {
    try {
      fsyncSync(this.#descriptor);
    } catch (error) {
      throw new FileOutputError(this.file, error);
    }
  }

  /** Gives it its name. Throws CliError where that was given to another meanwhile. */
  finish(): void {
    try {
      place(this.#part, this.file);
      syncToDisk(path.dirname(this.file));
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw new FileOutputError(this.file, error);
    }
  }

  /** Lets go of it; what was not finished is removed. */
  discard(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const signal of endings) process.off(signal, this.#onSignal);
    closeSync(this.#descriptor);
    rmSync(this.#part, { force: true });
  }
}

const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A new name for a file, never in the place of another. */
function place(part: string, file: string): void {
  try {
    linkSync(part, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw existsAlready(file);
    // File systems without a second name for one file (vfat, some network shares).
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error;
    if (existsSync(file)) throw existsAlready(file);
    renameSync(part, file);
  }
}

function existsAlready(file: string): CliError {
  return new CliError(
    'conflict',
    `${file} exists already, and no backup is written over`,
    'name another file',
  );
}

/**
 * A backup on its way to standard output. Whoever reads there may be slow, and the store must not wait for them: until it is
 * released everything goes into a file beside the store that has no name.
 */
export class BackupPipe implements BackupSink {
  readonly #room: DiskRoom;
  #spool: number | undefined;

  /** Throws FileOutputError where nothing can be written beside the store. */
  constructor(storePath: string) {
    const file = `${storePath}-backup-${randomBytes(4).toString('hex')}`;
    try {
      this.#spool = openSync(file, 'wx+', 0o600);
      rmSync(file);
    } catch (error) {
      throw new FileOutputError(file, error);
    }
    this.#room = new DiskRoom(path.dirname(storePath), storePath);
  }

  write(bytes: Buffer): void {
    if (this.#spool === undefined) return writeBytes(bytes);
    this.#room.take(bytes.length);
    writeWhole(this.#spool, bytes);
  }

  async storeReleased(): Promise<void> {
    const spool = this.#spool;
    if (spool === undefined) return;
    const chunk = Buffer.allocUnsafe(chunkBytes);
    for (let at = 0; ;) {
      const length = readSync(spool, chunk, 0, chunk.length, at);
      if (length === 0) break;
      writeBytes(chunk.subarray(0, length));
      at += length;
    }
    this.discard();
  }

  discard(): void {
    if (this.#spool !== undefined) closeSync(this.#spool);
    this.#spool = undefined;
  }
}

/** Room on the disk that the store is on, where the backup goes there too. */
class DiskRoom {
  readonly #directory: string | undefined;
  #sinceLook = lookedAtEvery;

  constructor(directory: string, storePath: string) {
    const isSame = statSync(directory).dev === statSync(path.dirname(storePath)).dev;
    // The store's, since the owner of the store may not see the other.
    this.#directory = isSame ? path.dirname(storePath) : undefined;
  }

  /** Throws CliError where the store would be left without. */
  take(bytes: number): void {
    if (this.#directory === undefined) return;
    this.#sinceLook += bytes;
    if (this.#sinceLook < lookedAtEvery) return;
    this.#sinceLook = 0;
    const { bavail, bsize } = statfsSync(this.#directory);
    if (bavail * bsize > keptFree + lookedAtEvery) return;
    throw new CliError(
      'output',
      'the disk of the store has no room for a backup: the node needs what is left',
      'a file on another disk, or room on this one (standard output needs room beside the store too, for all but the audit trail)',
    );
  }
}

function writeWhole(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at, bytes.length - at);
}
