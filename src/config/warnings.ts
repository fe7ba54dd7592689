import type { LoadedConfig } from './load.ts';

/** AWS KMS gives up after 250 ms, and the answer has to travel; milliseconds. */
const latestForAws = 240;

/** What is well-formed and may be meant, but is not as AWS needs it: told at each start, and by `serve --check`. */
export function warningsOf({ file, xks }: Pick<LoadedConfig, 'file' | 'xks'>): string[] {
  return xks.answer_within_ms <= latestForAws
    ? []
    : [
        `${file}: xks.answer_within_ms: AWS KMS gives up after 250 ms, so it would not wait for such answers; for AWS take ${latestForAws} or less`,
      ];
}
