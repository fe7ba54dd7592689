import { statSync } from 'node:fs';
import { openingOf } from '../closed-file.ts';
import type { LoadedConfig } from './load.ts';

/** AWS KMS gives up after 250 ms, and the answer has to travel; milliseconds. */
const latestForAws = 240;

/** What is well-formed and may be meant, but is not as it should be: told at each start, and by `serve --check`. */
export function warningsOf(config: Pick<LoadedConfig, 'file' | 'xks' | 'node' | 'storePath'>): string[] {
  const { file, xks } = config;
  return [
    ...(xks.answer_within_ms <= latestForAws
      ? []
      : [
          `${file}: xks.answer_within_ms: AWS KMS gives up after 250 ms, so it would not wait for such answers; for AWS take ${latestForAws} or less`,
        ]),
    ...openWarning('state directory', config.node.state_directory),
    ...openWarning('store', config.storePath),
  ];
}

/** The umask of whoever made it, or a unit without StateDirectoryMode, leaves it open. */
function openWarning(what: string, file: string): string[] {
  const found = statSync(file, { throwIfNoEntry: false });
  const opening = found === undefined ? undefined : openingOf(file, found);
  return opening === undefined ? [] : [`the ${what} ${file}: ${opening.problem}; ${opening.remediation}`];
}
