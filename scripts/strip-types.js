import { hash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  globSync,
  mkdirSync,
  openSync,
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
 * from there. Safe to repeat, and beside another: what is missing or was cut short is made, and what no source has any more goes.
 */

const home = path.resolve(import.meta.dirname, '..');
const stripped = path.join(home, 'build/stripped');
const files = globSync('{src,simulator,test,testing,bench,chaos,demo,scripts}/**/*.ts', { cwd: home });
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
  const made = path.join(stripped, name);
  // Its last line says that it is whole (src/stripped-types.js): a machine that lost power may have kept the name alone.
  const text = `${stripTypeScriptTypes(source)}\n// whole ${name}\n`;
  if (present.has(name) && readFileSync(made, 'utf8') === text) continue;
  // In one go: processes start meanwhile.
  const unfinished = path.join(stripped, `.${name}.${process.pid}`);
  writeFileSync(unfinished, text, { flush: true });
  chmodSync(unfinished, 0o644);
  renameSync(unfinished, made);
}
for (const name of present)
  if (!sources.has(name) && !isBeingMade(name)) rmSync(path.join(stripped, name), { force: true });
const directory = openSync(stripped, 'r');
fsyncSync(directory);
closeSync(directory);

/**
 * Whether another set-up is at it.
 *
 * @param {string} name
 */
function isBeingMade(name) {
  const [, pid] = /^\..*\.(\d+)$/.exec(name) ?? [];
  if (pid === undefined) return false;
  try {
    return process.kill(Number(pid), 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}
