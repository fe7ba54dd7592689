import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { codeOf, StoreError } from '../store-error.ts';
import { reservePath } from './space-reserve.ts';
import { restoreIt, storeError } from '../store-faults.ts';

/** What SQLite keeps beside a database, and plays into whichever file has its name when it is opened. */
export const companions = ['-wal', '-shm', '-journal'] as const;

/** File systems of other machines by their magic numbers (statfs(2), linux/magic.h): locks and mapped memory do not hold. */
const remote: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x01021997: '9p',
  0x5346414f: 'AFS',
  0x00c36400: 'Ceph',
  0x0bd00bd0: 'Lustre',
  0x73757245: 'Coda',
};

/** FUSE file systems, by the second half of their type or what they call themselves, that are another machine's or a bucket: what was written is not kept in order. */
const remoteByProgram: ReadonlySet<string> = new Set([
  'rclone',
  'sshfs',
  's3fs',
  'goofys',
  'gcsfuse',
  'blobfuse',
  'blobfuse2',
  'mountpoint-s3',
  'juicefs',
  's3ql',
  'seaweedfs',
  'glusterfs',
  'ceph',
  'ceph-fuse',
  'cephfs',
  'curlftpfs',
  'davfs',
  'smbnetfs',
]);

/** Programs that serve files (FUSE): some serve a store well, some have no shared memory, some write nothing but in order. */
const fuse = 0x65735546;

/** Looks at the file of a store before SQLite does, which would make an empty one, and so that nothing is left behind. */
export function examineStoreFile(file: string, evidence: readonly string[], mayBeNew: boolean): void {
  const directory = path.dirname(file);
  assertLocal(existsSync(file) ? file : directory);
  if (existsSync(file)) {
    const { size } = examineAccess(file);
    if (size > 0) return;
  }
  const why = evidence.find((witness) => existsSync(witness));
  if (why !== undefined)
    throw new StoreError(
      'gone',
      `${existsSync(file) ? `the store at ${file} is empty` : `there is no store at ${file}`}, and there has been one: ${why} is of it`,
      `${restoreIt}. Only where a new one is meant, and nothing is encrypted with the keys of the old: remove ${why} first`,
    );
  if (!mayBeNew)
    throw new StoreError(
      'missing',
      existsSync(file) ? `the store at ${file} is empty` : `there is no store at ${file}`,
      'run: holdfast init',
    );
  if (existsSync(directory)) examineAccess(directory);
}

/** Where a store is made of a backup before it is put in place; it stays there where that was cut off. */
export function restoringPath(file: string): string {
  return `${file}-restoring`;
}

/** What shows that there has been a store at this path. */
export function evidenceOf(file: string): string[] {
  return [reservePath(file), `${file}-wal`, restoringPath(file), path.join(path.dirname(file), 'node-id')];
}

function examineAccess(target: string): { size: number } {
  try {
    const facts = statSync(target);
    const isDirectory = facts.isDirectory();
    if (isDirectory && target.endsWith('.db'))
      throw new StoreError(
        'not-a-store',
        `${target} is a directory`,
        `move it away; ${restoreIt}, or run: holdfast init`,
      );
    accessSync(target, constants.R_OK | constants.W_OK);
    // The log and the locks lie beside the store. What its directory is in may be anybody's, as /var/lib is.
    accessSync(isDirectory ? target : path.dirname(target), constants.W_OK | constants.X_OK);
    return { size: facts.size };
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw storeError(codeOf(error) === 'EROFS' ? 'read-only' : 'not-permitted', error);
  }
}

/** What SQLite calls a failing disk may be a file system that cannot do what it asks for. */
export function orUnfitFileSystem(file: string, error: unknown): unknown {
  if (!(error instanceof StoreError) || error.fault !== 'io' || typeOf(path.dirname(file)) !== fuse)
    return error;
  return new StoreError(
    'not-local',
    `the file system of the store (FUSE) does not do what SQLite asks of it (${error.code})`,
    'the store needs a local file system (ext4, XFS); if this one holds a store otherwise, its program has failed: see its log',
    error.cause,
  );
}

/** Undefined where there is nothing yet. */
function typeOf(target: string): number | undefined {
  try {
    return statfsSync(target).type >>> 0;
  } catch {
    return undefined;
  }
}

function assertLocal(target: string): void {
  // Where its directory is not there yet, who makes it will hear.
  const type = typeOf(target);
  const program = type === fuse ? programOf(target) : undefined;
  const kind = program !== undefined && remoteByProgram.has(program) ? program : remote[type ?? 0];
  if (kind === undefined) return;
  throw new StoreError(
    'not-local',
    `${target} is on ${kind}`,
    'the store needs a local file system (ext4, XFS): locks and memory that is shared over a network do not hold',
  );
}

/** What serves a FUSE file system, as `sshfs`; undefined where it cannot be told (proc_pid_mountinfo(5)). */
function programOf(target: string): string | undefined {
  let mounts: string;
  let device: string;
  try {
    mounts = readFileSync('/proc/self/mountinfo', 'utf8');
    const { dev } = statSync(target);
    // As makedev(3) puts them together, for numbers of today.
    device = `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`;
  } catch {
    return undefined;
  }
  for (const line of mounts.split('\n')) {
    const fields = line.split(' ');
    if (fields[2] !== device) continue;
    const [type = '', source = ''] = fields.slice(fields.indexOf('-') + 1);
    // Of type "fuse" alone mountpoint-s3 has its name as the source, and davfs2 the address of its server.
    return /^fuse(?:blk)?\.(.+)$/.exec(type)?.[1] ?? (source.includes('://') ? 'davfs' : source);
  }
  return undefined;
}
