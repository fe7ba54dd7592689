import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import { ok, skipped, warning, type Finding } from './finding.ts';
import { readText } from './node-files.ts';

/* What the machine under a node says. */

/** Whether a core dump of any process of this node would be written. */
export function examineCoreDumps(config: LoadedConfig): Finding {
  const processes = nodeProcesses(config);
  if (processes.length === 0)
    return skipped(
      'node.core-dumps',
      'no process of this node was found',
      'run the doctor while the node serves, as its user or root',
    );
  const limits = processes.map(
    (pid) => /^Max core file size\s+(\S+)/m.exec(readText(`/proc/${pid}/limits`) ?? '')?.[1],
  );
  const seen = limits.filter((limit) => limit !== undefined);
  if (seen.length === 0)
    return skipped(
      'node.core-dumps',
      'limits of its processes cannot be read',
      'run the doctor as the node’s user or root',
    );
  const open = seen.filter((limit) => limit !== '0').length;
  const data = { processes: seen.length, withCoreDumps: open };
  return open === 0
    ? ok('node.core-dumps', `${seen.length} processes, none may write one`, { data })
    : warning(
        'node.core-dumps',
        `${open} of ${seen.length} processes may write one`,
        'LimitCORE=0 in the unit (packaging/holdfast.service), --ulimit core=0 for a container',
        { data },
      );
}

/** The supervisor that serves this configuration, and all below it. */
function nodeProcesses(config: LoadedConfig): number[] {
  const all = processTable();
  let generation = all.filter(({ pid }) => serves(pid, config.file)).map(({ pid }) => pid);
  const found = [...generation];
  while (generation.length > 0 && found.length < 1000) {
    const parents = new Set(generation);
    generation = all.filter(({ parent }) => parents.has(parent)).map(({ pid }) => pid);
    found.push(...generation);
  }
  return found;
}

function processTable(): { pid: number; parent: number }[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => ({
        pid: Number(name),
        parent: Number(/^PPid:\s+(\d+)/m.exec(readText(`/proc/${name}/status`) ?? '')?.[1] ?? 0),
      }));
  } catch {
    return [];
  }
}

function serves(pid: number, file: string): boolean {
  const words = (readText(`/proc/${pid}/cmdline`) ?? '').split('\0');
  if (!words.includes('serve') || !words.some((word) => /(?:main\.ts|holdfast)$/.test(word))) return false;
  const option = words.findIndex((word) => word === '--config' || word === '-c');
  const named = option < 0 ? environmentOf(pid) : words[option + 1];
  return path.resolve(named ?? '/etc/holdfast/holdfast.toml') === file;
}

function environmentOf(pid: number): string | undefined {
  const entry = (readText(`/proc/${pid}/environ`) ?? '')
    .split('\0')
    .find((one) => one.startsWith('HOLDFAST_CONFIG='));
  return entry?.slice('HOLDFAST_CONFIG='.length);
}

/** Whether something keeps the clock right: the kernel’s own word by timedatectl, or systemd-timesyncd's mark. */
export async function examineTimeSync(timeout: number): Promise<Finding> {
  const remediation = 'install and start chrony or systemd-timesyncd; in a container the host’s clock counts';
  const said = await timedatectl(timeout);
  if (said === 'yes') return ok('node.time-sync', 'timedatectl: synchronised');
  if (existsSync('/run/systemd/timesync/synchronized'))
    return ok('node.time-sync', 'systemd-timesyncd: synchronised');
  if (said === 'no') return warning('node.time-sync', 'timedatectl: not synchronised', remediation);
  return skipped('node.time-sync', 'neither timedatectl nor systemd-timesyncd says', remediation);
}

async function timedatectl(timeout: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(
      'timedatectl',
      ['show', '--property=NTPSynchronized', '--value'],
      { timeout: Math.min(timeout, 5000) },
      (error, stdout) => resolve(error === null ? stdout.trim() : undefined),
    );
  });
}
