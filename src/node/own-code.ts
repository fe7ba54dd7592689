import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { installedAt } from '../confinable-path.ts';

/** For whoever operates a node whose code is another on the disk by now. */
export const codeReplaced =
  'the code of Holdfast on the disk is not what this node was started of: it was replaced or removed since. Restart the node';

/**
 * Our code on the disk, by the sizes and times of its files. What is started of it later must be what its starter is: a worker
 * of a release with other messages, or other tables, would misread what it is told, and one whose file is gone ends with
 * Node's words and not ours.
 */
export class OwnCode {
  readonly #directory: string;
  readonly #first: string | undefined;

  constructor(directory = path.join(installedAt, 'src')) {
    this.#directory = directory;
    this.#first = look(directory);
  }

  /** Whether it is another than when this was made. A few milliseconds. */
  get isReplaced(): boolean {
    return look(this.#directory) !== this.#first;
  }
}

/** Undefined where it cannot be read. */
function look(directory: string): string | undefined {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const file = path.join(entry.parentPath, entry.name);
        const { size, mtimeMs } = statSync(file);
        return `${file} ${size} ${mtimeMs}`;
      })
      .toSorted()
      .join('\n');
  } catch {
    return undefined;
  }
}
