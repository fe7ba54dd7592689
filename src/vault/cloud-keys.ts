import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { CloudKeyTable, KeyVersionTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { versionLabel, versionObjectId } from '../token/own-keys.ts';
import type { KeySet } from './key-sets.ts';
import { parseDescription, parseExternalKeyId, parseName } from './names.ts';
import { managementDeadline, type TokenRooms } from './token-rooms.ts';
import { VaultError } from './vault-error.ts';

export type CloudKeyRecord = Selectable<CloudKeyTable>;
export type KeyVersionRecord = Selectable<KeyVersionTable>;

export interface Usage {
  encrypt: boolean;
  decrypt: boolean;
}

/**
 * Makes a CloudKey with its first version, an AES-256 key made in the token. The record comes first, so that a kill
 * between leaves a record that names the key object, never a key object that nobody knows.
 */
export async function createCloudKey(
  store: Store,
  tokens: TokenRooms,
  keySet: KeySet,
  wish: { name: string; description?: string; externalKeyId?: string; usage: Usage },
): Promise<CloudKeyRecord> {
  const now = new Date().toISOString();
  const key: CloudKeyRecord = {
    id: randomUUID(),
    key_set_id: keySet.id,
    name: parseName(wish.name),
    description: parseDescription(wish.description ?? ''),
    external_key_id: parseExternalKeyId(wish.externalKeyId ?? randomUUID()),
    state: 'CREATING',
    can_encrypt: wish.usage.encrypt ? 1 : 0,
    can_decrypt: wish.usage.decrypt ? 1 : 0,
    current_version: 1,
    created_at: now,
    updated_at: now,
  };
  const objectId = versionObjectId(key.id, 1);
  await insertKey(store, key, objectId, 'holdfast');
  try {
    await tokens.pool(keySet.token).call(
      {
        kind: 'generateKey',
        key: objectId,
        label: versionLabel(keySet.id, key.external_key_id, 1),
        ...wish.usage,
      },
      managementDeadline(),
    );
  } catch (error) {
    await undoCreation(store, tokens, keySet, key, objectId);
    throw error;
  }
  return activate(store, key, 1);
}

/**
 * Takes over a key object that is in the token already, found by its label, with the ciphertext that AWS's sample
 * proxy made under it. Refuses a key that could leave the token.
 */
export async function adoptCloudKey(
  store: Store,
  tokens: TokenRooms,
  keySet: KeySet,
  wish: { name: string; description?: string; externalKeyId: string; label: string },
): Promise<CloudKeyRecord> {
  const { value: found } = await tokens
    .pool(keySet.token)
    .call({ kind: 'findKey', label: wish.label }, managementDeadline());
  if (wish.label.startsWith('holdfast:'))
    throw new VaultError('invalid', 'key objects whose label starts with "holdfast:" are our own already');
  if (found.id.length === 0)
    throw new VaultError('invalid', 'the key object has no CKA_ID; give it one first');
  if (!found.fit)
    throw new VaultError('invalid', `the key object is not fit: ${found.complaints.join(', ')}`);
  const now = new Date().toISOString();
  const key: CloudKeyRecord = {
    id: randomUUID(),
    key_set_id: keySet.id,
    name: parseName(wish.name),
    description: parseDescription(wish.description ?? ''),
    external_key_id: parseExternalKeyId(wish.externalKeyId),
    state: 'CREATING',
    can_encrypt: found.encrypt ? 1 : 0,
    can_decrypt: found.decrypt ? 1 : 0,
    current_version: 1,
    created_at: now,
    updated_at: now,
  };
  // Found by its label; used by its id, which must be its own too.
  await tokens.pool(keySet.token).call({ kind: 'inspectKey', key: found.id }, managementDeadline());
  await insertKey(store, key, Buffer.from(found.id), 'aws-sample-proxy');
  return activate(store, key, 1);
}

/**
 * Makes a new version; new ciphertext uses it from the moment this returns, old ciphertext stays readable. The number
 * is one more than any the key has had, so that two rotations at once, or one that was interrupted, never meet.
 */
export async function rotateCloudKey(
  store: Store,
  tokens: TokenRooms,
  keySet: KeySet,
  key: CloudKeyRecord,
): Promise<CloudKeyRecord> {
  const version = await store.change(async (trx) => {
    const { latest } = await trx
      .selectFrom('key_versions')
      .select((eb) => eb.fn.max('version').as('latest'))
      .where('cloud_key_id', '=', key.id)
      .executeTakeFirstOrThrow();
    const next = latest + 1;
    await trx
      .insertInto('key_versions')
      .values({
        cloud_key_id: key.id,
        version: next,
        object_id: versionObjectId(key.id, next),
        state: 'PENDING',
        origin: 'holdfast',
        created_at: new Date().toISOString(),
      })
      .execute();
    return next;
  });
  await tokens.pool(keySet.token).call(
    {
      kind: 'generateKey',
      key: versionObjectId(key.id, version),
      label: versionLabel(keySet.id, key.external_key_id, version),
      encrypt: key.can_encrypt === 1,
      decrypt: key.can_decrypt === 1,
    },
    managementDeadline(),
  );
  return activate(store, key, version);
}

/** Disables or enables. From the moment this returns every later request of every worker sees it (promise 2). */
export async function setCloudKeyState(
  store: Store,
  key: CloudKeyRecord,
  state: 'AVAILABLE' | 'DISABLED',
): Promise<CloudKeyRecord> {
  return store.change(async (trx) => {
    const changed = await trx
      .updateTable('cloud_keys')
      .set({ state, updated_at: new Date().toISOString() })
      .where('id', '=', key.id)
      .where('state', 'in', ['AVAILABLE', 'DISABLED'])
      .returningAll()
      .executeTakeFirst();
    if (changed === undefined) throw new VaultError('conflict', 'the CloudKey is not ready yet');
    return changed;
  });
}

export async function listCloudKeys(store: Store, keySet?: KeySet): Promise<CloudKeyRecord[]> {
  let query = store.db.selectFrom('cloud_keys').selectAll().orderBy('name');
  if (keySet !== undefined) query = query.where('key_set_id', '=', keySet.id);
  return query.execute();
}

/** By external key id or by id; by name within `keySet`. Throws VaultError `not-found`. */
export async function findCloudKey(store: Store, idOrName: string, keySet?: KeySet): Promise<CloudKeyRecord> {
  const keys = await store.db
    .selectFrom('cloud_keys')
    .selectAll()
    .where((eb) =>
      eb.or([eb('external_key_id', '=', idOrName), eb('id', '=', idOrName), eb('name', '=', idOrName)]),
    )
    .execute();
  const fitting = keySet === undefined ? keys : keys.filter((key) => key.key_set_id === keySet.id);
  const [key, second] = fitting;
  if (key === undefined)
    throw new VaultError('not-found', 'there is no such CloudKey; see: holdfast cloud-key list');
  if (second !== undefined)
    throw new VaultError(
      'conflict',
      'more than one CloudKey is called so; name it by its external key id, or give --key-set',
    );
  return key;
}

export async function listVersions(store: Store, key: CloudKeyRecord): Promise<KeyVersionRecord[]> {
  return store.db
    .selectFrom('key_versions')
    .selectAll()
    .where('cloud_key_id', '=', key.id)
    .orderBy('version')
    .execute();
}

async function insertKey(
  store: Store,
  key: CloudKeyRecord,
  objectId: Buffer,
  origin: KeyVersionRecord['origin'],
): Promise<void> {
  await store.change(async (trx) => {
    const same = await trx
      .selectFrom('cloud_keys')
      .select(['external_key_id'])
      .where((eb) =>
        eb.or([
          eb('external_key_id', '=', key.external_key_id),
          eb.and([eb('key_set_id', '=', key.key_set_id), eb('name', '=', key.name)]),
        ]),
      )
      .executeTakeFirst();
    if (same?.external_key_id === key.external_key_id)
      throw new VaultError('conflict', 'another CloudKey has this external key id');
    if (same !== undefined) throw new VaultError('conflict', 'another CloudKey of the key set has this name');
    // Two records of one key object would count its encryptions twice over.
    const taken = await trx
      .selectFrom('key_versions')
      .select('cloud_key_id')
      .where('object_id', '=', objectId)
      .executeTakeFirst();
    if (taken !== undefined) throw new VaultError('conflict', 'another CloudKey uses this key object');
    await trx.insertInto('cloud_keys').values(key).execute();
    await trx
      .insertInto('key_versions')
      .values({
        cloud_key_id: key.id,
        version: 1,
        object_id: objectId,
        state: 'PENDING',
        origin,
        created_at: key.created_at,
      })
      .execute();
  });
}

async function activate(store: Store, key: CloudKeyRecord, version: number): Promise<CloudKeyRecord> {
  return store.change(async (trx) => {
    await trx
      .updateTable('key_versions')
      .set({ state: 'ACTIVE' })
      .where('cloud_key_id', '=', key.id)
      .where('version', '=', version)
      .execute();
    return trx
      .updateTable('cloud_keys')
      .set((eb) => ({
        // Of two rotations at once the later version stays current, whichever ends first.
        current_version: eb
          .case()
          .when('current_version', '<', version)
          .then(version)
          .else(eb.ref('current_version'))
          .end(),
        state: eb
          .case()
          .when('state', '=', 'CREATING')
          .then('AVAILABLE' as const)
          .else(eb.ref('state'))
          .end(),
        updated_at: new Date().toISOString(),
      }))
      .where('id', '=', key.id)
      .returningAll()
      .executeTakeFirstOrThrow();
  });
}

/** Takes the record back once it is sure that no key object stays behind; else leaves it, so that nothing is lost sight of. */
async function undoCreation(
  store: Store,
  tokens: TokenRooms,
  keySet: KeySet,
  key: CloudKeyRecord,
  objectId: Buffer,
): Promise<void> {
  try {
    await tokens.pool(keySet.token).call({ kind: 'destroyKey', key: objectId }, managementDeadline());
  } catch {
    return;
  }
  await store.change(async (trx) => {
    await trx.deleteFrom('key_versions').where('cloud_key_id', '=', key.id).execute();
    await trx.deleteFrom('cloud_keys').where('id', '=', key.id).execute();
  });
}
