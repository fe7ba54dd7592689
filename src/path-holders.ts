import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import path from 'node:path';

/** Links on the way to a file, as Linux follows them at the most. */
const maxLinks = 40;

/** A file, directory or link on the way to a path, and who can put something else in the place of what is behind it. */
interface Holder {
  file: string;
  /** Its owner. */
  uid: number;
  gid: number;
  /** Who else may write it. */
  writable: 'by-group' | 'by-others' | undefined;
}

/**
 * Each step of the way to a path, links' targets too, that is not root's alone. A directory with the sticky bit lets others
 * make files in it, but replace none that is not theirs. Where the path ends early: those of what is there.
 */
export function holdersOf(file: string): Holder[] {
  return [...stepsTo(file)].flatMap(([step, { uid, gid, mode }, isLink]) => {
    const sticky = (mode & 0o1000) !== 0;
    const writable =
      isLink || sticky
        ? undefined
        : (mode & 0o002) !== 0
          ? 'by-others'
          : (mode & 0o020) !== 0
            ? 'by-group'
            : undefined;
    return uid === 0 && writable === undefined ? [] : [{ file: step, uid, gid, writable }];
  });
}

function* stepsTo(file: string): Generator<[file: string, facts: Stats, isLink: boolean]> {
  let at = '/';
  let rest = namesOf(path.resolve(file));
  yield [at, lstatSync(at), false];
  for (let links = 0; rest.length > 0;) {
    const [name = '', ...others] = rest;
    rest = others;
    const next = path.join(at, name);
    const facts = lstatSync(next, { throwIfNoEntry: false });
    if (facts === undefined) return;
    const isLink = facts.isSymbolicLink();
    yield [next, facts, isLink];
    if (!isLink) {
      at = next;
      continue;
    }
    if (++links > maxLinks) return;
    const target = readlinkSync(next);
    if (path.isAbsolute(target)) at = '/';
    rest = [...namesOf(target), ...rest];
  }
}

function namesOf(file: string): string[] {
  return file.split('/').filter((name) => name !== '');
}
