import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Which files a build has, a line each, for the build after it. */
const list = 'assets.list';

/** What a build was made of, as set-up compares it (scripts/set-up). */
const inputs = 'inputs';

/**
 * Puts a build of the console in the place of the one before it, under a node that serves it: at no moment is a page without
 * the files that it loads. They have names that change with what is in them, so the new ones come beside the old ones; then
 * the page is another, by rename; and those of the build before stay, for browsers that have its page open. `from` is
 * emptied, and must be on the same file system.
 */
export function publishConsole(from: string, to: string): void {
  const assets = path.join(to, 'assets');
  mkdirSync(assets, { recursive: true, mode: 0o755 });
  // Compressed forms before what they are forms of: who finds a file finds all of it.
  const made = readdirSync(path.join(from, 'assets')).toSorted().toReversed();
  const before = linesOf(path.join(to, list));
  for (const name of made) renameSync(path.join(from, 'assets', name), path.join(assets, name));
  // The page last of all, and each compressed form of it whole in itself.
  for (const name of readdirSync(from)
    .filter((name) => name !== 'assets' && name !== inputs)
    .toSorted()
    .toReversed())
    renameSync(path.join(from, name), path.join(to, name));
  if (before !== undefined) {
    const wanted = new Set([...before, ...made]);
    for (const name of readdirSync(assets))
      if (!wanted.has(name)) rmSync(path.join(assets, name), { recursive: true, force: true });
  }
  const written = path.join(to, `.${list}`);
  writeFileSync(written, `${made.join('\n')}\n`);
  renameSync(written, path.join(to, list));
  // By these set-up knows that nothing is to be built: after all the rest, whatever happens meanwhile.
  if (existsSync(path.join(from, inputs))) renameSync(path.join(from, inputs), path.join(to, inputs));
  rmSync(from, { recursive: true, force: true });
}

function linesOf(file: string): string[] | undefined {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
