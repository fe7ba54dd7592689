import type { Stats } from 'node:fs';

/** A process, as far as the modes of files are about it. */
export interface Reader {
  uid: number;
  gids: ReadonlySet<number>;
}

/** Of inode(7). */
const fileType = 0o170_000;
const directory = 0o040_000;

export function thisProcess(): Reader {
  const own = [process.getgid?.(), process.getegid?.(), ...(process.getgroups?.() ?? [])];
  return { uid: process.geteuid?.() ?? 0, gids: new Set(own.filter((gid) => gid !== undefined)) };
}

/** What is wrong with the mode of a file that holds a secret, or of a directory with such files. */
export interface Opening {
  /** Such as `group or others may use it (mode 0644)`. */
  problem: string;
  remediation: string;
}

/**
 * Who but `reader` may use a file with a secret, undefined where nobody may: it is closed to group and others. So is one
 * of root's that a group of the reader's may read, and no more: Kubernetes mounts secrets so where a pod has an fsGroup
 * (root, that group, 0440), and the pod can change neither owner nor mode.
 */
export function openingOf(
  file: string,
  { mode, uid, gid }: Pick<Stats, 'mode' | 'uid' | 'gid'>,
  reader = thisProcess(),
): Opening | undefined {
  if ((mode & 0o077) === 0) return undefined;
  const canBeClosed = uid === reader.uid && (mode & 0o200) !== 0;
  const groupReadsOnly = (mode & 0o077) === 0o040;
  if (groupReadsOnly && uid === 0 && reader.gids.has(gid) && !canBeClosed) return undefined;
  return {
    problem: `group or others may use it (mode ${(mode & 0o777).toString(8).padStart(4, '0')})`,
    remediation:
      uid === reader.uid
        ? `chmod ${(mode & fileType) === directory ? '0700' : '0600'} ${file}`
        : 'mode 0600 and the owner who uses it; or root’s, 0440, with a group of theirs (docs/kubernetes.md)',
  };
}
