import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { installedAt } from '../confinable-path.ts';

/** For whoever operates a node whose code is another on the disk by now. */
export const codeReplaced =
  'the code of Holdfast on the disk is not what this node was started of: it was replaced or removed since. Restart the node';

/**
 * Our code on the disk. What is started of it later must be what its starter is: a worker of a release with other messages, or
 * other tables, would misread what it is told, and one whose file is gone ends with Node's words and not ours.
 */
export class OwnCode {
  readonly #directory: string;
  readonly #content: string | undefined;
  /** Sizes and times of the files as they were when they had that content last. */
  #sight: string | undefined;

  constructor(directory = path.join(installedAt, 'src')) {
    this.#directory = directory;
    this.#sight = ofFiles(directory, sightOf);
    this.#content = ofFiles(directory, contentOf);
  }

  /** Whether it is another than when this was made. A few milliseconds; some dozens where it was touched. */
  get isReplaced(): boolean {
    const sight = ofFiles(this.#directory, sightOf);
    if (sight !== undefined && sight === this.#sight) return false;
    // The same code is the same, though it was checked out once more, or copied by what does not keep times.
    if (sight === undefined || ofFiles(this.#directory, contentOf) !== this.#content) return true;
    this.#sight = sight;
    return false;
  }
}

function sightOf(file: string): string {
  const { size, mtimeMs } = statSync(file);
  return `${size} ${mtimeMs}`;
}

function contentOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** Undefined where it cannot be read. */
function ofFiles(directory: string, told: (file: string) => string): string | undefined {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .toSorted()
      .map((file) => `${file} ${told(file)}`)
      .join('\n');
  } catch {
    return undefined;
  }
}
