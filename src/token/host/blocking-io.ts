import { readSync, writeSync } from 'node:fs';

/*
 * Blocking reads and writes of a token host. A vendor's module lives in the same process: its timers and signal handlers
 * may interrupt a system call (EINTR), and what it does to descriptors may make them non-blocking (EAGAIN). Neither says
 * anything about the other side.
 */

/** How long until the next try where there was nothing to read, or no room to write, milliseconds. */
const pause = 1;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** At least one byte, as many as there are; 0 where the other side has closed, whether it had read everything or not. */
export function readSome(fd: number, into: Uint8Array): number {
  return retried(() => readSync(fd, into, 0, into.length, null)) ?? 0;
}

/** False where the other side has closed: nobody is there who could read it. */
export function writeAll(fd: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length;) {
    const written = retried(() => writeSync(fd, bytes, at, bytes.length - at));
    if (written === undefined) return false;
    at += written;
  }
  return true;
}

/** To the end of the file. */
export function readToEnd(fd: number): Buffer {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.alloc(16 * 1024);
    const length = readSome(fd, chunk);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, length));
  }
}

/** Lines that come on `fd`, which nobody else reads: each is taken when it is asked for. */
export class LineReader {
  readonly #fd: number;
  /** What came after the last line. */
  #rest = Buffer.alloc(0);

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** The next one, without its end; undefined where the other side has closed. A line may have a secret, so it is not kept. */
  next(): string | undefined {
    for (;;) {
      const end = this.#rest.indexOf(0x0a);
      if (end >= 0) {
        const line = this.#rest.toString('utf8', 0, end);
        this.#rest.fill(0, 0, end);
        this.#rest = this.#rest.subarray(end + 1);
        return line;
      }
      const chunk = Buffer.alloc(16 * 1024);
      const length = readSome(this.#fd, chunk);
      if (length === 0) return undefined;
      const before = this.#rest;
      this.#rest = Buffer.concat([before, chunk.subarray(0, length)]);
      before.fill(0);
      chunk.fill(0);
    }
  }
}

/** Undefined where the other side has closed. */
function retried(run: () => number): number | undefined {
  for (;;) {
    try {
      return run();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ECONNRESET' || code === 'EPIPE') return undefined;
      if (code === 'EAGAIN') Atomics.wait(sleeper, 0, 0, pause);
      else if (code !== 'EINTR') throw error;
    }
  }
}
