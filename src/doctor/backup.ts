import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { wallClock } from '../clock.ts';
import { ok, problem, skipped, warning, type Finding } from './finding.ts';
import { counted } from '../counted.ts';

const hour = 3_600_000;
/** A daily backup that ran a little late. */
const fresh = 26 * hour;
const stale = 7 * 24 * hour;

/** The newest file that `where` is or has. */
export function examineBackup(where: string | undefined): Finding {
  if (where === undefined)
    return skipped('node.backup', 'no backup was given', 'holdfast doctor --backup FILE-OR-DIRECTORY');
  const remediation = 'docs/backup.md; keep it where the node’s disk is not';
  const newest = newestFile(where);
  if (newest === undefined) return problem('node.backup', `there is none at ${where}`, remediation);
  const { file, at, mode } = newest;
  const hours = Math.round((wallClock().getTime() - at) / hour);
  const data = { file, at: new Date(at).toISOString(), hours };
  const seen = `${path.basename(file)}, ${hours < 48 ? counted(hours, 'hour') : counted(Math.round(hours / 24), 'day')} old`;
  const kind = kindOf(file);
  if (kind === 'unreadable')
    return problem('node.backup', `${seen}: it cannot be read`, remediation, { data });
  if (kind === 'database')
    return problem(
      'node.backup',
      `${seen}: it is a plain copy of the database, which holdfast restore does not accept`,
      remediation,
      {
        data,
      },
    );
  if ((mode & 0o077) !== 0)
    return problem('node.backup', `${seen}, open to group or others`, `chmod 0600 ${file}`, { data });
  const age = wallClock().getTime() - at;
  if (age > stale) return problem('node.backup', seen, remediation, { data });
  if (age > fresh) return warning('node.backup', seen, remediation, { data });
  if (kind === 'unknown')
    return warning(
      'node.backup',
      `${seen}: it is encrypted, compressed or not a Holdfast backup`,
      'if that is intended: decrypt it, then run holdfast restore --check',
      { data },
    );
  return ok('node.backup', seen, { data });
}

function newestFile(where: string): { file: string; at: number; mode: number } | undefined {
  try {
    const found = statSync(where);
    const files = found.isDirectory()
      ? readdirSync(where, { withFileTypes: true })
          // SQLite's own companions are no backups, and what begins with a dot is not finished.
          .filter((entry) => entry.isFile() && !/^\.|-(?:wal|shm|journal)$/.test(entry.name))
          .map(({ name }) => path.join(where, name))
      : [where];
    return files
      .map((file) => {
        const { mtimeMs, mode } = statSync(file);
        return { file, at: mtimeMs, mode };
      })
      .toSorted((a, b) => b.at - a.at)[0];
  } catch {
    return undefined;
  }
}

/** How the two begin. */
const begins: Readonly<Record<string, 'backup' | 'database'>> = {
  '{"format":"holdfast-backup",': 'backup',
  'SQLite format 3\0': 'database',
};

function kindOf(file: string): 'backup' | 'database' | 'unknown' | 'unreadable' {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const head = Buffer.alloc(64);
      const text = head.toString('latin1', 0, readSync(descriptor, head));
      return Object.entries(begins).find(([beginning]) => text.startsWith(beginning))?.[1] ?? 'unknown';
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return 'unreadable';
  }
}
