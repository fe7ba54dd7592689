import { closeSync, fsyncSync, openSync } from 'node:fs';

/**
 * What is in a file, or which names are in a directory, is on the disk when this returns (fsync(2)). Throws what the system
 * throws.
 */
export function syncToDisk(target: string): void {
  const descriptor = openSync(target, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
