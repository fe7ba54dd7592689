import { chunksOf, PackedError, type Bytes } from '../parts/file-chunks.ts';

/*
 * An archive of an audit trail, as `holdfast audit archive` writes it (src/evidence/archive.ts): JSON lines, a header, the
 * events, an end that says what the lines before it come to. What is asked of the node is a digest; here it is made sure that
 * the digest is that of a file which is whole, and as it was written.
 */

/** Mebibytes, not compressed: it is held in the memory of the page. The command line reads any. */
export const mostMebibytes = 256;

export interface Archive {
  /** Null for the trail of the appliance. */
  vault: { id: string; name: string } | null;
  /** Null for the beginning of the trail. */
  from: string | null;
  before: string;
  count: number;
  /** SHA-256 of the lines of the events. */
  sha256: string;
}

/** Why a file is no archive to prune by. */
export type Flaw = 'none' | 'end' | 'changed' | 'packed' | 'large' | 'newer' | 'empty';

export class ArchiveFlaw extends Error {
  readonly flaw: Flaw;

  constructor(flaw: Flaw) {
    super(flaw);
    this.name = 'ArchiveFlaw';
    this.flaw = flaw;
  }
}

const lineFeed = 10;

/** Throws ArchiveFlaw. */
export async function readArchive(file: Blob, most = mostMebibytes * 2 ** 20): Promise<Archive> {
  const bytes = await plainBytes(file, most);
  const headerEnd = bytes.indexOf(lineFeed) + 1;
  const header = headerEnd === 0 ? undefined : headerIn(bytes.subarray(0, headerEnd));
  if (header === undefined) throw new ArchiveFlaw('none');
  if (header.version !== 1) throw new ArchiveFlaw('newer');
  if (bytes.at(-1) !== lineFeed) throw new ArchiveFlaw('end');
  const endBegin = bytes.lastIndexOf(lineFeed, bytes.length - 2) + 1;
  const end = endBegin < headerEnd ? undefined : endIn(bytes.subarray(endBegin));
  if (end === undefined) throw new ArchiveFlaw('end');
  const events = bytes.subarray(headerEnd, endBegin);
  const isAsWritten =
    (await sha256(bytes.subarray(0, endBegin))) === end.sha256 &&
    (await sha256(events)) === end.eventsSha256 &&
    linesIn(events) === end.count;
  if (!isAsWritten) throw new ArchiveFlaw('changed');
  if (end.count === 0) throw new ArchiveFlaw('empty');
  const { vault, from, before } = header;
  return { vault, from, before, count: end.count, sha256: end.eventsSha256 };
}

async function plainBytes(file: Blob, most: number): Promise<Bytes> {
  const chunks: Bytes[] = [];
  let length = 0;
  try {
    for await (const chunk of chunksOf(file)) {
      length += chunk.length;
      if (length > most) throw new ArchiveFlaw('large');
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof PackedError ? new ArchiveFlaw('packed') : error;
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

interface Header {
  version: number;
  vault: Archive['vault'];
  from: string | null;
  before: string;
}

function headerIn(line: Bytes): Header | undefined {
  const { format, version, vault, from, before } = objectIn(line);
  if (format !== 'holdfast-audit-archive' || typeof version !== 'number') return undefined;
  if (typeof before !== 'string' || (from !== null && typeof from !== 'string')) return undefined;
  if (vault === null) return { version, vault, from, before };
  if (typeof vault !== 'object') return undefined;
  const { id, name } = vault as Partial<NonNullable<Archive['vault']>>;
  if (typeof id !== 'string' || typeof name !== 'string') return undefined;
  return { version, vault: { id, name }, from, before };
}

function endIn(line: Bytes): { count: number; eventsSha256: string; sha256: string } | undefined {
  const { format, count, eventsSha256, sha256: all } = objectIn(line);
  if (format !== 'holdfast-audit-archive-end' || typeof count !== 'number') return undefined;
  if (typeof eventsSha256 !== 'string' || typeof all !== 'string') return undefined;
  return { count, eventsSha256, sha256: all };
}

/** Empty for a line that is no object. */
function objectIn(line: Bytes): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf8', { fatal: true }).decode(line));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function linesIn(bytes: Bytes): number {
  let lines = 0;
  for (const byte of bytes) if (byte === lineFeed) lines++;
  return lines;
}

async function sha256(bytes: Bytes): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
