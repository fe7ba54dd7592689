import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A node is known by an id of its own, made at its first start and kept in its state directory. */
export function nodeIdOf(stateDirectory: string): string {
  const known = knownNodeId(stateDirectory);
  if (known !== undefined) return known;
  const id = randomUUID();
  const file = fileIn(stateDirectory);
  const made = `${file}.new`;
  rmSync(made, { force: true });
  // Whole or not there: whoever is killed here, or loses power, leaves no node without an id.
  writeFileSync(made, `${id}\n`, { mode: 0o600, flag: 'wx', flush: true });
  renameSync(made, file);
  return id;
}

/** Undefined before its first start, and where an earlier release was killed as it wrote the file, which is empty then. */
export function knownNodeId(stateDirectory: string): string | undefined {
  const file = fileIn(stateDirectory);
  const known = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  return known === '' ? undefined : known;
}

function fileIn(stateDirectory: string): string {
  return path.join(stateDirectory, 'node-id');
}

/** Of this start of the machine's kernel (random(4)): a copy of a machine that is started has another. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/*
 * A mark names a process for good: by the kernel's start, the PID namespace, the process id and when it began. So whoever comes later on
 * the same machine can tell that it has exited, and of one on another machine, or in another container, tells nothing.
 */

/** Empty where /proc does not tell. In it are letters, digits, hyphens and dots. */
export function processMark(pid: number | undefined): string {
  const began = pid === undefined ? undefined : beginningOf(pid);
  if (began === undefined) return '';
  try {
    return [...place(), pid, began].join('.');
  } catch {
    return '';
  }
}

/** Whether the process that has this mark certainly runs no more. */
export function hasExited(mark: string): boolean {
  const [boot, namespace, pid = '', began, ...rest] = mark.split('.');
  if (began === undefined || rest.length > 0 || !/^\d+$/.test(pid)) return false;
  try {
    if ([boot, namespace].join() !== place().join()) return false;
    return beginningOf(Number(pid)) !== began;
  } catch {
    return false;
  }
}

/** Of this machine since its start, and of the PID namespace. */
function place(): string[] {
  const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';
  return [bootId(), namespace];
}

/** In clock ticks since the kernel's start. Undefined where there is no such process, or one that has ended and was not waited for. */
function beginningOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, which may hold anything, is in brackets; the third field comes after the last of them (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state = ''] = fields;
    return /[ZXx]/.test(state) ? undefined : fields[22 - 3];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // One that may not be read runs.
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
