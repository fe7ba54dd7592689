import { readdirSync, readFileSync } from 'node:fs';
import type { NodeFigures, ProcessFigures, StartFigures } from '../metrics/figures.ts';
import type { KeptHost } from './kept-host.ts';

/** USER_HZ, in which Linux tells processor time: 100 on every architecture (proc(5), /proc/pid/stat). */
const ticksPerSecond = 100;

/** A process as the kernel sees it; undefined where it is gone. */
export function processFigures(
  pid: number,
  of: Pick<ProcessFigures, 'process'> & Partial<Pick<ProcessFigures, 'worker' | 'token' | 'host'>>,
): ProcessFigures | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, which may hold anything, is in brackets; the third field comes after the last of them.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const field = (number: number) => Number(fields[number - 3]);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return {
      ...{ worker: '', token: '', host: '', ...of },
      cpu: (field(14) + field(15)) / ticksPerSecond,
      resident: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024,
      threads: field(20),
      openFiles: openFiles(pid),
    };
  } catch {
    return undefined;
  }
}

/** None can be counted of a process of another user. */
function openFiles(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

/** What a worker is told as: its kind, and its number where there are several. */
type Of = Pick<ProcessFigures, 'worker'> & { process: 'xks-worker' | 'management' };

/** A worker and its token hosts. */
function groupProcesses(
  { process, worker }: Of,
  pid: number | undefined,
  hosts: readonly Pick<KeptHost, 'hostId' | 'pid' | 'token'>[],
): ProcessFigures[] {
  const of = worker === '' ? process : worker;
  const own = pid === undefined ? undefined : processFigures(pid, { process, worker });
  return [
    ...(own === undefined ? [] : [own]),
    ...hosts.flatMap(({ hostId, pid: hostPid, token }, index) => {
      if (hostId === undefined) return [];
      return processFigures(hostPid, { process: 'token-host', worker: of, token, host: String(index) }) ?? [];
    }),
  ];
}

/** How often a worker and its token hosts were started. */
export class StartCounts {
  worker = 0;
  readonly #hosts = new Map<string, number>();

  host(token: string): void {
    this.#hosts.set(token, (this.#hosts.get(token) ?? 0) + 1);
  }

  of({ kind, index }: { kind: 'XKS worker' | 'management process'; index: number }): Of {
    return kind === 'XKS worker'
      ? { process: 'xks-worker', worker: String(index) }
      : { process: 'management', worker: '' };
  }

  figures({ process, worker }: Of): StartFigures[] {
    const of = worker === '' ? process : worker;
    return [
      { process, worker, token: '', starts: this.worker },
      ...[...this.#hosts].map(([token, starts]) => ({
        process: 'token-host' as const,
        worker: of,
        token,
        starts,
      })),
    ];
  }
}

/** A worker and its token hosts, and how often each was started. */
export function groupFigures(
  group: Parameters<StartCounts['of']>[0],
  pid: number | undefined,
  hosts: Parameters<typeof groupProcesses>[2],
  starts: StartCounts,
): Pick<NodeFigures, 'processes' | 'starts'> {
  const of = starts.of(group);
  return { processes: groupProcesses(of, pid, hosts), starts: starts.figures(of) };
}

/** This process, and those of all groups. */
export function ownAndTheirs(
  groups: readonly { readonly figures: Pick<NodeFigures, 'processes' | 'starts'> }[],
): Pick<NodeFigures, 'processes' | 'starts'> {
  const own = processFigures(process.pid, { process: 'supervisor' });
  const theirs = groups.map(({ figures }) => figures);
  return {
    processes: [...(own === undefined ? [] : [own]), ...theirs.flatMap(({ processes }) => processes)],
    starts: theirs.flatMap(({ starts }) => starts),
  };
}
