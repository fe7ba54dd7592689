import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type Database from 'better-sqlite3';

/*
 * Loads the addons that a node loads, and fails where one of them cannot be, or brings a second Node along: an addon
 * that was linked with -lnode (Debian's node-gyp does) loads that library with its own V8 and OpenSSL, and the heap of
 * the process that holds the token is corrupted sooner or later.
 */
const libnodes = () => new Set(readFileSync('/proc/self/maps', 'utf8').match(/\S+\/libnode\.\S+/g));

// Where Node itself is such a library (a distribution's build) there is one, and that is well.
const own = libnodes();
const require = createRequire(import.meta.url);
const loads: Record<string, () => unknown> = {
  pkcs11js: () => require('pkcs11js'),
  // It loads its addon when a database is opened.
  'better-sqlite3': () => new (require('better-sqlite3') as typeof Database)(':memory:'),
};
for (const [addon, load] of Object.entries(loads)) {
  load();
  for (const library of libnodes().difference(own)) {
    console.error(`${addon} needs ${library}: a second Node in one process. Build it with scripts/set-up`);
    process.exit(1);
  }
}
