import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where our code is: every confined process reads it. */
export const installedAt = path.resolve(fileURLToPath(new URL('..', import.meta.url)));

/** Node takes an asterisk in a path of its permission model for anything: the process would be let into other places too. */
export function hasWildcard(file: string): boolean {
  return file.includes('*');
}

/** What is told of such a path, after its name. */
export const wildcardProblem =
  'must have no asterisk (*) in it: processes that face the network are confined to such paths, and Node would take it for ' +
  'any characters; choose or make another directory';
