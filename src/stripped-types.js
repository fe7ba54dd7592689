import { hash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { registerHooks } from 'node:module';

/*
 * Loaded first by every process of ours (src/node-process.ts). Stripping the types of our files is most of what a start costs,
 * and Node would do it at each start of each process; scripts/strip-types.js does it once, at set-up. What it made is found by the
 * SHA-256 of the very source that it was made of, so it is never out of date: a file that was edited since is stripped by Node
 * as ever; so is one of which what was made is not whole. It is JavaScript as a person reads it and nothing compiled, and no
 * process of ours may write it.
 *
 * JavaScript itself, since it is there before anything is stripped.
 */

// Compiled code that Node keeps (NODE_COMPILE_CACHE) runs in the place of ours with no more of a check than a CRC, so whoever
// can write it runs where it is read: no process that this one starts has any.
delete process.env['NODE_COMPILE_CACHE'];

const home = new URL('..', import.meta.url).href;
const stripped = new URL('../build/stripped/', import.meta.url);
const usesStripped = isAsSafeAsOurCode(stripped);

/** Whose files are ES modules, every one that ends in .js: the two packages that are of hundreds of files. */
const modules = ['kysely', 'zod'].map((name) => `${home}node_modules/${name}/`);

registerHooks({
  /** These name each other whole; otherwise Node looks at the disk for what each is, a third of what is left of a start. */
  resolve(specifier, context, next) {
    const from = context.parentURL ?? '';
    const isRelative = from.startsWith(home) && /^\.{1,2}\//.test(specifier);
    if (isRelative && specifier.endsWith('.ts'))
      return { url: new URL(specifier, from).href, format: 'module-typescript', shortCircuit: true };
    if (isRelative && specifier.endsWith('.js') && modules.some((directory) => from.startsWith(directory)))
      return { url: new URL(specifier, from).href, format: 'module', shortCircuit: true };
    return next(specifier, context);
  },
  load(url, context, next) {
    if (!usesStripped || !url.endsWith('.ts') || !url.startsWith(home)) return next(url, context);
    try {
      const name = hash('sha256', readFileSync(new URL(url)));
      const source = readFileSync(new URL(name, stripped));
      const end = Buffer.from(`\n// whole ${name}\n`);
      if (!source.subarray(-end.length).equals(end)) return next(url, context);
      return { format: 'module', source, shortCircuit: true };
    } catch {
      return next(url, context);
    }
  },
});

/**
 * Whether nobody may put files there who may not change our code as well.
 *
 * @param {URL} directory two below the one that our code is in
 */
function isAsSafeAsOurCode(directory) {
  const { uid: owner } = statSync(new URL(import.meta.url));
  try {
    return [directory, new URL('..', directory)].every((one) => {
      const facts = statSync(one);
      return (facts.uid === 0 || facts.uid === owner) && (facts.mode & 0o022) === 0;
    });
  } catch {
    // Set-up has not made it: a confined process is even refused to look, since what is not there cannot be allowed whole.
    return false;
  }
}
