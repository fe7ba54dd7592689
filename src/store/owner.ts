import { statSync } from 'node:fs';
import path from 'node:path';
import { codeOf, StoreError } from './store-error.ts';

/*
 * What root does with a node's files. Whoever owns a directory can put a link, or another file, in the place of any file in it
 * between two calls of ours; SQLite, which knows files by their paths, follows. So root does nothing there that the owner could
 * not do: it goes on as the owner before the first of the files is touched.
 */

/** Who has a node's directories. */
export interface Owner {
  uid: number;
  gid: number;
  /** By which that is known. */
  directory: string;
}

/**
 * Who has these directories, or those in which they are to be made, where this process is root's and they are not. Throws
 * StoreError where they have different owners.
 */
export function ownerOf(directories: readonly string[]): Owner | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const [owner, ...others] = directories.map(nearest).filter(({ uid }) => uid !== 0);
  const another = others.find(({ uid }) => uid !== owner?.uid);
  if (owner !== undefined && another !== undefined)
    throw new StoreError(
      'not-permitted',
      `${owner.directory} belongs to user ${owner.uid}, ${another.directory} to user ${another.uid}`,
      'give both to the user that the service runs as (chown)',
    );
  return owner;
}

/** Goes on as their owner for the rest of this process's life, its children too. Undefined where nothing changes. */
export function becomeOwner(directories: readonly string[]): Owner | undefined {
  const owner = ownerOf(directories);
  if (owner === undefined) return undefined;
  takeGroups(owner);
  process.setgid?.(owner.gid);
  process.setuid?.(owner.uid);
  return owner;
}

/**
 * Runs `work` with the owner's rights; afterwards this process has its own again. For what starts no program that minds who
 * its real user is.
 */
export async function asOwner<T>(directories: readonly string[], work: () => Promise<T>): Promise<T> {
  const owner = ownerOf(directories);
  if (owner === undefined) return work();
  const groups = process.getgroups?.() ?? [];
  takeGroups(owner);
  process.setegid?.(owner.gid);
  process.seteuid?.(owner.uid);
  try {
    return await work();
  } finally {
    regainRoot();
    process.setegid?.(process.getgid?.() ?? 0);
    process.setgroups?.(groups);
  }
}

/** In the middle of {@link asOwner}: for what cleans up as the process ends. */
export function regainRoot(): void {
  if (process.getuid?.() === 0) process.seteuid?.(0);
}

/** Those of the user, as HSMs ask for (nfast, hsmusers); a user id without a name has the directory's alone. */
function takeGroups({ uid, gid }: Owner): void {
  try {
    // Node's own types lack it (process.initgroups(user, extraGroup)).
    (process as { initgroups?: (user: number, group: number) => void }).initgroups?.(uid, gid);
  } catch (error) {
    if (codeOf(error) !== 'ERR_UNKNOWN_CREDENTIAL') throw error;
    process.setgroups?.([gid]);
  }
}

function nearest(directory: string): Owner {
  const facts = statSync(directory, { throwIfNoEntry: false });
  if (facts === undefined) return nearest(path.dirname(directory));
  return { uid: facts.uid, gid: facts.gid, directory };
}
