import { createReadStream } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { ArchiveSums, archiveVersion, lineOf, readEvent, readHeader } from '../../evidence/archive.ts';
import type { ArchiveHeader, ArchiveTrailer } from '../../evidence/archive.ts';
import { eventLine, type AuditEvent } from '../../evidence/event.ts';
import { syncToDisk } from '../../store/sqlite/sync-to-disk.ts';
import { systemReason } from '../../system-reason.ts';
import { CliError } from '../output/cli-error.ts';
import { beginsAsGzip } from './gzip.ts';
import { FileOutputError } from '../client/reserved-file.ts';

/** No line of ours is longer, bytes: what an event holds is bounded by the API. */
const maxLineLength = 16 * 2 ** 20;

/** A file is no whole archive, or not as it was written. */
export class ArchiveError extends CliError {
  constructor(
    file: string,
    problem: string,
    remediation = 'another copy of it; or archive anew, if the events are there still',
  ) {
    super('data', `${file}: ${problem}`, remediation);
    this.name = 'ArchiveError';
  }
}

/** What an archive on the disk holds, read and compared with what it says of itself. */
export interface Archive {
  header: ArchiveHeader;
  trailer: ArchiveTrailer;
}

/** A new file of mode 0600 for an archive: there before anything is asked for, and never in the place of another. */
export class ArchiveFile {
  readonly file: string;
  readonly #handle: FileHandle;

  private constructor(file: string, handle: FileHandle) {
    this.file = file;
    this.#handle = handle;
  }

  /** Throws CliError where there is such a file already, FileOutputError where it cannot be made. */
  static async reserve(file: string): Promise<ArchiveFile> {
    try {
      return new ArchiveFile(file, await open(file, 'wx', 0o600));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST')
        throw new CliError(
          'conflict',
          `${file} exists already`,
          `name another file. If an archiving was cut off: holdfast audit verify-archive ${file} says whether it is whole; then holdfast audit prune ${file} goes on, and otherwise remove it`,
        );
      throw new FileOutputError(file, error);
    }
  }

  /**
   * Writes header, events and trailer to the disk, and closes it. Takes the file away where that fails, or where there is
   * no event: answers undefined then. Throws FileOutputError, and whatever `pages` throws.
   */
  async write(
    header: ArchiveHeader,
    pages: AsyncIterable<AuditEvent[]>,
    gzip: boolean,
  ): Promise<ArchiveTrailer | undefined> {
    const sums = new ArchiveSums();
    let trailer: ArchiveTrailer | undefined;
    try {
      const lines = Readable.from(linesOf(header, pages, sums));
      const toDisk = async (chunks: AsyncIterable<Uint8Array | string>) => {
        for await (const chunk of chunks) await this.#handle.writeFile(chunk);
      };
      await (gzip ? pipeline(lines, createGzip(), toDisk) : pipeline(lines, toDisk));
      if (sums.count > 0) {
        trailer = sums.trailer();
        await this.#sync();
      }
    } catch (error) {
      throw error instanceof CliError ? error : new FileOutputError(this.file, error);
    } finally {
      await this.#handle.close();
      if (trailer === undefined) await rm(this.file, { force: true });
    }
    return trailer;
  }

  /** Takes it away again: nothing was put in. */
  async discard(): Promise<void> {
    await this.#handle.close();
    await rm(this.file, { force: true });
  }

  /** The file, and that it is there. */
  async #sync(): Promise<void> {
    await this.#handle.sync();
    syncToDisk(path.dirname(this.file));
  }
}

async function* linesOf(
  header: ArchiveHeader,
  pages: AsyncIterable<AuditEvent[]>,
  sums: ArchiveSums,
): AsyncGenerator<string> {
  const first = lineOf(header);
  sums.addHeader(first);
  yield first;
  for await (const page of pages) {
    const lines = page.map((event) => {
      const line = eventLine(event);
      if (!sums.addEvent(event, line))
        throw new CliError(
          'unreachable',
          `the API gave the event ${event.sequence} out of its order`,
          'see that one node alone answers at this endpoint, then archive again',
        );
      return line;
    });
    yield lines.join('');
  }
  yield lineOf(sums.trailer());
}

/** Reads an archive to its end and compares it with what it says of itself. Throws ArchiveError, or CliError. */
export async function verifyArchive(file: string): Promise<Archive> {
  const sums = new ArchiveSums();
  let header: ArchiveHeader | undefined;
  let number = 0;
  let held: Buffer | undefined;
  for await (const line of linesIn(file)) {
    // Which line is the last shows with the end.
    if (held !== undefined) {
      number++;
      if (header === undefined) header = headerIn(file, held, sums);
      else addEvent(file, number, held, sums, header);
    }
    held = line;
  }
  if (header === undefined) throw new ArchiveError(file, 'is no archive of an audit trail, or it is cut off');
  const trailer = sums.trailer();
  if (held?.toString('utf8') !== lineOf(trailer))
    throw new ArchiveError(
      file,
      held?.includes('"holdfast-audit-archive-end"') === true
        ? 'was changed since it was written: its lines are not what its end says of them'
        : 'is cut off: it has no end',
    );
  return { header, trailer };
}

function headerIn(file: string, line: Buffer, sums: ArchiveSums): ArchiveHeader {
  const header = readHeader(line.toString('utf8'));
  if (header === undefined) throw new ArchiveError(file, 'is no archive of an audit trail');
  if (header.version !== archiveVersion)
    throw new ArchiveError(
      file,
      `is an archive of form ${header.version}, which this version does not know`,
      'a newer holdfast',
    );
  sums.addHeader(line);
  return header;
}

function addEvent(
  file: string,
  number: number,
  line: Buffer,
  sums: ArchiveSums,
  header: ArchiveHeader,
): void {
  const event = readEvent(line.toString('utf8'));
  if (event === undefined) throw new ArchiveError(file, `line ${number} is no event, or was changed`);
  if (event.at >= header.before || event.at < (header.from ?? ''))
    throw new ArchiveError(file, `line ${number} is no event of its range`);
  if (!sums.addEvent(event, line)) throw new ArchiveError(file, `line ${number} is not in its order`);
}

/** The lines of a file that may be compressed, each with its line feed; the last may have none. */
async function* linesIn(file: string): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of await contentOf(file)) {
      let from = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        yield Buffer.concat([...rest, chunk.subarray(from, end + 1)]);
        [rest, length, from] = [[], 0, end + 1];
      }
      rest.push(chunk.subarray(from));
      length += chunk.length - from;
      if (length > maxLineLength) throw new ArchiveError(file, 'is no archive of an audit trail');
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code.startsWith('Z_') || code === 'ERR_TRAILING_JUNK_AFTER_STREAM_END')
      throw new ArchiveError(file, `its compression is broken, or it is cut off (${code})`);
    throw new CliError('notFound', `${file} cannot be read: ${systemReason(error).words}`, undefined, error);
  }
  if (length > 0) yield Buffer.concat(rest);
}

async function contentOf(file: string): Promise<AsyncIterable<Buffer>> {
  const isGzip = await beginsAsGzip(file);
  const plain = createReadStream(file, { highWaterMark: 256 * 1024 });
  if (!isGzip) return plain;
  const gunzip: Transform = createGunzip();
  plain.on('error', (error) => gunzip.destroy(error));
  return plain.pipe(gunzip);
}
