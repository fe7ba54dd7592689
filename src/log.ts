import { pino, type DestinationStream, type Logger } from 'pino';
import { wallClock } from './clock.ts';

export type { Logger };

/**
 * One JSON line per event, on standard output unless told otherwise. Secrets do not get here: what we hold of them is a {@link Secret}, which
 * shows as `[secret]`, and a test greps everything that a node prints for planted ones. Written without waiting: a
 * slow reader of the log does not slow the answers.
 */
export function createLog(
  level: string,
  bindings: Record<string, unknown> = {},
  to: DestinationStream = pino.destination({ fd: 1, sync: false }),
): Logger {
  return pino(
    {
      level,
      base: { pid: process.pid, ...bindings },
      timestamp: () => `,"time":"${wallClock().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    to,
  );
}
