import { readdirSync } from 'node:fs';
import path from 'node:path';

const sharedMemory = '/dev/shm';

/**
 * Files of POSIX shared memory that opencryptoki made for one data store and never unlinks. It names them after
 * the store's path with dots for slashes and the token's own folder at the end (`tmp.store.swtok`, observed in
 * 3.8.1), one for each token library it tried to load.
 */
export function sharedMemoryOf(store: string): string[] {
  const prefix = `${store.slice(1).replaceAll('/', '.')}.`;
  return readdirSync(sharedMemory)
    .filter((name) => name.startsWith(prefix))
    .map((name) => path.join(sharedMemory, name));
}
