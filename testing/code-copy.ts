import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { memoryDirectory } from './memory-directory.ts';

const root = path.resolve(import.meta.dirname, '..');

/** One piece of a file of ours with another in its place. */
export interface Edit {
  /** From the top of the project. */
  file: string;
  /** A text stands there exactly once. */
  from: string | RegExp;
  to: string;
}

/** The text with the edit made. Throws where it does not have the piece, or has it more than once. */
export function edited(text: string, { file, from, to }: Edit): string {
  if (typeof from === 'string') {
    const pieces = text.split(from);
    if (pieces.length !== 2) throw new Error(`${file} has ${pieces.length - 1} times: ${from}`);
    return pieces.join(to);
  }
  if (!from.test(text)) throw new Error(`${file} has no ${from}`);
  return text.replace(from, to);
}

/** What `file` is with those of the edits that are of it, one after another. */
export async function editedFile(name: string, edits: readonly Edit[]): Promise<string> {
  const text = await readFile(path.join(root, name), 'utf8');
  return edits.filter(({ file }) => file === name).reduce(edited, text);
}

/**
 * Makes a copy of our code, with these edits, that nodes can be started of beside it (`TestNode.serve`). Whoever calls removes the
 * directory that it resolves with.
 */
export async function copyOfCode(edits: readonly Edit[]): Promise<string> {
  const copy = await mkdtemp(path.join(memoryDirectory(), 'holdfast-copy-'));
  try {
    for (const name of ['src', 'native-config', 'package.json'])
      await cp(path.join(root, name), path.join(copy, name), { recursive: true });
    const modules = path.join(root, 'node_modules');
    await symlink(modules, path.join(copy, 'node_modules'));
    await mkdir(path.join(copy, 'build'));
    await symlink(path.join(root, 'build/stripped'), path.join(copy, 'build/stripped'));
    // Its workers are confined to their own files, and their modules are ours.
    const own = `'node_modules'].map((name) => path.join(installedAt, name))`;
    const confined = {
      file: 'src/node-process.ts',
      from: own,
      to: `${own}.concat(${JSON.stringify(await realpath(modules))})`,
    };
    const all = [...edits, confined];
    for (const name of new Set(all.map(({ file }) => file)))
      await writeFile(path.join(copy, name), await editedFile(name, all));
    return copy;
  } catch (error) {
    await rm(copy, { recursive: true, force: true });
    throw error;
  }
}
