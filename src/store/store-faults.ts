import { codeOf, StoreError, type StoreFault } from './store-error.ts';

export const restoreIt = 'put back the newest backup with holdfast restore: docs/backup.md';

/** What to do with a store that is damaged. */
export const restoreDamaged =
  'stop the node, keep the file, put back the newest backup (docs/backup.md), and look at the disk';

const told: Partial<Record<StoreFault, readonly [problem: string, remediation: string]>> = {
  full: [
    'the disk of the store is full',
    'make room on it; what is disabled, frozen or withdrawn meanwhile is still written, from a reserve',
  ],
  locked: [
    'another program has held the write lock of the store for too long',
    'end it: fuser -v FILE names it; a copy is made with holdfast backup, which holds no lock',
  ],
  'read-only': [
    'the store cannot be written: it, or its file system, is read-only',
    'see what the kernel says of the disk (dmesg), mount it for writing again, then try again',
  ],
  'not-permitted': [
    'the store cannot be opened',
    'it and its directory belong to the user that Holdfast runs as: chown, and chmod 600 and 700',
  ],
  io: ['the disk of the store fails', 'see what the kernel says of it (dmesg); the store is not changed'],
  'not-local': [
    'the file system of the store has no shared memory or locks that hold',
    'the store needs a local file system (ext4, XFS), never NFS, CIFS or 9p',
  ],
  'not-a-store': ['the file of the store is not an SQLite database', restoreIt],
  damaged: ['the store is damaged', restoreDamaged],
};

/**
 * What SQLite's result codes say of the store's surroundings (sqlite.org/rescode.html); undefined for one that is about
 * the statement, such as a constraint, or that is worth waiting for.
 */
function faultOf(code: string): StoreFault | undefined {
  // Of the shared map: it could not be made as long as it has to be.
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE') return 'full';
  if (code.startsWith('SQLITE_READONLY')) return 'read-only';
  if (code.startsWith('SQLITE_IOERR_SHM') || code === 'SQLITE_IOERR_LOCK' || code === 'SQLITE_NOLFS')
    return 'not-local';
  if (code === 'SQLITE_PROTOCOL') return 'not-local';
  if (code.startsWith('SQLITE_IOERR')) return 'io';
  if (code.startsWith('SQLITE_CORRUPT')) return 'damaged';
  if (code === 'SQLITE_NOTADB') return 'not-a-store';
  if (code === 'SQLITE_PERM' || code === 'SQLITE_AUTH' || code.startsWith('SQLITE_CANTOPEN'))
    return 'not-permitted';
  return undefined;
}

/** An error of SQLite's as a StoreError, if it is about the store as a whole; any other as it is. */
export function toStoreError(error: unknown): unknown {
  // It has the code of what it came from, and has been told already.
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  const fault = code === undefined ? undefined : faultOf(code);
  return fault === undefined ? error : storeError(fault, error);
}

/** With the words that the fault has everywhere. */
export function storeError(fault: StoreFault, cause?: unknown): StoreError {
  const [problem, remediation] = told[fault] ?? ['the store cannot be used', restoreIt];
  const code = codeOf(cause);
  return new StoreError(fault, code === undefined ? problem : `${problem} (${code})`, remediation, cause);
}

/**
 * SQLite tells a quota that is used up, and a file system that was made read-only under an open store, as it tells a disk that
 * fails (sqlite.org/rescode.html#ioerr_write). Which of them it is, is asked of the system: a quota is dealt with as a full
 * disk, and each has a way out of its own.
 */
export function orWhyNoMore(
  error: unknown,
  reserve: { whyNoMore: () => 'quota' | 'read-only' | undefined },
): unknown {
  if (!(error instanceof StoreError) || error.fault !== 'io' || !writes.has(error.code ?? '')) return error;
  const why = reserve.whyNoMore();
  if (why === 'read-only') return storeError('read-only', error.cause);
  if (why === undefined) return error;
  return new StoreError(
    'full',
    `the disk quota of the user that Holdfast runs as is used up (${error.code}, EDQUOT)`,
    'raise it, or make room within it; what is disabled, frozen or withdrawn meanwhile is still written, from a reserve',
    error.cause,
  );
}

const writes: ReadonlySet<string> = new Set([
  'SQLITE_IOERR',
  'SQLITE_IOERR_WRITE',
  'SQLITE_IOERR_FSYNC',
  'SQLITE_IOERR_TRUNCATE',
  'SQLITE_IOERR_CLOSE',
]);

/** Another connection holds the write lock, or wrote what this transaction had read (SQLITE_BUSY_SNAPSHOT). */
export function isBusy(error: unknown): boolean {
  return codeOf(error)?.startsWith('SQLITE_BUSY') === true;
}
