import { pino, type Logger } from 'pino';

export type { Logger };

/**
 * One JSON line per event on standard output. Values of the names below never appear, wherever they stand: nothing
 * that we log on purpose is called so, and what is logged by mistake must not leak.
 */
export function createLog(level: string, bindings: Record<string, unknown> = {}): Logger {
  return pino(
    {
      level,
      base: { pid: process.pid, ...bindings },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: [
          'pin',
          'secret',
          'plaintext',
          'ciphertext',
          'authorization',
          '*.pin',
          '*.secret',
          '*.plaintext',
          '*.ciphertext',
          '*.authorization',
        ],
        censor: '[secret]',
      },
    },
    pino.destination({ fd: 1, sync: false }),
  );
}
