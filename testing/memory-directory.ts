import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';

/** Where files of a test need not outlive the machine: in memory, where there is such a place. */
export function memoryDirectory(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}
