import { statSync } from 'node:fs';
import { openingOf } from '../closed-file.ts';
import type { LoadedConfig } from './load.ts';

/** AWS KMS gives up after 250 ms, and the answer has to travel; milliseconds. */
const latestForAws = 240;

/** What is well-formed and may be meant, but is not as it should be: told at each start, and by `serve --check`. */
export function warningsOf(config: Pick<LoadedConfig, 'file' | 'xks' | 'node' | 'store'>): string[] {
  const { file, xks } = config;
  return [
    ...(xks.answer_within_ms <= latestForAws
      ? []
      : [
          `${file}: xks.answer_within_ms: AWS KMS gives up after 250 ms, so it would not wait for such answers; for AWS take ${latestForAws} or less`,
        ]),
    ...openWarning('state directory', config.node.state_directory),
    ...(config.store.kind === 'sqlite'
      ? openWarning('store', config.store.path)
      : [
          ...openWarning('password file of the database', config.store.passwordFile),
          ...openWarning('key of the database’s client certificate', config.store.keyFile),
        ]),
  ];
}

/** The umask of whoever made it, or a unit without StateDirectoryMode, leaves it open. */
function openWarning(what: string, file: string | undefined): string[] {
  const found = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false });
  const opening = found === undefined ? undefined : openingOf(file ?? '', found);
  return opening === undefined ? [] : [`the ${what} ${file}: ${opening.problem}; ${opening.remediation}`];
}
