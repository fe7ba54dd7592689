import { hash } from 'node:crypto';
import {
  chmodSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import path from 'node:path';

/*
 * Strips the types of our files into build/stripped, each named by the SHA-256 of its source; src/stripped-types.js loads them
 * from there. Safe to repeat: only what is missing is made, and what no source has any more goes.
 */

const home = path.resolve(import.meta.dirname, '..');
const stripped = path.join(home, 'build/stripped');
const files = globSync('{src,simulator,test,testing,bench,demo,scripts}/**/*.ts', { cwd: home });
const sources = new Map(
  files.map((file) => {
    const source = readFileSync(path.join(home, file), 'utf8');
    return [hash('sha256', source), source];
  }),
);

// Whatever the umask: nobody else may write there, and the service reads it.
for (const directory of [path.dirname(stripped), stripped]) {
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o755);
}
const present = new Set(readdirSync(stripped));
for (const [name, source] of sources) {
  if (present.has(name)) continue;
  // In one go: processes start meanwhile.
  const unfinished = path.join(stripped, `.${name}.${process.pid}`);
  writeFileSync(unfinished, stripTypeScriptTypes(source));
  chmodSync(unfinished, 0o644);
  renameSync(unfinished, path.join(stripped, name));
}
for (const name of present) if (!sources.has(name)) rmSync(path.join(stripped, name), { force: true });
