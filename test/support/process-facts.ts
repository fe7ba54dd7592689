import { constants as fileConstants, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';

/** Whether every thread of the process keeps the signal from doing anything, blocked for good (proc_pid_status(5)). */
export function blocks(pid: number, signal: NodeJS.Signals): boolean {
  const bit = BigInt(constants.signals[signal] - 1);
  return readdirSync(`/proc/${pid}/task`).every((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    const mask = /^SigBlk:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
    return (BigInt(`0x${mask}`) >> bit) % 2n === 1n;
  });
}

/** Addresses and ports on which the process listens, as the kernel writes them (proc_net(5)), sorted. */
export function listeningOn(pid: number): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        // Closed meanwhile.
        return [];
      }
    }),
  );
  return ['tcp', 'tcp6']
    .flatMap((table) => readFileSync(`/proc/${pid}/net/${table}`, 'utf8').trim().split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && inodes.has(fields[9] ?? ''))
    .map((fields) => fields[1] ?? '')
    .toSorted();
}

/** Those of these files that the process holds open to write into them, by any descriptor (proc_pid_fdinfo(5)). */
export function openToWrite(pid: number, files: readonly string[]): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const file = readlinkSync(`/proc/${pid}/fd/${fd}`);
      const flags =
        /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
      const readsOnly = (Number.parseInt(flags, 8) & 0o3) === fileConstants.O_RDONLY;
      return files.includes(file) && !readsOnly ? [file] : [];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}
