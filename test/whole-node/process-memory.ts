import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** The largest piece read at once, bytes. */
const piece = 4 * 1024 * 1024;
/** x86-64, and AArch64 as Debian builds it. */
const pageSize = 4096;

interface Region {
  from: number;
  to: number;
}

/** Files that a process has mapped: libraries, among others. */
export function mappedFiles(pid: number): string[] {
  const files = readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .map((line) => line.split(/ +/).slice(5).join(' '))
    .filter((name) => name.startsWith('/'));
  return [...new Set(files)];
}

/** How often each of `needles` stands in the readable and writable memory of a process, and how much was read. */
export function searchMemory<Name extends string>(
  pid: number,
  needles: Record<Name, Buffer>,
): { found: Record<Name, number>; bytes: number } {
  const names = Object.keys(needles) as Name[];
  const found = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  const overlap = Math.max(...names.map((name) => needles[name].length)) - 1;
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const pages = openSync(`/proc/${pid}/pagemap`, 'r');
  const chunk = Buffer.alloc(piece);
  let bytes = 0;
  try {
    for (const { from, to } of writableRegions(pid).flatMap((region) => touched(pages, region)))
      // The next piece begins where a needle that was cut off by the end of this one would.
      for (let at = from; at < to; at += piece - overlap) {
        const length = readAt(memory, chunk, at, Math.min(piece, to - at));
        const read = chunk.subarray(0, length);
        bytes += length;
        for (const name of names) found[name] += occurrences(read, needles[name]);
        if (at + length >= to || length === 0) break;
      }
  } finally {
    closeSync(memory);
    closeSync(pages);
  }
  return { found, bytes };
}

/** The parts of a region that were ever written, by the kernel's page map: V8 reserves far more than it uses. */
function touched(pages: number, { from, to }: Region): Region[] {
  const entries = Buffer.alloc(((to - from) / pageSize) * 8);
  const length = readAt(pages, entries, (from / pageSize) * 8, entries.length);
  const parts: Region[] = [];
  for (let at = 0; at < length; at += 8) {
    // Bit 63: in memory; bit 62: swapped out (Linux, admin-guide/mm/pagemap).
    if (((entries[at + 7] ?? 0) & 0xc0) === 0) continue;
    const page = from + (at / 8) * pageSize;
    const last = parts.at(-1);
    if (last?.to === page) last.to += pageSize;
    else parts.push({ from: page, to: page + pageSize });
  }
  return parts;
}

/** Resident memory, bytes. */
export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

function writableRegions(pid: number): Region[] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .map((line) => /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line))
    .filter((match) => match !== null)
    .map(([, from, to]) => ({ from: Number.parseInt(from ?? '', 16), to: Number.parseInt(to ?? '', 16) }));
}

/** Less than `length` where the region has gone meanwhile or cannot be read, such as the kernel's own pages. */
function readAt(file: number, into: Buffer, at: number, length: number): number {
  try {
    return readSync(file, into, 0, length, at);
  } catch {
    return 0;
  }
}

function occurrences(haystack: Buffer, needle: Buffer): number {
  let count = 0;
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + 1)) count++;
  return count;
}
