import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import { wallClock } from './clock.ts';
import { OutputSink } from './output-sink.ts';

export type { Logger };

/**
 * One JSON line per event, on standard output unless told otherwise. Secrets do not get here: what we hold of them is a {@link Secret}, which
 * shows as `[secret]`, and a test greps everything that a node prints for planted ones. Written without waiting: a
 * slow reader of the log does not slow the answers, and one that stands still costs log lines ({@link logOutput}).
 */
export function createLog(
  level: string,
  bindings: Record<string, unknown> = {},
  to: DestinationStream = logOutput(bindings),
): Logger {
  return pino(logOptions(level, bindings), to);
}

/** Standard output for log lines. Lines that it did not take are told as a log line of their own, whatever the level. */
export function logOutput(bindings: Record<string, unknown> = {}): OutputSink {
  return new OutputSink(1, {
    tell: ({ dropped, bytes, milliseconds, code }) => {
      let line = '';
      const write = (text: string) => {
        line = text;
      };
      pino(logOptions('warn', bindings), { write }).warn(
        { dropped, bytes, duration: milliseconds, code },
        'log lines were dropped here: standard output did not take them',
      );
      return line;
    },
  });
}

function logOptions(level: string, bindings: Record<string, unknown>): LoggerOptions {
  return {
    level,
    base: { pid: process.pid, ...bindings },
    timestamp: () => `,"time":"${wallClock().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
  };
}
