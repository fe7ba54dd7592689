import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty } from 'node:tty';
import { monotonicNow } from './clock.ts';

/** How much may wait for a reader, bytes: at 1,800 requests a second some four seconds. */
const defaultCapacity = 4 * 1024 * 1024;
/** What a piece takes besides its text, bytes: many short ones must not be free. */
const overhead = 64;
/** Written at a time, bytes; what a pipe holds. */
const largestWrite = 64 * 1024;
/**
 * What is written waits so long for more, milliseconds: each write to the system has a thread woken, which is a good part of what a
 * log line costs.
 */
const gathering = 5;
/** Pauses before another try: of a reader that stands still, and of an output that fails; milliseconds. */
const stillPause = 50;
const firstPause = 100;
const maxPause = 1_000;
/** What a process that ends still waits for its reader, milliseconds. */
const lastTimeout = 200;

/** What an output did not take, told once it takes something again. */
export interface Loss {
  /** Pieces, as they were given to {@link OutputSink.write}. */
  dropped: number;
  bytes: number;
  /** From the first of them on. */
  milliseconds: number;
  /** What the system said, such as `ENOSPC` or `EIO`; `EAGAIN` where a reader stood still. */
  code: string;
}

export interface SinkOptions {
  /** Bytes that may wait. */
  capacity?: number;
  /** Words for what was lost, written in its place. */
  tell: (loss: Loss) => string;
}

/**
 * Standard output or standard error of a process that must go on whatever becomes of them: a reader that stands still, a
 * full disk, a closed terminal. Writing never waits and never throws. What is not taken waits in a bounded buffer and is
 * tried again with pauses; what does not fit is dropped and counted, and told where it is missing once the output takes
 * something again. Nothing blocks in the kernel either: a thread that did would keep the process from ending.
 */
export class OutputSink {
  readonly #descriptor: number;
  readonly #capacity: number;
  readonly #tell: SinkOptions['tell'];
  #waiting: string[] = [];
  /** Bytes in `waiting`. */
  #held = 0;
  /** What is being written, and how far it is. */
  #current: Buffer | undefined;
  #at = 0;
  #inKernel = false;
  #isGathering = false;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #code = 'EAGAIN';
  #loss: { dropped: number; bytes: number; since: number } | undefined;

  constructor(descriptor: number, { capacity = defaultCapacity, tell }: SinkOptions) {
    this.#descriptor = withoutWaiting(descriptor);
    this.#capacity = capacity;
    this.#tell = tell;
    process.on('exit', () => this.#lastWords());
  }

  /** Text, best whole lines: what is dropped is dropped as it came here. */
  write(text: string): void {
    const bytes = text.length + overhead;
    // Only once there is room for more than a line: one gap, not hundreds.
    const maxHeld = this.#loss === undefined ? this.#capacity - bytes : this.#capacity / 2;
    if (this.#held > maxHeld) {
      this.#loss ??= { dropped: 0, bytes: 0, since: monotonicNow() };
      this.#loss.dropped++;
      this.#loss.bytes += text.length;
      return;
    }
    this.#tellLoss();
    this.#waiting.push(text);
    this.#held += bytes;
    this.#pumpSoon();
  }

  /** Whatever another process prints. Resolves once that has ended. */
  async forward(stream: Readable | null): Promise<void> {
    if (stream === null) return;
    stream.setEncoding('utf8').on('data', (text: string) => this.write(text));
    stream.on('error', () => undefined);
    await new Promise((resolve) => void stream.once('close', resolve));
  }

  #tellLoss(): void {
    if (this.#loss === undefined) return;
    const { since, ...lost } = this.#loss;
    this.#loss = undefined;
    const words = this.#tell({ ...lost, milliseconds: Math.round(monotonicNow() - since), code: this.#code });
    this.#waiting.push(words);
    this.#held += words.length + overhead;
  }

  #pumpSoon(): void {
    if (this.#held >= largestWrite) return this.#pump();
    if (this.#isGathering) return;
    this.#isGathering = true;
    setTimeout(() => {
      this.#isGathering = false;
      this.#pump();
    }, gathering).unref();
  }

  #pump(): void {
    if (this.#inKernel || this.#retry !== undefined) return;
    this.#current ??= this.#next();
    if (this.#current === undefined) return;
    this.#inKernel = true;
    write(this.#descriptor, this.#current, this.#at, (error, written) => {
      this.#inKernel = false;
      if (error === null) this.#took(written);
      else this.#failed(error.code ?? 'unknown');
    });
  }

  #next(): Buffer | undefined {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && bytes < largestWrite) bytes += this.#waiting[count++]?.length ?? 0;
    if (count === 0) return undefined;
    this.#held -= bytes + count * overhead;
    this.#at = 0;
    return Buffer.from(this.#waiting.splice(0, count).join(''));
  }

  #took(written: number): void {
    this.#failures = 0;
    this.#at += written;
    if (this.#at >= (this.#current?.length ?? 0)) this.#current = undefined;
    if (this.#held <= this.#capacity / 2) this.#tellLoss();
    this.#pump();
  }

  #failed(code: string): void {
    this.#code = code;
    const pause =
      code === 'EAGAIN' ? stillPause : Math.min(maxPause, firstPause * 2 ** Math.min(this.#failures++, 8));
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#pump();
    }, pause).unref();
  }

  /** The process ends: what waits is written as far as it is taken without much waiting. */
  #lastWords(): void {
    const until = monotonicNow() + lastTimeout;
    // What is in the kernel gets there by itself: the process waits for its threads.
    if (this.#inKernel) this.#current = undefined;
    this.#tellLoss();
    for (
      let left = (this.#current ??= this.#next());
      left !== undefined;
      left = this.#current ??= this.#next()
    )
      try {
        this.#at += writeSync(this.#descriptor, left, this.#at);
        if (this.#at >= left.length) this.#current = undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || monotonicNow() > until) return;
        Atomics.wait(still, 0, 0, 5);
      }
  }
}

const still = new Int32Array(new SharedArrayBuffer(4));
/** They close their descriptor when they are collected. */
const kept: Socket[] = [];

/**
 * A descriptor of the same output on which no write waits for a reader. Pipes and terminals are opened anew, so that what
 * we set is not set for whoever else has them; a socket, such as the journal's, and what belongs to another user, cannot
 * be. A file keeps its descriptor, since the position in it is shared.
 */
function withoutWaiting(descriptor: number): number {
  try {
    const stat = fstatSync(descriptor);
    const isPipe = stat.isFIFO();
    if (isPipe || isatty(descriptor))
      try {
        const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
        return openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
      } catch {
        // Another user's, without a reader, or no /proc.
      }
    if (isPipe || stat.isSocket()) kept.push(nonBlocking(descriptor));
  } catch {
    // Closed, or nothing that could be told apart: each write tells.
  }
  return descriptor;
}

/** Node makes a descriptor non-blocking once a stream has it. */
function nonBlocking(descriptor: number): Socket {
  const socket = new Socket({ fd: descriptor, readable: false, writable: true });
  socket.on('error', () => undefined);
  return socket.unref();
}

let errorOutput: OutputSink | undefined;

/** Standard error of this process, for what it does not print by a command's own words. */
export function standardError(): OutputSink {
  errorOutput ??= new OutputSink(2, {
    tell: ({ bytes, code }) => `\nholdfast: ${bytes} bytes of standard error were dropped here (${code})\n`,
  });
  return errorOutput;
}
