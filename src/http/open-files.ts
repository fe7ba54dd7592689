import { readFileSync } from 'node:fs';
import type { LoadedConfig } from '../config/load.ts';

/*
 * What the system lets a process have open. Beyond it Node closes new connections without a word, and the store cannot
 * open its files: so connections are bounded to what leaves room for everything else.
 */

/** Files of the store, sockets of token hosts and to AWS, pipes: what a worker has open besides connections. */
const reserve = 128;

/** Files and sockets that this process, and what it starts, may have open; infinite where the system does not say. */
export function openFileLimit(): number {
  try {
    const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? Infinity : Number(limit);
  } catch {
    return Infinity;
  }
}

/** Of so many connections, how many there is room for. */
export function connectionsWithin(configured: number, limit = openFileLimit()): number {
  return Math.min(configured, Math.max(Math.floor(limit / 2), limit - reserve));
}

/** What is configured and does not fit: told at each start. */
export function openFilesWarnings(
  { file, xks, admin }: Pick<LoadedConfig, 'file' | 'xks' | 'admin'>,
  limit = openFileLimit(),
): string[] {
  const of = (key: string, configured: number) => {
    const within = connectionsWithin(configured, limit);
    return within === configured
      ? []
      : [
          `${file}: ${key}: a process may have ${limit} files open, so it keeps ${within} connections and not ${configured}; raise the limit (ulimit -n, LimitNOFILE=) to ${configured + reserve} or more`,
        ];
  };
  return [
    ...of('xks.connections', xks.connections),
    ...(admin.enabled ? of('admin.connections', admin.connections) : []),
  ];
}
