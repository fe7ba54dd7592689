import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { memoryDirectory } from '../../testing/memory-directory.ts';

/** A named pipe in a directory of its own, removed after the test. */
export function makeFifo(t: ExecutionContext): string {
  const directory = mkdtempSync(path.join(memoryDirectory(), 'holdfast-fifo-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const fifo = path.join(directory, 'fifo');
  execFileSync('mkfifo', [fifo]);
  return fifo;
}
