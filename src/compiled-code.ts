import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { holdersOf } from './path-holders.ts';

/*
 * Node keeps code as it has compiled it (NODE_COMPILE_CACHE) and runs it in the place of ours, with no more of a check than a
 * CRC. So what may be written by a process that faces the network, or by whoever took it over, is never such a place: it
 * would run in token hosts, which have the PIN, and in the next worker before that is confined.
 */

/**
 * The directory, where a worker of this user may have it: Node reads from none that the process may not write by its
 * permissions, so nothing but root's ownership of everything in it keeps a worker from writing it. Undefined for root's own
 * workers, and wherever anybody but root may write.
 */
export function compiledCodeForWorkers(
  directory: string | undefined,
  user = process.geteuid?.(),
): string | undefined {
  if (directory === undefined || user === undefined || user === 0) return undefined;
  const absolute = path.resolve(directory);
  try {
    const within = readdirSync(absolute, { recursive: true, encoding: 'utf8' });
    const isRoots = holdersOf(absolute).length === 0;
    return isRoots && within.every((name) => isRootsAlone(path.join(absolute, name))) ? absolute : undefined;
  } catch {
    // It is not there, and would be made by whoever runs us, or it is not to be read.
    return undefined;
  }
}

function isRootsAlone(file: string): boolean {
  const facts = lstatSync(file);
  return facts.uid === 0 && (facts.mode & 0o022) === 0 && !facts.isSymbolicLink();
}
