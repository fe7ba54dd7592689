import { createHash, timingSafeEqual } from 'node:crypto';
import {
  BackupError,
  line,
  readHeader,
  readMark,
  readRow,
  type BackupEnd,
  type BackupHeader,
  type TableHead,
  type Value,
} from './format.ts';

/** What stands in a backup, in order. */
export type BackupPart =
  | { kind: 'header'; header: BackupHeader }
  | { kind: 'table'; head: TableHead }
  | { kind: 'row'; row: Value[] }
  | { kind: 'end'; end: BackupEnd };

/** More than any row of ours has; a file without line ends is not read into memory whole. */
const maxLineLength = 64 * 1024 * 1024;

/**
 * Reads a backup part by part, some at a time. The last of them, the end, comes only when the digest is right and nothing
 * stands after it: until then nothing of it may be believed. Throws BackupError.
 */
export async function* readBackup(
  source: AsyncIterable<Buffer>,
): AsyncGenerator<BackupPart[], void, undefined> {
  const hash = createHash('sha256');
  let number = 0;
  let end: BackupEnd | undefined;
  const counts = new Counts();
  for await (const lines of linesOf(source)) {
    const parts: BackupPart[] = [];
    for (const bytes of lines) {
      number++;
      if (end !== undefined) throw altered('something stands after its end');
      const part = partOf(bytes, number);
      if (part.kind === 'end') {
        ({ end } = part);
        if (!timingSafeEqual(hash.digest(), Buffer.from(end.sha256, 'hex')))
          throw altered('its digest is another');
        // The one line that the digest does not cover says nothing but what the others come to.
        if (bytes.toString('utf8') !== line({ end: true, rows: counts.rows, sha256: end.sha256 }))
          throw altered('it has other rows than it says');
      } else {
        counts.take(part);
        hash.update(bytes);
        parts.push(part);
      }
    }
    yield parts;
  }
  if (end === undefined)
    throw new BackupError(
      number === 0 ? 'the backup is empty' : `the backup is cut off: it has no end after line ${number}`,
      'another copy of it, or the backup before it',
    );
  yield [{ kind: 'end', end }];
}

/** How many rows each table has, as they come. */
class Counts {
  readonly rows: Record<string, number> = {};
  #table = '';

  take(part: BackupPart): void {
    if (part.kind === 'table') this.rows[(this.#table = part.head.table)] = 0;
    else if (part.kind === 'row') this.rows[this.#table] = (this.rows[this.#table] ?? 0) + 1;
  }
}

function partOf(bytes: Buffer, number: number): BackupPart {
  const text = bytes.toString('utf8');
  if (number === 1) return { kind: 'header', header: readHeader(text) };
  try {
    return text.startsWith('[') ? { kind: 'row', row: readRow(text) } : readMark(text);
  } catch (error) {
    throw altered(`line ${number} is no line of a backup`, error);
  }
}

/** With their line ends, those of a chunk together; what comes after the last line end is a line that was cut off. */
async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer[], void, undefined> {
  let rest: Buffer[] = [];
  let length = 0;
  for await (const chunk of source) {
    const lines: Buffer[] = [];
    let from = 0;
    for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, from)) {
      const piece = chunk.subarray(from, at + 1);
      lines.push(rest.length === 0 ? piece : Buffer.concat([...rest, piece]));
      rest = [];
      length = 0;
      from = at + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > maxLineLength) throw altered('a line of it has no end');
    yield lines;
  }
  if (length > 0)
    throw new BackupError(
      'the backup is cut off in the middle of a line',
      'another copy of it, or the backup before it',
    );
}

function altered(how: string, cause?: unknown): BackupError {
  return new BackupError(
    `the backup was altered or damaged: ${how}`,
    'another copy of it, or the backup before it; find out what became of this one',
    cause,
  );
}
