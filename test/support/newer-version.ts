import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { memoryDirectory } from '../../testing/memory-directory.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** What a later version may do that this one knows nothing of, by file: what stands there now, and what is there instead. */
const changes: Record<string, readonly (readonly [RegExp, string])[]> = {
  'package.json': [[/"version": "[^"]+"/, '"version": "99.0.0"']],
  'src/store/migrations.ts': [
    [
      /(export const migrations[^{]*\{)([^}]*)\}/,
      `$1$2  '9999-planted': { up: async (db) => db.schema.alterTable('nodes').addColumn('planted', 'text').execute() },\n}`,
    ],
  ],
  // It uses the column, and says more of itself to the others.
  'src/fleet/nodes.ts': [
    [/const facts = \{ \.\.\.row,/, `const facts = { ...row, planted: 'later',`],
    [/unkept \} satisfies ShownNode/, `unkept, planted: { later: true } } satisfies ShownNode`],
  ],
};

/**
 * Where a copy of this version is that does what a later one may do: one migration more, and more in what nodes tell each other.
 * It is run beside this one.
 */
export async function newerVersion(t: ExecutionContext): Promise<string> {
  const copy = await mkdtemp(path.join(memoryDirectory(), 'holdfast-newer-'));
  t.teardown(async () => rm(copy, { recursive: true, force: true }));
  for (const name of ['src', 'native-config', 'package.json'])
    await cp(path.join(root, name), path.join(copy, name), { recursive: true });
  const modules = path.join(root, 'node_modules');
  await symlink(modules, path.join(copy, 'node_modules'));
  await mkdir(path.join(copy, 'build'));
  await symlink(path.join(root, 'build/stripped'), path.join(copy, 'build/stripped'));
  for (const [name, replacements] of Object.entries(changes)) {
    const file = path.join(copy, name);
    let text = await readFile(file, 'utf8');
    for (const [from, to] of replacements) {
      if (!from.test(text)) throw new Error(`${name} has no ${from}`);
      text = text.replace(from, to);
    }
    await writeFile(file, text);
  }
  // Its workers are confined to their own files, and their modules are ours.
  const file = path.join(copy, 'src/node-process.ts');
  const [own, of] = [`'node_modules'].map((name) => path.join(installedAt, name))`, await realpath(modules)];
  const text = await readFile(file, 'utf8');
  if (!text.includes(own)) throw new Error(`src/node-process.ts has no ${own}`);
  await writeFile(file, text.replace(own, `${own}.concat(${JSON.stringify(of)})`));
  return copy;
}
