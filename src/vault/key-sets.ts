import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { KeySetTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { parseDescription, parseName, parsePathPrefix } from './names.ts';
import { VaultError } from './vault-error.ts';

export type KeySet = Selectable<KeySetTable>;

/**
 * Makes a key set. A non-empty path prefix belongs to one key set only; several may have none, told apart by their
 * credentials.
 */
export async function createKeySet(
  store: Store,
  wish: { name: string; description?: string; token: string; pathPrefix: string },
): Promise<KeySet> {
  const keySet: KeySet = {
    id: randomUUID(),
    name: parseName(wish.name),
    description: parseDescription(wish.description ?? ''),
    token: wish.token,
    path_prefix: parsePathPrefix(wish.pathPrefix),
    created_at: new Date().toISOString(),
  };
  return store.change(async (trx) => {
    const same = await trx
      .selectFrom('key_sets')
      .select(['name', 'path_prefix'])
      .where((eb) =>
        eb.or([
          eb('name', '=', keySet.name),
          ...(keySet.path_prefix === '' ? [] : [eb('path_prefix', '=', keySet.path_prefix)]),
        ]),
      )
      .executeTakeFirst();
    if (same?.name === keySet.name) throw new VaultError('conflict', 'another key set has this name');
    if (same !== undefined) throw new VaultError('conflict', 'another key set has this path prefix');
    await trx.insertInto('key_sets').values(keySet).execute();
    return keySet;
  });
}

export async function listKeySets(store: Store): Promise<KeySet[]> {
  return store.db.selectFrom('key_sets').selectAll().orderBy('name').execute();
}

/** By name or id. Throws VaultError `not-found`. */
export async function findKeySet(store: Store, nameOrId: string): Promise<KeySet> {
  const keySet = await store.db
    .selectFrom('key_sets')
    .selectAll()
    .where((eb) => eb.or([eb('name', '=', nameOrId), eb('id', '=', nameOrId)]))
    .executeTakeFirst();
  if (keySet === undefined)
    throw new VaultError('not-found', 'there is no such key set; see: holdfast key-set list');
  return keySet;
}
