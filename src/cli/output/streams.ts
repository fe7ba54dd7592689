import { fstatSync, fsyncSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { CliError } from './cli-error.ts';
import { systemReason } from '../../system-reason.ts';

/*
 * The one place where the command line writes. Every write is done when the call returns: there is no buffer that an end of
 * the process could lose, and what could not be written is an error where it happened, as `console.log` and
 * `process.stdout.write` are not.
 */

/** What was to be printed was not, or not whole. */
export class OutputError extends CliError {
  /** Of the system, such as `ENOSPC`. */
  readonly code: string;
  /** Whoever reads has what they wanted: `holdfast … | head`. */
  readonly closedPipe: boolean;

  constructor(cause: unknown) {
    const reason = systemReason(cause);
    super(
      'output',
      `standard output cannot be written: ${reason.words}; what was printed is not whole`,
      'room, or another place for the output; then the command again, where it only looks',
      cause,
    );
    this.name = 'OutputError';
    this.code = reason.code;
    this.closedPipe = reason.code === 'EPIPE';
  }
}

/** What is asked of a terminal. */
export interface Terminal {
  /** Characters in a line. */
  columns: number;
  /** It shows colours, and nobody has set NO_COLOR. */
  hasColours: boolean;
}

/** Where text goes; a test that runs commands in its own process gives others. Throws what the system says. */
export interface Sinks {
  out: (text: string) => void;
  err: (text: string) => void;
  /** Undefined where standard output is no terminal. */
  terminal: () => Terminal | undefined;
}

const descriptors: Sinks = {
  out: (text) => writeAll(1, text),
  err: (text) => writeAll(2, text),
  terminal: () => {
    if (!isatty(1)) return undefined;
    const { stdout } = process;
    return { columns: stdout.columns ?? usualColumns, hasColours: stdout.hasColors() };
  },
};

/** Of a terminal that does not say. */
const usualColumns = 80;

let sinks = descriptors;
let outWritten = false;
let errFailed = false;

/** Returns what there was before. */
export function useSinks(others: Sinks): Sinks {
  const before = sinks;
  sinks = others;
  return before;
}

/** Text to standard output as it is. Throws OutputError. */
export function write(text: string): void {
  try {
    sinks.out(text);
  } catch (error) {
    throw new OutputError(error);
  }
  outWritten = true;
}

/** Bytes to standard output, for what is no text for a terminal. Throws OutputError. */
export function writeBytes(bytes: Buffer): void {
  if (sinks !== descriptors) return write(bytes.toString('utf8'));
  try {
    writeAll(1, bytes);
  } catch (error) {
    throw new OutputError(error);
  }
  outWritten = true;
}

/** A line to standard output: what the command was asked for. Throws OutputError. */
export function print(line: string): void {
  write(`${line}\n`);
}

/** A line to standard error, about what is done. That it cannot be written stops nothing; the exit code tells it. */
export function note(line: string): void {
  ask(`${line}\n`);
}

/** As {@link note}, without an end of line: a question. */
export function ask(text: string): void {
  try {
    sinks.err(text);
  } catch {
    errFailed = true;
  }
}

/** Whether something that was to be said on standard error was not. */
export function isErrorOutputLost(): boolean {
  return errFailed;
}

/**
 * Sees to it that what was printed into a file is on its disk: a file system may find only then that there is no room
 * (quotas, NFS, delayed allocation). Throws OutputError.
 */
export function flush(): void {
  if (!outWritten || sinks !== descriptors) return;
  try {
    if (fstatSync(1).isFile()) fsyncSync(1);
  } catch (error) {
    throw new OutputError(error);
  }
}

/** The terminal that standard output is; undefined where it is none. COLUMNS goes before what it says of itself. */
export function terminal(): Terminal | undefined {
  const found = sinks.terminal();
  const told = Number(process.env['COLUMNS']);
  return found !== undefined && Number.isInteger(told) && told > 0 ? { ...found, columns: told } : found;
}

const still = new Int32Array(new SharedArrayBuffer(4));

/** Waits for a slow reader where somebody has made the pipe non-blocking: EAGAIN is no failure. */
function writeAll(descriptor: number, text: string | Buffer): void {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  for (let at = 0; at < bytes.length;)
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(still, 0, 0, 5);
    }
}
