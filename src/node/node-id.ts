import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A node is known by an id of its own, made at its first start and kept in its state directory. */
export function nodeIdOf(stateDirectory: string): string {
  const file = path.join(stateDirectory, 'node-id');
  if (!existsSync(file)) writeFileSync(file, `${randomUUID()}\n`, { mode: 0o600, flag: 'wx' });
  return readFileSync(file, 'utf8').trim();
}
