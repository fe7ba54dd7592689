import { existsSync, realpathSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { holdersOf } from '../path-holders.ts';
import { codeOf, StoreError } from './store-error.ts';

/*
 * What root does with a node's files. Whoever owns a directory can put a link, or another file, in the place of any file in it
 * between two calls of ours; SQLite, which knows files by their paths, follows. So root does nothing there that the owner could
 * not do: it goes on as the owner before the first of the files is touched. Whoever has a directory above, or a link on the
 * way, can do the same with a directory of root's in it.
 */

/** Who has a node's directories. */
export interface Owner {
  uid: number;
  gid: number;
  /** By which that is known. */
  directory: string;
}

/**
 * Who has these directories, or those in which they are, where this process is root's and they are not. Throws StoreError
 * where they have different owners, and where others than root may write, as whom root cannot go on.
 */
function ownerOf(directories: readonly string[]): Owner | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const [owner, ...others] = directories.map(holderOf).filter((one) => one !== undefined);
  const another = others.find(({ uid }) => uid !== owner?.uid);
  if (owner !== undefined && another !== undefined)
    throw new StoreError(
      'not-permitted',
      `${owner.directory} belongs to user ${owner.uid}, ${another.directory} to user ${another.uid}`,
      'give both to the user that the service runs as (chown)',
    );
  return owner;
}

/** Why a node that goes on as root is in danger from whoever has these directories, and the way out. */
export function dangerOfRoot(directories: readonly string[]): string | undefined {
  try {
    const owner = ownerOf(directories);
    if (owner === undefined) return undefined;
    return `${owner.directory} belongs to user ${owner.uid}, who can have it open files of root's: run it as that user`;
  } catch (error) {
    if (error instanceof StoreError) return `${error.message}: ${error.remediation}`;
    throw error;
  }
}

/** Goes on as their owner for the rest of this process's life, its children too. Undefined where nothing changes. */
export function becomeOwner(directories: readonly string[]): Owner | undefined {
  const owner = ownerOf(directories);
  if (owner === undefined) return undefined;
  becoming(owner, () => {
    takeGroups(owner);
    process.setgid?.(owner.gid);
    process.setuid?.(owner.uid);
  });
  takeHome();
  return owner;
}

/**
 * Modules and the AWS SDK read files of the home directory, and root's is not this user's. Without an entry in passwd it is `/`, as
 * containers have it.
 */
function takeHome(): void {
  for (const name of Object.keys(process.env).filter((one) => one.startsWith('XDG_')))
    delete process.env[name];
  let user: { username?: string; homedir: string } = { homedir: '/' };
  try {
    user = userInfo();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ERR_SYSTEM_ERROR') throw error;
  }
  process.env['HOME'] = user.homedir;
  for (const name of ['USER', 'LOGNAME']) {
    if (user.username === undefined) delete process.env[name];
    else process.env[name] = user.username;
  }
}

/**
 * Runs `work` with the owner's rights; afterwards this process has its own again. For what starts no program that minds who
 * its real user is.
 */
export async function asOwner<T>(directories: readonly string[], work: () => Promise<T>): Promise<T> {
  const owner = ownerOf(directories);
  if (owner === undefined) return work();
  const groups = process.getgroups?.() ?? [];
  const regain = (): void => {
    regainRoot();
    process.setegid?.(process.getgid?.() ?? 0);
    process.setgroups?.(groups);
  };
  try {
    becoming(owner, () => {
      takeGroups(owner);
      process.setegid?.(owner.gid);
      process.seteuid?.(owner.uid);
    });
  } catch (error) {
    try {
      regain();
    } catch {
      // It takes the same right, without which nothing had changed.
    }
    throw error;
  }
  try {
    return await work();
  } finally {
    regain();
  }
}

/** Root without CAP_SETUID and CAP_SETGID, as in a container that drops all, can become nobody. */
function becoming(owner: Owner, become: () => void): void {
  try {
    become();
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error;
    throw new StoreError(
      'not-permitted',
      `${owner.directory} belongs to user ${owner.uid}, and root may not go on as another user here (EPERM)`,
      `run it as user ${owner.uid}, in a container by docker exec -u ${owner.uid}`,
      error,
    );
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

/** The nearest who is not root, of all that are on the way. */
function holderOf(directory: string): Owner | undefined {
  const holders = holdersOf(directory);
  const owner = holders.findLast(({ uid }) => uid !== 0);
  if (owner !== undefined) return { uid: owner.uid, gid: owner.gid, directory: owner.file };
  // Of itself, or where it is to be made: above there are file systems that are everybody's as a whole.
  const open = holders.find(({ file }) => file === nearest(directory));
  if (open === undefined) return undefined;
  const who = open.writable === 'by-group' ? `group ${open.gid}` : 'every user';
  throw new StoreError(
    'not-permitted',
    `${open.file} belongs to root, but ${who} may put other files in the place of those of the node`,
    `run it as the user that the service runs as, or take that right away: chmod go-w ${open.file}`,
  );
}

/** What is there of it, without links. */
function nearest(directory: string): string {
  return existsSync(directory) ? realpathSync(directory) : nearest(path.dirname(directory));
}
