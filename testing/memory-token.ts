import { setImmediate as nextTurn } from 'node:timers/promises';
import { TokenError } from '../src/token/faults.ts';
import type { ListedKey, TokenRequest } from '../src/token/messages.ts';
import type { TokenClient } from '../src/vault/tokens.ts';

/** A token in memory, with its key objects by CKA_ID in hex, in the order of their CKA_IDs. */
export type MemoryToken = TokenClient & { objects: Map<string, ListedKey> };

/**
 * Answers for key objects as a pool does that has them all and finds nothing wrong, each in a later turn of the event loop: for
 * what the vault's own work costs where there are many. What a token really does is for the tests with a real one.
 */
export function memoryToken(keys: readonly { id: Buffer; label: string }[]): MemoryToken {
  const sorted = keys.toSorted((a, b) => Buffer.compare(a.id, b.id));
  const objects = new Map(sorted.map(({ id, label }) => [id.toString('hex'), asMade(id, label)]));
  return {
    name: 'token',
    members: ['token'],
    usable: true,
    health: 'ACTIVE',
    healthOf: () => 'ACTIVE',
    serialOf: () => undefined,
    hosts: [],
    objects,
    call: async (request) => {
      await nextTurn();
      return { value: answer(objects, request), retries: 0 } as never;
    },
  };
}

function asMade(id: Buffer, label: string): ListedKey {
  return {
    id,
    label,
    objects: 1,
    compliant: true,
    violations: [],
    generatedOnToken: true,
    encrypt: true,
    decrypt: true,
  };
}

function answer(objects: Map<string, ListedKey>, request: TokenRequest): unknown {
  if (request.kind === 'listKeys') return pageOf(objects, Buffer.from(request.after), request.limit);
  if (request.kind === 'reseal') return { sealed: request.sealed };
  if (request.kind === 'destroyKey') objects.delete(Buffer.from(request.key).toString('hex'));
  if (request.kind !== 'inspectKey') return {};
  const found = objects.get(Buffer.from(request.key).toString('hex'));
  if (found === undefined) throw new TokenError('key-missing', 'C_FindObjects');
  return found;
}

function pageOf(objects: Map<string, ListedKey>, after: Buffer, limit: number) {
  const keys: ListedKey[] = [];
  const behind = after.toString('hex');
  for (const [id, key] of objects) {
    if (id <= behind) continue;
    if (keys.length === limit) return { keys, more: true };
    keys.push(key);
  }
  return { keys, more: false };
}
