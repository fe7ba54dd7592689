import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A node is known by an id of its own, made at its first start and kept in its state directory. */
export function nodeIdOf(stateDirectory: string): string {
  const known = knownNodeId(stateDirectory);
  if (known !== undefined) return known;
  const id = randomUUID();
  writeFileSync(fileIn(stateDirectory), `${id}\n`, { mode: 0o600, flag: 'wx' });
  return id;
}

/** Undefined before its first start. */
export function knownNodeId(stateDirectory: string): string | undefined {
  const file = fileIn(stateDirectory);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

function fileIn(stateDirectory: string): string {
  return path.join(stateDirectory, 'node-id');
}

/** Of this start of the machine's kernel (random(4)): a copy of a machine that is started has another. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
