import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';
import type { AuditEvent } from './event.ts';

/*
 * The form of an archive of the audit trail: JSON lines, each canonical (RFC 8785) with a line feed after it. A header, the
 * events by time and then by sequence, a trailer with what the lines before it come to. Who has the file alone can tell
 * whether it is whole and as it was written.
 */

export const archiveVersion = 1;

export interface Place {
  sequence: number;
  at: string;
}

export interface ArchiveHeader {
  format: 'holdfast-audit-archive';
  version: number;
  /** The node that it was copied from. */
  node: { id: string; version: string };
  /** Whose trail it is; null for that of the appliance. */
  vault: { id: string; name: string } | null;
  /** Events from this moment on, null for the beginning, and before the other. */
  from: string | null;
  before: string;
  /** By the clock of who made it. */
  madeAt: string;
  /** Signed checkpoints of the trail (C2SP tlog-checkpoint) as they were then; none by a node that makes none. */
  checkpoints: string[];
}

export interface ArchiveTrailer {
  format: 'holdfast-audit-archive-end';
  count: number;
  first: Place | null;
  last: Place | null;
  /** SHA-256 of the lines of the events: what a node is asked to prune by. */
  eventsSha256: string;
  /** SHA-256 of all lines before this one. */
  sha256: string;
}

/** What the lines of an archive come to, taken in order. */
export class ArchiveSums {
  count = 0;
  first: Place | null = null;
  last: Place | null = null;
  readonly #events = createHash('sha256');
  readonly #all = createHash('sha256');

  addHeader(line: string | Buffer): void {
    this.#all.update(line);
  }

  /** False where it does not come after the one before. */
  addEvent({ at, sequence }: AuditEvent, line: string | Buffer): boolean {
    const { last } = this;
    if (last !== null && !(last.at < at || (last.at === at && last.sequence < sequence))) return false;
    this.last = { at, sequence };
    this.first ??= this.last;
    this.count++;
    this.#events.update(line);
    this.#all.update(line);
    return true;
  }

  /** Of the lines so far. */
  trailer(): ArchiveTrailer {
    const { count, first, last } = this;
    const [eventsSha256, sha256] = [this.#events, this.#all].map((hash) => hash.copy().digest('hex'));
    return {
      ...{ format: 'holdfast-audit-archive-end', count, first, last },
      ...{ eventsSha256: eventsSha256 ?? '', sha256: sha256 ?? '' },
    };
  }
}

export function lineOf(record: ArchiveHeader | ArchiveTrailer): string {
  return `${canonicalJson(record)}\n`;
}

/** The header of an archive; undefined for a line that is none. Members that later versions add are let through. */
export function readHeader(line: string): ArchiveHeader | undefined {
  const header = parse(line) as Partial<ArchiveHeader> | undefined;
  if (header?.format !== 'holdfast-audit-archive' || typeof header.version !== 'number') return undefined;
  const { vault, from, before, node } = header;
  const isWhole =
    typeof before === 'string' &&
    (from === null || typeof from === 'string') &&
    (vault === null || (typeof vault === 'object' && typeof vault.id === 'string')) &&
    typeof node === 'object' &&
    Array.isArray(header.checkpoints);
  return isWhole ? (header as ArchiveHeader) : undefined;
}

/** An event of an archive; undefined for a line that is none, or not as we write it. */
export function readEvent(line: string): AuditEvent | undefined {
  const event = parse(line) as Partial<AuditEvent> | undefined;
  return typeof event?.at === 'string' && Number.isSafeInteger(event.sequence)
    ? (event as AuditEvent)
    : undefined;
}

/** A line in canonical form that is an object, its line feed included. */
function parse(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return undefined;
    return `${canonicalJson(value)}\n` === line ? value : undefined;
  } catch {
    return undefined;
  }
}
