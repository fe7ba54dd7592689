import { closeSync, fsyncSync, ftruncateSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { CliError } from '../output/cli-error.ts';
import { systemReason } from '../../system-reason.ts';

/** More than any secret of ours takes, with what stands around it. */
const room = 16_384;

/** A file could not be made or written. */
export class FileOutputError extends CliError {
  constructor(file: string, cause: unknown) {
    super(
      'output',
      `${file} cannot be written: ${systemReason(cause).words}`,
      'room or permission there, or another place',
      cause,
    );
    this.name = 'FileOutputError';
  }
}

/**
 * A file of mode 0600 that is there, has its room on the disk and is empty of meaning: what goes into it comes from a request
 * that cannot be repeated, and whether the file can be written is to be known before.
 */
export class ReservedFile {
  readonly file: string;
  readonly #descriptor: number;
  #isFilled = false;

  private constructor(file: string, descriptor: number) {
    this.file = file;
    this.#descriptor = descriptor;
  }

  /** Throws CliError where there is such a file already, FileOutputError where it cannot be made. */
  static make(file: string): ReservedFile {
    let descriptor: number;
    try {
      descriptor = openSync(file, 'wx', 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST')
        throw new CliError('conflict', `${file} exists already`, 'name another file, or remove it');
      throw new FileOutputError(file, error);
    }
    const reserved = new ReservedFile(file, descriptor);
    try {
      reserved.#write(Buffer.alloc(room));
      return reserved;
    } catch (error) {
      reserved.close();
      throw error;
    }
  }

  get isFilled(): boolean {
    return this.#isFilled;
  }

  /** Puts `text` in, to the disk. Throws FileOutputError. */
  fill(text: string): void {
    this.#write(Buffer.from(text));
    this.#isFilled = true;
  }

  /** Gives it another name, in the place of what had it. Throws FileOutputError. */
  rename(file: string): void {
    try {
      renameSync(this.file, file);
    } catch (error) {
      throw new FileOutputError(file, error);
    }
  }

  /** Lets go of it; takes it away where nothing was put in. */
  close(): void {
    closeSync(this.#descriptor);
    if (!this.#isFilled) rmSync(this.file, { force: true });
  }

  #write(bytes: Buffer): void {
    try {
      for (let at = 0; at < bytes.length;)
        at += writeSync(this.#descriptor, bytes, at, bytes.length - at, at);
      ftruncateSync(this.#descriptor, bytes.length);
      fsyncSync(this.#descriptor);
    } catch (error) {
      throw new FileOutputError(this.file, error);
    }
  }
}
