import { readFileSync, statfsSync, statSync, type Stats } from 'node:fs';
import path from 'node:path';
import { openingOf, thisProcess, type Reader } from '../closed-file.ts';
import { membersOf, type LoadedConfig } from '../config/load.ts';
import { ok, problem, skipped, warning, type Finding } from './finding.ts';

interface Watched {
  file: string;
  what: string;
  /** Nobody but its owner may read it. */
  secret: boolean;
}

/** Files that say who the node is, and what they are. */
function watched(config: LoadedConfig): Watched[] {
  const { tls } = config.xks;
  const files: Watched[] = [
    { file: config.node.state_directory, what: 'state directory', secret: true },
    ...(config.store.kind === 'sqlite'
      ? ['', '-wal', '-shm'].map((end) => ({
          file: `${config.storePath}${end}`,
          what: 'store',
          secret: true,
        }))
      : [
          { file: config.store.passwordFile, what: 'password of the database', secret: true },
          { file: config.store.keyFile, what: 'key of the database’s client certificate', secret: true },
          { file: config.store.certificateFile, what: 'client certificate of the database', secret: false },
          { file: config.store.caFile, what: 'CA of the database', secret: false },
        ].flatMap(({ file, ...about }) => (file === undefined ? [] : [{ file, ...about }]))),
    { file: config.file, what: 'configuration', secret: false },
    { file: tls.key, what: 'TLS key', secret: true },
    { file: tls.certificate, what: 'certificate', secret: false },
    ...(tls.client_ca === undefined ? [] : [{ file: tls.client_ca, what: 'client CA', secret: false }]),
    { file: config.admin.tls.key, what: 'TLS key', secret: true },
    { file: config.admin.tls.certificate, what: 'certificate', secret: false },
    ...membersOf(config).flatMap(({ pin }) =>
      pin !== undefined && 'file' in pin ? [{ file: pin.file, what: 'PIN file', secret: true }] : [],
    ),
  ];
  return [...new Map(files.map((one) => [one.file, one])).values()];
}

/** One finding for each file that is not as it should be; one OK where all are. */
export function examineModes(config: LoadedConfig): Finding[] {
  const state = look(config.node.state_directory);
  // Who runs the node may be another than who runs the doctor.
  const own = thisProcess();
  const node = { uid: state?.uid ?? own.uid, gids: new Set([...own.gids, ...(state ? [state.gid] : [])]) };
  const files = watched(config);
  const findings = files.flatMap((one) => faultsOf(one, node));
  const directories = [...new Set(files.map(({ file }) => path.dirname(file)))];
  for (const directory of directories) {
    const found = look(directory);
    // A sticky directory, such as /tmp, lets nobody replace the files of others.
    if (found !== undefined && (found.mode & 0o1002) === 0o002)
      findings.push(
        problem('node.modes', 'a directory that anybody may write to', `chmod o-w ${directory}`, {
          subject: directory,
        }),
      );
  }
  return findings.length > 0 ? findings : [ok('node.modes', `${files.length} files and their directories`)];
}

function faultsOf({ file, what, secret }: Watched, node: Reader): Finding[] {
  const about = { subject: file };
  let found: Stats;
  try {
    found = statSync(file);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // SQLite takes both away when the last process closes the store.
    if (code === 'ENOENT' && /-(?:wal|shm)$/.test(file)) return [];
    return [
      code === 'ENOENT'
        ? problem('node.modes', `the ${what} is not there`, 'the path in the configuration', about)
        : skipped('node.modes', `the ${what} cannot be looked at (${code})`, 'run the doctor as root', about),
    ];
  }
  const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
  const faults: Finding[] = [];
  if (secret && openingOf(file, found, node) !== undefined)
    faults.push(
      problem(
        'node.modes',
        `the ${what} is open to group or others (mode ${mode})`,
        `chmod ${found.isDirectory() ? '0700' : '0600'} ${file}`,
        { ...about, data: { mode } },
      ),
    );
  else if ((found.mode & 0o022) !== 0)
    faults.push(
      problem(
        'node.modes',
        `the ${what} can be written by group or others (mode ${mode})`,
        `chmod go-w ${file}`,
        {
          ...about,
          data: { mode },
        },
      ),
    );
  if (found.uid !== 0 && found.uid !== node.uid)
    faults.push(
      problem(
        'node.modes',
        `the ${what} belongs to user ${found.uid}, who is neither root nor the owner of the state directory`,
        `chown it to the user that runs the node`,
        { ...about, data: { uid: found.uid } },
      ),
    );
  return faults;
}

function look(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}

const gibibyte = 2 ** 30;

/** Space and inodes of the file system that the store is on. */
export function examineDisk(config: LoadedConfig): Finding {
  const directory = path.dirname(config.storePath);
  let disk;
  try {
    disk = statfsSync(directory);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    return problem('node.disk', `${directory} cannot be looked at (${code})`, 'holdfast init makes it');
  }
  const free = disk.bavail * disk.bsize;
  const share = disk.blocks === 0 ? 1 : disk.bavail / disk.blocks;
  // File systems such as btrfs have no fixed number of inodes and say 0.
  const inodes = disk.files === 0 ? 1 : disk.ffree / disk.files;
  const data = { freeBytes: free, freeShare: hundredths(share), freeInodeShare: hundredths(inodes) };
  const seen = `${(free / gibibyte).toFixed(1)} GiB free (${Math.round(share * 100)} %), ${Math.round(inodes * 100)} % of the inodes`;
  const remediation =
    'make room: old logs and backups beside it, or a larger disk; the audit trail only grows';
  if (free < gibibyte / 10 || inodes < 0.01) return problem('node.disk', seen, remediation, { data });
  if (free < gibibyte || share < 0.1 || inodes < 0.1)
    return warning('node.disk', seen, remediation, { data });
  return ok('node.disk', seen, { data });
}

function hundredths(share: number): number {
  return Math.round(share * 100) / 100;
}

/** The bytes of a file's beginning, for telling what it is; undefined where it cannot be read. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
